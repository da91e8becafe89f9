//! The entries of the log: what is written ([`Event`]) and what is read back ([`Entry`]). An event
//! has no field for anything about a person: ids of permits and datasets, digests, keys and totals
//! only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ligate_model::{BinaryCoding, CountryCode, DatasetId, Digest, NodeName, Purpose, VariableName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    PublicKey,
    permit::{Method, PermitId},
};

/// The longest line of the log; reasons are cut to fit well below it.
pub(super) const LINE_BYTES_MAX: usize = 16 * 1024;
const REASON_CHARS_MAX: usize = 1000;

/// Something that happened at this node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum Event {
    /// The node was made.
    Init {
        name: NodeName,
        country: CountryCode,
        key: PublicKey,
        version: String,
    },
    /// A load began; without a `load` entry after it, it did not come into force, or the process
    /// was killed just before it could say so.
    LoadBegun {
        dataset: DatasetId,
    },
    /// A dataset got a new snapshot.
    Load {
        dataset: DatasetId,
        snapshot: Digest,
        individuals: u64,
        variants: u64,
        skipped: u64,
        /// People who were loaded under other ids than those of the files.
        #[serde(skip_serializing_if = "is_zero")]
        known_as: u64,
        /// People of whom the steward says that they are others than those whose calls they have.
        #[serde(skip_serializing_if = "is_zero")]
        other_people: u64,
    },
    /// The steward listed a peer.
    PeerAdded {
        name: NodeName,
        key: PublicKey,
        address: Option<String>,
        /// Its permits are accepted.
        issuer: bool,
        /// It may open sums.
        coordinator: bool,
    },
    /// `ligate.toml` was changed and cannot be read: the node goes on with the settings of before.
    SettingsUnreadable {
        reason: String,
    },
    /// The steward took a peer off the list.
    PeerRemoved {
        name: NodeName,
        key: PublicKey,
    },
    /// This access body issued a permit.
    PermitIssued {
        id: PermitId,
        permit: Digest,
        data_user: PublicKey,
        /// The permit that this one extends.
        #[serde(skip_serializing_if = "Option::is_none")]
        extends: Option<Digest>,
    },
    /// This access body revoked a permit, for good.
    PermitRevoked {
        id: PermitId,
        permit: Digest,
        revoked: Timestamp,
        /// The number of the list that says so first.
        sequence: u64,
        reason: String,
    },
    /// An issuer's list of revoked permits was kept that says more than the one before.
    RevocationsKept {
        issuer: PublicKey,
        sequence: u64,
        revoked: u64,
    },
    /// A permit was presented and accepted.
    Permit {
        id: PermitId,
        permit: Digest,
        issuer: PublicKey,
    },
    /// A job was accepted.
    Job {
        permit: Digest,
        job: Digest,
        question: Digest,
        coordinator: PublicKey,
        data_user: PublicKey,
        /// As the permit's issuer names the party.
        data_user_name: String,
        purpose: Purpose,
        method: Method,
        #[serde(rename = "trait")]
        trait_name: VariableName,
        covariates: Vec<VariableName>,
    },
    /// The steward let unfinished runs of a question be repeated with other nodes.
    LedgerClosed {
        question: Digest,
        runs: u64,
    },
    /// The steward allowed a data user other nodes than those that he began with.
    RosterAllowed {
        dataset: DatasetId,
        data_user: String,
        nodes: Vec<NodeName>,
    },
    /// Another node decided how a disease is coded of which this one shows the value 1 alone.
    CodingDecided {
        dataset: DatasetId,
        variable: VariableName,
        coding: BinaryCoding,
    },
    /// The steward undid how a disease was coded: the next study decides it anew.
    CodingForgotten {
        dataset: DatasetId,
        variable: VariableName,
        coding: BinaryCoding,
    },
    /// It was asked that something of a job's result leaves the environment.
    ExportAsked {
        permit: Digest,
        job: Digest,
        export: Digest,
    },
    /// Something of a job's result left the environment, or is about to: its digest, and the
    /// variants in it.
    Exported {
        permit: Digest,
        job: Digest,
        export: Digest,
        content: Digest,
        variants: u64,
    },
    /// An identical question got the release that is stored; no node was asked.
    StoredRelease {
        permit: Digest,
        question: Digest,
        result: Digest,
    },
    /// A permit, a job or a peer was refused.
    Refusal {
        permit: Option<Digest>,
        job: Option<Digest>,
        peer: Option<PublicKey>,
        reason: String,
    },
    /// All nodes of a run signed its roster: from here on sums can be opened. At the coordinator.
    RosterAgreed {
        permit: Digest,
        job: Digest,
        nodes: Vec<PublicKey>,
    },
    /// The privacy ledger is about to change; its digest afterwards.
    LedgerChanged {
        what: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        job: Option<Digest>,
        ledger: Digest,
    },
    /// The registry's ledger is about to change: batches, withdrawals. Its digest afterwards.
    RegistryChanged {
        what: String,
        ledger: Digest,
    },
    /// The registry's patients or their consents are about to change; the digest of the file
    /// afterwards.
    PatientsChanged {
        what: String,
        ledger: Digest,
    },
    /// `ligate recover`: this node was restored, or its clock went back. Entries that peers hold
    /// heads of are lost.
    NodeRecovered {
        /// The largest head of this log that a peer holds and that the log does not continue; 0 if
        /// there is none.
        lost_size: u64,
        /// The latest time of such a head.
        lost_time: Option<Timestamp>,
        /// Peers that said which heads they hold, and those that could not be asked.
        peers_asked: Vec<NodeName>,
        peers_silent: Vec<NodeName>,
        /// Runs that this log or a coordinator proves and the ledger lacks, or whose columns it
        /// lacks.
        runs_taken_over: u64,
        /// Whether the accounts of all data users were closed.
        all_accounts_closed: bool,
        /// Withdrawals that were handed in.
        withdrawals: u64,
        /// Whether the consents of all patients of the registry count as not given.
        consents_closed: bool,
        /// The steward's word: nothing else was shown since then.
        nothing_shown_since: Option<Timestamp>,
        no_withdrawals_since: Option<Timestamp>,
    },
    /// The steward took a peer's word that it was restored: its heads up to here are kept apart,
    /// and it begins anew.
    RecoveryAccepted {
        peer: NodeName,
        size: u64,
        root: Digest,
        /// The peer's own entry of it, as a leaf of its log; none where the steward's word alone is
        /// behind it.
        #[serde(skip_serializing_if = "Option::is_none")]
        recovery: Option<Digest>,
    },
    /// A masked vector left this node, or (at the coordinator) a sum was opened.
    Round {
        job: Digest,
        round: u64,
        ask: String,
        sites: u64,
    },
    /// A result passed the gate.
    Release {
        permit: Digest,
        job: Digest,
        result: Digest,
        released: u64,
        suppressed: u64,
    },
    /// A run ended without a result.
    RunFailed {
        job: Digest,
        reason: String,
    },
    /// A peer's signed tree head was kept.
    PeerHead {
        peer: NodeName,
        size: u64,
        root: Digest,
    },
    /// Cases were taken into the registry.
    RegistryAdded {
        added: u64,
        changed: u64,
        /// Cases that could not be counted.
        left_out: u64,
    },
    /// Batches of diagnosis counts were closed; the table that is served now.
    DiagnosisCountsClosed {
        batches: u64,
        rows: u64,
        table: Digest,
    },
    /// A withdrawal or a correction: a batch is no longer served.
    DiagnosisCountsStopped {
        batches: u64,
        table: Digest,
    },
    /// The steward released the allele counts of a dataset.
    AlleleCountsReleased {
        dataset: DatasetId,
        snapshot: Digest,
        rows: u64,
    },
    /// A peer was given a table whole, or a page of one.
    CountsServed {
        peer: PublicKey,
        table: CountsKind,
        page: u32,
        rows: u64,
        purpose: Purpose,
    },
    /// A peer's tables were fetched whole.
    CountsFetched {
        peer: NodeName,
        diagnosis_rows: u64,
        allele_rows: u64,
        purpose: Purpose,
    },
    /// A system of the Matchmaker Exchange was answered. What it asked is not kept.
    MatchAnswered {
        /// Its name in the settings.
        peer: String,
        matches: u64,
        purpose: Purpose,
    },
    /// Systems of the Matchmaker Exchange are asked about one patient, whose consent was stated.
    MatchAsked {
        peers: Vec<String>,
        purpose: Purpose,
    },
    /// The node began to serve.
    ServeStarted {
        address: String,
        version: String,
    },
    ServeStopped {},
    /// What a crash had left beyond the signed head was cut off.
    Recovered {
        bytes: u64,
        digest: Digest,
    },
}

/// Entries do not mention what is nothing, as those of earlier programs.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Tables that nodes give each other ahead of any question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountsKind {
    DiagnosisCounts,
    AlleleCounts,
}

/// One entry as it stands in the log. The exact bytes of its line, without the newline, are the
/// leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counted from 0, without gaps.
    pub seq: u64,
    pub time: Timestamp,
    pub kind: String,
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
}

/// An event in the form of an entry, before it has a number and a time.
#[derive(Deserialize)]
struct Parts {
    kind: String,
    #[serde(default)]
    fields: BTreeMap<String, Value>,
}

impl Entry {
    /// The line of an event, without a newline. Fields are in the order of their names.
    pub(super) fn line(
        seq: u64,
        time: Timestamp,
        event: Event,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let parts: Parts = serde_json::from_value(serde_json::to_value(event.shortened())?)?;
        serde_json::to_vec(&Self {
            seq,
            time,
            kind: parts.kind,
            fields: parts.fields,
        })
    }

    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// A field that holds text, or what is written as one: a digest, a key, a time.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }
}

impl Event {
    /// Texts that came from elsewhere, cut and on one line.
    fn shortened(mut self) -> Self {
        match &mut self {
            Self::Refusal { reason: text, .. }
            | Self::RunFailed { reason: text, .. }
            | Self::PermitRevoked { reason: text, .. }
            | Self::SettingsUnreadable { reason: text }
            | Self::Round { ask: text, .. }
            | Self::Job {
                data_user_name: text,
                ..
            }
            | Self::ServeStarted { address: text, .. } => {
                *text = text
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(REASON_CHARS_MAX)
                    .collect();
            }
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_line_is_fixed() {
        let load = Event::Load {
            dataset: "t2d".parse().unwrap(),
            snapshot: Digest::from_bytes([7; 32]),
            individuals: 400,
            variants: 9000,
            skipped: 1,
            known_as: 0,
            other_people: 0,
        };
        let line = Entry::line(3, "2031-01-01T00:00:00Z".parse().unwrap(), load).unwrap();
        let expected = format!(
            "{{\"seq\":3,\"time\":\"2031-01-01T00:00:00Z\",\"kind\":\"load\",\"fields\":{{\"dataset\":\"t2d\",\
             \"individuals\":400,\"skipped\":1,\"snapshot\":\"{}\",\"variants\":9000}}}}",
            "07".repeat(32)
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
        let stop = Entry::line(
            4,
            "2031-01-01T00:00:00Z".parse().unwrap(),
            Event::ServeStopped {},
        )
        .unwrap();
        assert_eq!(Entry::parse(&stop).unwrap().kind, "serve-stopped");
    }

    #[test]
    fn long_reasons_are_cut_and_stay_on_one_line() {
        let reason = "a\n".repeat(LINE_BYTES_MAX);
        let event = Event::Refusal {
            permit: None,
            job: None,
            peer: None,
            reason,
        };
        let line = Entry::line(0, Timestamp::UNIX_EPOCH, event).unwrap();
        assert!(line.len() < 2000);
        assert_eq!(
            Entry::parse(&line).unwrap().text("reason"),
            Some("a".repeat(REASON_CHARS_MAX).as_str())
        );
    }
}
