//! One run at one node, from the question whether it may take part to the release. Every check that protects this
//! node's people is made here, by the node itself, in this order:
//!
//! 1. permit, its revocation, job, veto and trust in the coordinator, anew at every question;
//! 2. enough people with values, before anything about them is said;
//! 3. the roster: the permit's nodes, each a pinned peer that is neither issuer nor coordinator;
//! 4. the privacy ledger, before a survivor list is signed and before shares are revealed;
//! 5. exponents and offered variants only after the first sum was opened, so that the ledger knows of the run;
//! 6. before each sum, what the coordinator claims (see [`Claims`]).

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{Event, Head},
    job::{PeopleRule, SignedJob},
    permit::{Method, OutputRules, Permit, SignedPermit},
    policy::{self, Approval, NodeRules},
};
use ligate_analysis::gwas::{self, Cohort, Family, OwnGate, Plan};
use ligate_disclosure::{Gate, Ledger, OwnSite, Run, Thresholds};
use ligate_federation::{Answer, Handled, Journal, Participant, Roster, SignedRoster, ToRound};
use ligate_lake::Snapshot;
use ligate_model::{
    BinaryCoding, DatasetId, Digest, GateRule, PeopleCounts, Phenotypes, Variable, VariableKind, VariableName,
};
use rand_core::OsRng;

use super::{claims::Claims, codings, guarded_journal::GuardedJournal};
use crate::{
    config::Config,
    folder::Folder,
    revocations,
    run::{
        offer::{self, OfferedVariant},
        own_rows::{self, SnapshotRows},
    },
    session::{Broadcast, OFFER_PAGE, OutgoingAnswer, SiteFacts, VariableFacts},
};

/// A run that this node has agreed to.
pub struct NodeRun {
    folder: Arc<Folder>,
    approval: Approval,
    plan: Plan,
    gate: Gate,
    snapshot: Snapshot,
    phenotypes: Phenotypes,
    rounds: Arc<dyn Journal>,
    chosen: Option<Chosen>,
    journal: Option<Arc<GuardedJournal>>,
    participant: Option<Participant>,
    claims: Option<Claims>,
}

/// This node's people of the run.
struct Chosen {
    told: Option<BinaryCoding>,
    cohort: Cohort,
    site: OwnSite,
    offered: Option<Vec<OfferedVariant>>,
}

impl NodeRun {
    /// The kinds of the permit's variables: what a catalogue would say of the dataset.
    pub fn describe(folder: &Folder, peer: PublicKey, permit: &str) -> Result<OutgoingAnswer> {
        let permit = SignedPermit::read(permit)?;
        let rules = rules(folder, datasets(folder)?)?;
        let dataset = policy::check_permit(&permit, &rules, peer, Timestamp::now())?;
        let snapshot = folder.lake()?.snapshot(&dataset)?;
        let phenotypes = snapshot.phenotypes()?;
        let gate = gate(folder, &permit.permit().output)?;
        let (site, facts) = own_variables(&gate, &phenotypes, permit.permit().variables.iter())
            .map_err(|rule| own_rule(folder, rule))?;
        folder.record(Event::Permit {
            id: permit.permit().id.clone(),
            permit: permit.hash(),
            issuer: permit.permit().issuer.key,
        })?;
        Ok(OutgoingAnswer::Facts { facts: site.release(SiteFacts::Variables(facts)) })
    }

    /// Checks permit, job and veto; pins the snapshot. A snapshot that is replaced later leaves the run on this one.
    pub fn start(
        folder: Folder,
        peer: PublicKey,
        permit: &str,
        job: &str,
        head: &Head,
        rounds: Arc<dyn Journal>,
    ) -> Result<(Self, OutgoingAnswer)> {
        let approval = approve(&folder, peer, permit, job)?;
        keep_coordinators_head(&folder, peer, head)?;
        let snapshot = folder.lake()?.snapshot(approval.dataset())?;
        let phenotypes = snapshot.phenotypes()?;
        let plan = plan(&approval);
        own_rows::check_variables(&snapshot, &phenotypes, plan.variables())?;
        let gate = gate(&folder, &approval.permit().output)?;
        let (site, facts) =
            own_variables(&gate, &phenotypes, plan.variables()).map_err(|rule| own_rule(&folder, rule))?;
        let head = record_job(&folder, &approval, peer)?;
        let facts = site.release(SiteFacts::Variables(facts));
        let answer =
            OutgoingAnswer::Accepted { snapshot: snapshot.id(), assembly: snapshot.assembly(), facts, head };
        let run = Self {
            folder: Arc::new(folder),
            approval,
            plan,
            gate,
            snapshot,
            phenotypes,
            rounds,
            chosen: None,
            journal: None,
            participant: None,
            claims: None,
        };
        Ok((run, answer))
    }

    pub fn job(&self) -> Digest {
        self.approval.signed_job().hash()
    }

    pub fn permit_hash(&self) -> Digest {
        self.approval.permit_hash()
    }

    pub fn coordinator(&self) -> PublicKey {
        self.approval.permit().coordinator.key
    }

    /// Chooses the people of the run, once.
    pub fn prepare(&mut self, told: Option<BinaryCoding>) -> Result<OutgoingAnswer> {
        self.still_allowed()?;
        if let Some(chosen) = &self.chosen {
            ensure!(chosen.told == told, "the run was prepared with another coding");
            return Ok(OutgoingAnswer::Heads { heads: Vec::new() });
        }
        let complete_in = match self.approval.job().people {
            PeopleRule::Complete => &[][..],
            PeopleRule::AllVariables => &self.approval.permit().variables,
        };
        own_rows::check_variables(&self.snapshot, &self.phenotypes, complete_in.iter())?;
        let coding = self.coding(told)?;
        let cohort = Cohort::new(&self.phenotypes, &self.plan, complete_in, coding, self.snapshot.blocks())?;
        let site = self.gate.own_site(cohort.individuals()).map_err(|rule| own_rule(&self.folder, rule))?;
        self.chosen = Some(Chosen { told, cohort, site, offered: None });
        Ok(OutgoingAnswer::Heads { heads: Vec::new() })
    }

    /// The coding of a disease: the dataset's own, or where it shows one value only what the other nodes have.
    fn coding(&self, told: Option<BinaryCoding>) -> Result<Option<BinaryCoding>> {
        if self.plan.family != Family::Logistic {
            return Ok(None);
        }
        let own = self.phenotypes.variable(&self.plan.trait_name).and_then(|variable| variable.coding);
        match (own, told) {
            (Some(BinaryCoding::Undecided), Some(told)) => {
                let ledger = self.folder.ledger();
                codings::decide(&ledger, self.approval.dataset(), &self.plan.trait_name, told).map(Some)
            }
            (own, _) => Ok(own),
        }
    }

    /// The exponents of this node's values, once the run is in the ledger.
    pub fn exponents(&mut self) -> Result<OutgoingAnswer> {
        self.still_allowed()?;
        self.opened()?;
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        Ok(OutgoingAnswer::Facts {
            facts: chosen.site.release(SiteFacts::Exponents(chosen.cohort.exponents())),
        })
    }

    /// One page of the variants that this node brings, once the run is in the ledger.
    pub fn offer(&mut self, page: u32) -> Result<OutgoingAnswer> {
        self.still_allowed()?;
        self.opened()?;
        let least = self.gate.thresholds().offered_allele_count;
        let chosen = self.chosen.as_mut().context("the run was not prepared")?;
        let offered = match &mut chosen.offered {
            Some(offered) => offered,
            none => none.insert(offer::offered(&self.snapshot, &chosen.cohort, least)?),
        };
        let start = (page as usize).saturating_mul(OFFER_PAGE).min(offered.len());
        let end = start.saturating_add(OFFER_PAGE).min(offered.len());
        let variants = offered[start..end].to_vec();
        let facts = chosen.site.release(SiteFacts::Variants { variants, more: end < offered.len() });
        Ok(OutgoingAnswer::Facts { facts })
    }

    fn opened(&self) -> Result<()> {
        let opened = self.journal.as_ref().is_some_and(|journal| journal.opened());
        ensure!(opened, "nothing about the people is said before the first sum of the run");
        Ok(())
    }

    /// Signs the roster if it is this permit's and the ledger has nothing against it. One roster per run.
    pub fn sign_roster(&mut self, roster: &Roster) -> Result<Answer> {
        self.still_allowed()?;
        self.check_members(roster)?;
        match &self.journal {
            Some(journal) => {
                ensure!(journal.roster() == roster, "this node signed another roster of this job")
            }
            None => self.journal = Some(Arc::new(self.guarded_journal(roster)?)),
        }
        Ok(Answer::roster_signature(&roster.sign(&self.folder.identity)?))
    }

    fn guarded_journal(&self, roster: &Roster) -> Result<GuardedJournal> {
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let user = self.approval.permit().data_user.key;
        let ledger =
            Ledger::open(&self.folder.ledger(), self.approval.dataset(), user.as_bytes(), &mut OsRng)?;
        let signed = self.approval.signed_job();
        let run = Run {
            permit: self.approval.permit_hash(),
            job: signed.hash(),
            question: signed.question(),
            roster: Vec::new(),
            snapshot: self.snapshot.id(),
        };
        let individuals = self.snapshot.individuals();
        let people = chosen.cohort.people();
        let people = people.iter().filter_map(|person| individuals.get(*person as usize).cloned());
        let cell = self.gate.thresholds().cell;
        let (rounds, folder) = (self.rounds.clone(), self.folder.clone());
        GuardedJournal::new(rounds, folder, ledger, run, people.collect(), cell, roster.clone())
    }

    /// Every member is in the permit with that key, and this node knows it as a holder of data. Else an issuer who
    /// also coordinates could invent members that add nothing, and open this node's own sums.
    fn check_members(&self, roster: &Roster) -> Result<()> {
        let context = roster.context();
        ensure!(
            context.permit == self.approval.permit_hash() && context.job == self.job(),
            "the roster is of another job"
        );
        let (permit, config) = (self.approval.permit(), Config::read(&self.folder.settings())?);
        for member in roster.members() {
            let held = permit.dataset_of(&member.key);
            let held = held.filter(|held| held.dataset == member.dataset && held.node == member.node);
            ensure!(held.is_some(), "{} is not in the permit with that key and dataset", member.node);
            if member.key == self.folder.identity.public() {
                ensure!(
                    member.snapshot == self.snapshot.id(),
                    "the roster names another snapshot of this node's dataset"
                );
                continue;
            }
            let peer = config.peer_by_key(&member.key);
            ensure!(
                peer.is_some_and(|peer| !peer.issuer && !peer.coordinator),
                "{} does not know {} as a node with data; its steward can add it with `ligate peer add`",
                self.folder.name(),
                member.node
            );
        }
        Ok(())
    }

    /// Joins the rounds under the roster that this node has signed.
    pub fn join(&mut self, roster: SignedRoster) -> Result<Answer> {
        self.still_allowed()?;
        let journal = self.journal.as_ref().context("this node has signed no roster of this job")?;
        ensure!(journal.roster() == roster.roster(), "this node signed another roster of this job");
        let participant = Participant::new(self.folder.identity.clone(), roster, journal.clone())?;
        let ready = participant.ready()?;
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let own =
            PeopleCounts { individuals: chosen.cohort.individuals(), cases: chosen.cohort.cases(), sites: 1 };
        // A second message of the same kind gets the same answer and changes nothing.
        if self.participant.is_none() {
            self.participant = Some(participant);
            self.claims = Some(Claims::new(own));
        }
        Ok(ready)
    }

    /// One message of a round.
    pub fn step(&mut self, message: ToRound) -> Result<Answer> {
        self.still_allowed()?;
        let participant = self.participant.as_mut().context("the roster is not agreed on")?;
        match participant.handle(message, &mut OsRng)? {
            Handled::Answer(answer) => Ok(answer),
            Handled::WantsVector { words } => {
                let ask = participant.ask().unwrap_or_default().to_vec();
                let vector = self.vector(&ask, words)?;
                let participant = self.participant.as_mut().context("the roster is not agreed on")?;
                Ok(participant.contribute(vector)?)
            }
        }
    }

    /// This node's part of a sum, after its own checks of what the coordinator claims.
    fn vector(&mut self, ask: &[u8], words: usize) -> Result<Vec<u64>> {
        let broadcast: Broadcast =
            postcard::from_bytes(ask).context("the question of the round cannot be read")?;
        let ask = &broadcast.ask;
        ask.validate(&self.plan)?;
        ensure!(ask.words() == words, "the round has another length than its question");
        let (claims, journal) = (self.claims.as_mut(), self.journal.as_ref());
        let (claims, journal) = claims.zip(journal).context("the roster is not agreed on")?;
        claims
            .check(&broadcast, journal.members(), &self.plan, &self.gate)
            .with_context(|| format!("{} refuses", self.folder.name()))?;
        journal.asks(ask.name());
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let mut rows = SnapshotRows(&self.snapshot);
        let own_gate = own_gate(self.gate.thresholds());
        let threads = self.folder.config.limits.thread_count();
        let vector = gwas::local(ask, &self.plan, &chosen.cohort, &mut rows, &own_gate, threads)?;
        claims.counted(ask, &self.plan, &vector);
        Ok(vector)
    }

    /// Notes what was released and hands over the head of the log that now says so.
    pub fn finish(&mut self, result: Digest, released: u64, suppressed: u64) -> Result<OutgoingAnswer> {
        self.journal.as_ref().context("this node took no part in the run")?.released(result)?;
        let (permit, job) = (self.approval.permit_hash(), self.job());
        let head = self.folder.record(Event::Release { permit, job, result, released, suppressed })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    pub fn abandon(&mut self, reason: &str) -> Result<OutgoingAnswer> {
        let head = self.folder.record(Event::RunFailed { job: self.job(), reason: reason.to_owned() })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    /// Permit, revocation, trust and veto as they are now: what a steward or the issuer withdraws during a run ends it.
    fn still_allowed(&self) -> Result<()> {
        let config = Config::read(&self.folder.settings())?;
        let rules = NodeRules {
            issuers: config.issuers(),
            coordinators: config.coordinators(),
            veto: config.veto,
            ..rules(&self.folder, vec![self.approval.dataset().clone()])?
        };
        Ok(self.approval.recheck(&rules, self.coordinator(), Timestamp::now())?)
    }
}

fn approve(folder: &Folder, peer: PublicKey, permit: &str, job: &str) -> Result<Approval> {
    let permit = SignedPermit::read(permit)?;
    let job = SignedJob::read(job)?;
    Ok(policy::check(&permit, &job, &rules(folder, datasets(folder)?)?, peer, Timestamp::now())?)
}

fn datasets(folder: &Folder) -> Result<Vec<DatasetId>> {
    Ok(folder.lake()?.datasets()?.into_iter().map(|dataset| dataset.dataset).collect())
}

fn rules(folder: &Folder, datasets: Vec<DatasetId>) -> Result<NodeRules> {
    Ok(NodeRules {
        node: folder.identity.public(),
        datasets,
        issuers: folder.config.issuers(),
        coordinators: folder.config.coordinators(),
        revocations: revocations::known(folder)?,
        veto: folder.config.veto.clone(),
    })
}

fn record_job(folder: &Folder, approval: &Approval, coordinator: PublicKey) -> Result<Head> {
    let (claims, signed) = (approval.permit(), approval.signed_job());
    let permit = approval.permit_hash();
    folder.record(Event::Permit { id: claims.id.clone(), permit, issuer: claims.issuer.key })?;
    folder.record(job_event(claims, signed, coordinator))
}

/// What the audit log says of a job: who asks what, for which purpose.
pub fn job_event(permit: &Permit, signed: &SignedJob, coordinator: PublicKey) -> Event {
    let job = signed.job();
    Event::Job {
        permit: job.permit,
        job: signed.hash(),
        question: signed.question(),
        coordinator,
        data_user: permit.data_user.key,
        purpose: permit.purpose,
        method: job.method,
        trait_name: job.trait_name.clone(),
        covariates: job.covariates.clone(),
    }
}

fn keep_coordinators_head(folder: &Folder, peer: PublicKey, head: &Head) -> Result<()> {
    let known = folder.config.peer_by_key(&peer).context("the coordinator is no peer of this node")?;
    folder.log()?.store_head(&known.name, peer, head, Timestamp::now())?;
    Ok(())
}

/// The node's thresholds, or the permit's where they are stricter.
fn gate(folder: &Folder, rules: &OutputRules) -> Result<Gate> {
    Ok(Gate::new(folder.config.disclosure)?.tightened(&thresholds(rules)))
}

/// A permit's output rules as thresholds; what it does not say is 0, which tightens nothing.
pub fn thresholds(rules: &OutputRules) -> Thresholds {
    Thresholds {
        individuals_per_site: rules.individuals_per_site.unwrap_or(0),
        individuals: rules.individuals.unwrap_or(0),
        cell: rules.cell.unwrap_or(0),
        minor_allele_count: rules.minor_allele_count.unwrap_or(0),
        minor_allele_count_in_cases: rules.minor_allele_count_in_cases.unwrap_or(0),
        sites: rules.sites.unwrap_or(0),
        offered_allele_count: rules.offered_allele_count.unwrap_or(0),
        parameter_share: rules.parameter_share.unwrap_or(0),
    }
}

fn own_rule(folder: &Folder, rule: GateRule) -> anyhow::Error {
    anyhow!("the disclosure gate of {} refuses: {rule}", folder.name())
}

fn own_gate(thresholds: &Thresholds) -> OwnGate {
    OwnGate {
        individuals: thresholds.individuals_per_site,
        cell: thresholds.cell,
        minor_allele_count: thresholds.minor_allele_count,
        minor_allele_count_in_cases: thresholds.minor_allele_count_in_cases,
    }
}

fn plan(approval: &Approval) -> Plan {
    let job = approval.job();
    Plan {
        family: match job.method {
            Method::GwasLinear => Family::Linear,
            Method::GwasLogistic => Family::Logistic,
        },
        trait_name: job.trait_name.clone(),
        covariates: job.covariates.clone(),
        wald_below: job.wald_below,
    }
}

/// Kind and coding of variables, where enough people have a value of each.
fn own_variables<'a>(
    gate: &Gate,
    phenotypes: &Phenotypes,
    names: impl Iterator<Item = &'a VariableName>,
) -> Result<(OwnSite, Vec<VariableFacts>), GateRule> {
    let known: Vec<&Variable> = names.filter_map(|name| phenotypes.variable(name)).collect();
    let with_value = |variable: &&Variable| variable.values.iter().flatten().count() as u64;
    let site = gate.own_site(known.iter().map(with_value).min().unwrap_or(0))?;
    let facts = known.into_iter().map(|variable| VariableFacts {
        name: variable.name.clone(),
        kind: variable.kind,
        coding: variable.coding.filter(|_| variable.kind == VariableKind::Binary),
    });
    Ok((site, facts.collect()))
}
