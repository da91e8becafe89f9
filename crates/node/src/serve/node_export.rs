//! One export at one node: something of a job's result is to leave the environment, where it counts
//! for everybody, for ever. The node takes part only in the sums of accounts, and notes the export
//! in its ledger before anything leaves, if
//!
//! 1. permit, job and the data user's signed wish hold, and the result was released by exactly
//!    these nodes;
//! 2. no node's own sum follows from it and the results that were exported of other rosters;
//! 3. the exported account with this result, and each other data user's own account with it, were
//!    judged and hold as far as this node's own people are concerned: what all nodes find is put
//!    together by the coordinator;
//! 4. not too many variants of the trait leave, and an officer approved the content where the
//!    permit asks for it.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{Event, Head},
    export::{self, SignedExport},
    policy::Approval,
};
use ligate_disclosure::{Exact, ExportAccount, Exported, ForExport, Gate, Released, span::Limits};
use ligate_federation::{
    Answer, Entry, Handled, History, Journal, JournalError, Roster, RunContext, SignedRoster,
    ToRound,
};
use ligate_model::{Digest, Rule, VariantKey};

use super::{
    account::{Check, Columns, check_ask},
    admission::{approve, compare_with_coordinator, keep_coordinators_head, still_allowed},
    participation::{Participation, RosterJournal},
};
use crate::{
    books::{self, changed_calls},
    folder::Folder,
    gate::gate,
    output,
    session::{
        ExportAccountFacts, ExportFacts, Leaving, OFFER_PAGE, OutgoingAnswer, SiteFacts,
        rounds::{AccountAsk, Broadcast, RoundAsk},
    },
};

/// An export that this node has agreed to look at.
pub struct NodeExport {
    folder: Arc<Folder>,
    approval: Approval,
    export: SignedExport,
    gate: Gate,
    books: ForExport,
    rounds: Arc<dyn Journal>,
    participation: Participation<ExportJournal>,
    /// The account that is being judged, and which of those that the export adds to it covers.
    check: Option<(Check, Vec<usize>)>,
    /// The accounts that hold.
    held: BTreeSet<usize>,
    /// Variants of which the difference of two results would be a few people's.
    changed: Option<BTreeSet<VariantKey>>,
}

impl NodeExport {
    pub fn start(
        folder: Folder,
        peer: PublicKey,
        [permit, job, export]: [&str; 3],
        result: Digest,
        (head, held): (&Head, &[Head]),
        rounds: Arc<dyn Journal>,
    ) -> Result<(Self, OutgoingAnswer)> {
        let approval = approve(&folder, peer, permit, job)?;
        let export = wish(&approval, export)?;
        keep_coordinators_head(&folder, peer, head)?;
        compare_with_coordinator(&folder, peer, held)?;
        let books = books::ledger(&folder)?.for_export(approval.signed_job().hash(), result);
        let books = books.with_context(|| format!("{} refuses", folder.name()))?;
        let gate = gate(&folder, &approval.permit().output)?;
        let facts = facts(&books, &gate)?;
        folder.record(Event::ExportAsked {
            permit: approval.permit_hash(),
            job: books.run.job,
            export: export.hash(),
        })?;
        let folder = Arc::new(folder);
        let context = RunContext {
            permit: approval.permit_hash(),
            job: export.hash(),
        };
        let participation = Participation::new(folder.clone(), context, books.run.snapshot);
        let (held, changed) = (BTreeSet::new(), None);
        let export = Self {
            folder,
            approval,
            export,
            gate,
            books,
            rounds,
            participation,
            check: None,
            held,
            changed,
        };
        Ok((export, OutgoingAnswer::Facts { facts }))
    }

    /// What messages call this export.
    pub fn hash(&self) -> Digest {
        self.export.hash()
    }

    pub fn permit_hash(&self) -> Digest {
        self.approval.permit_hash()
    }

    pub fn coordinator(&self) -> PublicKey {
        self.approval.permit().coordinator.key
    }

    /// Signs the roster, if it is that of the result.
    pub fn sign_roster(&mut self, roster: &Roster) -> Result<Answer> {
        self.still_allowed()?;
        let mut members: Vec<Digest> = roster
            .members()
            .iter()
            .map(|member| Digest::from_bytes(*member.key.as_bytes()))
            .collect();
        members.sort();
        ensure!(
            members == self.books.run.roster,
            "the result was released by other nodes than this roster's"
        );
        let journal = ExportJournal {
            rounds: self.rounds.clone(),
            folder: self.folder.clone(),
            export: self.export.hash(),
            roster: roster.clone(),
        };
        self.participation.check(self.approval.permit(), roster)?;
        let first = self.participation.journal().is_none();
        self.participation.sign(first.then_some(journal))
    }

    pub fn join(&mut self, roster: SignedRoster) -> Result<Answer> {
        self.still_allowed()?;
        self.participation.join(roster)
    }

    /// One message of a round.
    pub fn step(&mut self, message: ToRound) -> Result<Answer> {
        self.still_allowed()?;
        match self.participation.handle(message)? {
            Handled::Answer(answer) => Ok(answer),
            Handled::WantsVector { words } => {
                let vector = self.vector(&self.participation.ask(), words)?;
                self.participation.contribute(vector)
            }
        }
    }

    fn vector(&mut self, ask: &[u8], words: usize) -> Result<Vec<u64>> {
        let broadcast: Broadcast =
            postcard::from_bytes(ask).context("the question of the round cannot be read")?;
        ensure!(
            broadcast.ask.words() == words,
            "the round has another length than its question"
        );
        match &broadcast.ask {
            RoundAsk::Account(ask) => self.account_vector(ask),
            RoundAsk::Refine(ask) => self
                .check
                .as_mut()
                .context("no sum of an account was made")?
                .0
                .refine(ask),
            RoundAsk::Climb(ask) => {
                let (check, covered) = self
                    .check
                    .as_mut()
                    .context("no sum of an account was made")?;
                let words = check.climb(ask)?;
                if check.admitted().is_ok() {
                    self.held.extend(covered.iter());
                }
                Ok(words)
            }
            RoundAsk::Study(_) => bail!("an export asks for nothing but accounts"),
        }
    }

    fn account_vector(&mut self, ask: &AccountAsk) -> Result<Vec<u64>> {
        let (place, secret) = (
            self.participation.place()?,
            self.participation.common_secret()?,
        );
        check_ask(ask, place[1])?;
        ensure!(ask.study.is_none(), "an export adds no study");
        let rows = self.books.everything.rows(&ask.shown, &[], &[]);
        let threads = self.folder.config.limits.thread_count();
        let limits = Limits::of_cell(self.gate.thresholds()[Rule::Cell]);
        let columns = Columns::of_export(&self.books, &ask.shown);
        let columns = match self.books.people() {
            Some(people) => {
                let shown = (&self.books.everything, &ask.shown[..]);
                columns.with_remainder(shown, (people, &[], &[]), limits, &secret)
            }
            None => columns,
        };
        let check = Check::new(rows, columns, place, &secret, ask.fraction_bits, threads);
        let vector = check.vector();
        self.check = Some((check, self.books.covered(&ask.shown)));
        Ok(vector)
    }

    /// Judges this node's people by the sums of an account.
    pub fn judge(&mut self, grams: &[Vec<f64>]) -> Result<OutgoingAnswer> {
        self.still_allowed()?;
        let limits = Limits::of_cell(self.gate.thresholds()[Rule::Cell]);
        let (check, covered) = self
            .check
            .as_mut()
            .context("no sum of an account was made")?;
        let judgement = check.judge(grams, limits)?;
        if check.admitted().is_ok() {
            self.held.extend(covered.iter());
        }
        if judgement.refused.is_some() {
            let (permit, job) = (Some(self.permit_hash()), Some(self.export.hash()));
            let reason = "the span rule refuses an account with the export".to_owned();
            self.folder.record(Event::Refusal {
                permit,
                job,
                peer: Some(self.coordinator()),
                reason,
            })?;
        }
        let site = self
            .gate
            .own_site(self.individuals())
            .map_err(|rule| anyhow::anyhow!("{rule}"))?;
        let facts = site.release(SiteFacts::Judgement(judgement.in_quarter_powers()));
        Ok(OutgoingAnswer::Facts { facts })
    }

    /// Of which of these variants the calls have changed for a few people since something of this
    /// dataset was shown, to anybody: an earlier result less this one, or a later one, would be
    /// theirs.
    pub fn changed(&mut self, keys: &[VariantKey]) -> Result<OutgoingAnswer> {
        self.still_allowed()?;
        ensure!(
            keys.len() <= OFFER_PAGE,
            "the question has too many variants"
        );
        if self.changed.is_none() {
            let newest = self.folder.lake()?.snapshot(&self.books.run.dataset)?;
            self.changed = Some(changed_calls::since_shown(
                &newest,
                &self.books.everything,
                &self.gate,
            )?);
        }
        let known = self.changed.as_ref();
        let changed = |(place, key): (usize, &VariantKey)| {
            known
                .is_some_and(|known| known.contains(key))
                .then_some(place as u32)
        };
        let places = keys.iter().enumerate().filter_map(changed).collect();
        let site = self
            .gate
            .own_site(self.individuals())
            .map_err(|rule| anyhow::anyhow!("{rule}"))?;
        Ok(OutgoingAnswer::Facts {
            facts: site.release(SiteFacts::Changed(places)),
        })
    }

    /// The last question: notes the export, before anything leaves.
    pub fn leave(&mut self, leaving: &Leaving) -> Result<OutgoingAnswer> {
        self.still_allowed()?;
        ensure!(
            (0..self.books.accounts.len()).all(|account| self.held.contains(&account)),
            "not every account that the export adds to was judged"
        );
        let job = self.books.run.job;
        let (content, variants) = (leaving.content, leaving.variants);
        let (strength, keys) = (Exact(leaving.strength), leaving.keys.clone());
        let exported = Exported {
            content,
            variants,
            strength,
            keys,
            when: Timestamp::now(),
        };
        let wish = wish(&self.approval, &leaving.wish)?;
        ensure!(
            wish.export().content == Some(content),
            "the data user wishes other content to leave"
        );
        self.check_number(&exported)?;
        self.check_regions(&exported)?;
        self.check_officer(leaving)?;
        books::ledger(&self.folder)?.mark_exported(job, &self.books, exported)?;
        let (permit, export) = (self.permit_hash(), self.export.hash());
        let head = self.folder.record(Event::Exported {
            permit,
            job,
            export,
            content,
            variants,
        })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    fn check_number(&self, exported: &Exported) -> Result<()> {
        ensure!(
            exported.strength.0 >= 0.0,
            "what the export claims is impossible"
        );
        ensure!(
            self.approval.permit().export.full_table || self.books.left_with(exported).is_little(),
            "more of this trait would have left than one variant, and a chi-square of one, for nine people (rule: how \
             many); a permit with full tables allows more"
        );
        Ok(())
    }

    /// Two variants beside each other that differ in one person's call would give that person's
    /// trait away, whether they leave together or one after the other.
    fn check_regions(&self, exported: &Exported) -> Result<()> {
        let named = if Exported::names_variants(exported.variants, self.books.run.individuals) {
            exported.variants
        } else {
            0
        };
        let in_order = exported.keys.windows(2).all(|pair| pair[0] < pair[1]);
        ensure!(
            exported.keys.len() as u64 == named && in_order,
            "the variants that are to leave are not named, each once and in order"
        );
        if self.approval.permit().export.full_table {
            return Ok(());
        }
        let mut regions = self.books.regions.clone();
        regions.extend(&exported.keys);
        ensure!(
            !exported.keys.iter().any(|key| regions.are_closed_for(key)),
            "another variant beside one of these left of this trait, or leaves with it (rule: one for each region); a \
             permit with full tables allows it"
        );
        Ok(())
    }

    fn check_officer(&self, leaving: &Leaving) -> Result<()> {
        let Some(officer) = &self.approval.permit().export.officer else {
            return Ok(());
        };
        let text = leaving.approval.as_deref().with_context(|| {
            format!(
                "the permit lets nothing leave without the approval of {} (rule: officer)",
                officer.name
            )
        })?;
        let (approval, signer) = export::Approval::read(text).context("the officer's approval")?;
        ensure!(
            signer == officer.key,
            "the approval was not signed by the permit's officer {}",
            officer.name
        );
        let (permit, job) = (self.permit_hash(), self.books.run.job);
        let (content, variants) = (leaving.content, leaving.variants);
        ensure!(
            (approval.permit, approval.job) == (permit, job)
                && (approval.content, approval.variants) == (content, variants),
            "the officer approved other content than what is to leave now"
        );
        Ok(())
    }

    pub fn abandon(&mut self, reason: &str) -> Result<OutgoingAnswer> {
        let head = self.folder.record(Event::RunFailed {
            job: self.export.hash(),
            reason: reason.to_owned(),
        })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    fn individuals(&self) -> u64 {
        individuals(&self.books)
    }

    fn still_allowed(&self) -> Result<()> {
        still_allowed(&self.folder, &self.approval)
    }
}

/// A wish of the permit's data user, of today, for something of this job's result.
fn wish(approval: &Approval, text: &str) -> Result<SignedExport> {
    let wish = SignedExport::read(text).context("the export is not genuine")?;
    let claims = wish.export();
    ensure!(
        wish.signer() == approval.permit().data_user.key,
        "the export was not signed by the permit's data user"
    );
    ensure!(
        claims.permit == approval.permit_hash() && claims.job == approval.signed_job().hash(),
        "the export is of another job"
    );
    ensure!(
        wish.is_fresh(Timestamp::now()),
        "the export was signed more than a day ago; ask for it again"
    );
    Ok(wish)
}

fn individuals(books: &ForExport) -> u64 {
    books
        .run
        .people
        .map_or(0, |people| books.everything.people_of(people) as u64)
}

/// The snapshots of the run's dataset of which something was shown.
fn snapshots(books: &ForExport) -> impl Iterator<Item = Digest> {
    let of_dataset = books
        .everything
        .snapshots()
        .filter(|(dataset, _)| *dataset == books.run.dataset);
    of_dataset.map(|(_, snapshot)| *snapshot)
}

fn facts(books: &ForExport, gate: &Gate) -> Result<Released<SiteFacts>> {
    let site = gate
        .own_site(individuals(books))
        .map_err(|rule| anyhow::anyhow!("{rule}"))?;
    let class = books.everything.classes_by_id();
    let facts = |account: &ExportAccount| ExportAccountFacts {
        columns: account
            .columns
            .iter()
            .filter_map(|id| Some((*id, *class.get(id)?)))
            .collect(),
        rosters: account.rosters.clone(),
        jobs: account.jobs.clone(),
    };
    Ok(site.release(SiteFacts::Export(ExportFacts {
        changed: snapshots(books).any(|snapshot| snapshot != books.run.snapshot),
        accounts: books.accounts.iter().map(facts).collect(),
        left_before: books.left_before,
        regions: books.regions.keys().cloned().collect(),
        exported: books.run.exported.clone(),
    })))
}

/// The journal of an export's rounds. Every sum has all nodes of the result, and enters the audit
/// log before it can be opened. The privacy ledger has nothing to note: the sums say nothing about
/// genotypes.
struct ExportJournal {
    rounds: Arc<dyn Journal>,
    folder: Arc<Folder>,
    export: Digest,
    roster: Roster,
}

impl ExportJournal {
    fn before(&self, entry: &Entry) -> Result<()> {
        match entry {
            Entry::Signed { survivors, .. } => {
                ensure!(
                    *survivors == self.roster.everybody(),
                    "an export is judged by all nodes of the result"
                );
                Ok(())
            }
            Entry::Revealed {
                survivors, round, ..
            } => {
                let (ask, sites) = ("account".to_owned(), survivors.len() as u64);
                self.folder.record(Event::Round {
                    job: self.export,
                    round: *round,
                    ask,
                    sites,
                })?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl RosterJournal for ExportJournal {
    fn roster(&self) -> &Roster {
        &self.roster
    }
}

impl Journal for ExportJournal {
    fn history(&self, context: &RunContext) -> Result<History, JournalError> {
        self.rounds.history(context)
    }

    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
        self.before(entry)
            .map_err(|error| JournalError::Refused(output::one_line(&error)))?;
        self.rounds.record(context, entry)
    }
}
