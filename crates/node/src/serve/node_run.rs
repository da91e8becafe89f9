//! One run at one node, from the question whether it may take part to the release. Every check that protects this
//! node's people is made here, by the node itself: permit and veto, enough people, the ledger, the roster, and before
//! each sum the counts that the coordinator claims.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{Event, Head},
    job::{PeopleRule, SignedJob},
    permit::{Method, OutputRules, SignedPermit},
    policy::{self, Approval, NodeRules},
};
use ligate_analysis::gwas::{self, Ask, Cohort, Family, OwnGate, Plan};
use ligate_disclosure::{Begun, Gate, Ledger, OwnSite, Run, Thresholds};
use ligate_federation::{Answer, Handled, Journal, NodeSet, Participant, Roster, RoundMessage, SignedRoster, ToRound};
use ligate_lake::Snapshot;
use ligate_model::{BinaryCoding, Digest, Phenotypes, VariableKind, VariableName};
use rand_core::OsRng;

use crate::{
    commands::trusted_issuers,
    folder::Folder,
    run::{
        offer::{self, OfferedVariant},
        own_rows::{self, SnapshotRows},
    },
    session::{Broadcast, OFFER_PAGE, OutgoingAnswer, SiteFacts, VariableFacts},
};

/// A run that this node has agreed to.
pub struct NodeRun {
    folder: Folder,
    approval: Approval,
    plan: Plan,
    gate: Gate,
    snapshot: Snapshot,
    phenotypes: Phenotypes,
    journal: Arc<dyn Journal>,
    chosen: Option<Chosen>,
    /// What the ledger will write of this run, once it is known who takes part.
    begun: Option<Begun>,
    /// The ledger has written that sums were opened.
    opened: bool,
    participant: Option<Participant>,
}

/// This node's people of the run.
struct Chosen {
    cohort: Cohort,
    site: OwnSite,
    offered: Option<Vec<OfferedVariant>>,
}

impl NodeRun {
    /// How this node's dataset writes the permit's variables: what a catalogue would say of it.
    pub fn describe(folder: &Folder, peer: PublicKey, permit: &str) -> Result<OutgoingAnswer> {
        let permit = SignedPermit::verify(permit, &trusted_issuers(folder))?;
        let claims = permit.permit();
        ensure!(claims.coordinator.key == peer, "the permit names another coordinator");
        permit.check_dates(Timestamp::now())?;
        let held = claims.dataset_of(&folder.identity.public()).context("the permit covers no dataset of this node")?;
        let snapshot = folder.lake()?.snapshot(&held.dataset).with_context(|| not_held(&held.dataset))?;
        let phenotypes = snapshot.phenotypes()?;
        let site = gate(folder, &claims.output)?.own_site(snapshot.individuals().len() as u64).map_err(|rule| own_rule(folder, rule))?;
        let facts = variable_facts(&phenotypes, claims.variables.iter());
        Ok(OutgoingAnswer::Facts { facts: site.release(SiteFacts::Variables(facts)) })
    }

    /// Checks permit, job and veto; pins the snapshot. A snapshot that is replaced later leaves the run on this one.
    pub fn start(
        folder: Folder,
        peer: PublicKey,
        permit: &str,
        job: &str,
        head: &Head,
        journal: Arc<dyn Journal>,
    ) -> Result<(Self, OutgoingAnswer)> {
        let approval = approve(&folder, peer, permit, job)?;
        keep_coordinators_head(&folder, peer, head)?;
        let snapshot = folder.lake()?.snapshot(approval.dataset())?;
        let phenotypes = snapshot.phenotypes()?;
        let plan = plan(&approval);
        own_rows::check_variables(&snapshot, &phenotypes, plan.variables())?;
        let gate = gate(&folder, &approval.permit().output)?;
        let site = gate.own_site(snapshot.individuals().len() as u64).map_err(|rule| own_rule(&folder, rule))?;
        let facts = variable_facts(&phenotypes, plan.variables());
        let signed = approval.signed_job();
        folder.record(Event::Permit {
            id: approval.permit().id.clone(),
            permit: approval.permit_hash(),
            issuer: approval.permit().issuer.key,
        })?;
        let head = folder.record(Event::Job {
            permit: approval.permit_hash(),
            job: signed.hash(),
            question: signed.question(),
            coordinator: peer,
        })?;
        let answer = OutgoingAnswer::Accepted {
            snapshot: snapshot.id(),
            assembly: snapshot.assembly(),
            facts: site.release(SiteFacts::Variables(facts)),
            head,
        };
        let run = Self { folder, approval, plan, gate, snapshot, phenotypes, journal, chosen: None, begun: None, opened: false, participant: None };
        Ok((run, answer))
    }

    pub fn job(&self) -> Digest {
        self.approval.signed_job().hash()
    }

    pub fn coordinator(&self) -> PublicKey {
        self.approval.permit().coordinator.key
    }

    /// Chooses the people of the run and releases the exponents of their values.
    pub fn prepare(&mut self, coding: Option<BinaryCoding>) -> Result<OutgoingAnswer> {
        self.still_permitted()?;
        let complete_in = match self.approval.job().people {
            PeopleRule::Complete => &[][..],
            PeopleRule::AllVariables => &self.approval.permit().variables,
        };
        own_rows::check_variables(&self.snapshot, &self.phenotypes, complete_in.iter())?;
        let own = self.phenotypes.variable(&self.plan.trait_name).and_then(|variable| variable.coding);
        let coding = own.filter(|own| *own != BinaryCoding::Undecided).or(coding);
        let cohort = Cohort::new(&self.phenotypes, &self.plan, complete_in, coding, self.snapshot.blocks())?;
        let site = self.gate.own_site(cohort.individuals()).map_err(|rule| own_rule(&self.folder, rule))?;
        let facts = site.release(SiteFacts::Exponents(cohort.exponents()));
        self.chosen = Some(Chosen { cohort, site, offered: None });
        Ok(OutgoingAnswer::Facts { facts })
    }

    /// One page of the variants that this node brings.
    pub fn offer(&mut self, page: u32) -> Result<OutgoingAnswer> {
        self.still_permitted()?;
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

    /// Signs the roster if it is this permit's and the ledger has nothing against it.
    pub fn sign_roster(&mut self, roster: &Roster) -> Result<Answer> {
        self.still_permitted()?;
        self.check_members(roster)?;
        self.begin_in_ledger(roster, roster.everybody())?;
        Ok(Answer::roster_signature(&roster.sign(&self.folder.identity)?))
    }

    fn check_members(&self, roster: &Roster) -> Result<()> {
        let context = roster.context();
        ensure!(context.permit == self.approval.permit_hash() && context.job == self.job(), "the roster is of another job");
        let permit = self.approval.permit();
        for member in roster.members() {
            let held = permit.dataset_of(&member.key).filter(|held| held.dataset == member.dataset && held.node == member.node);
            ensure!(held.is_some(), "{} is not in the permit with that key and dataset", member.node);
        }
        let own = roster.members().iter().find(|member| member.key == self.folder.identity.public());
        let own = own.context("this node is not in the roster")?;
        ensure!(own.snapshot == self.snapshot.id(), "the roster names another snapshot of this node's dataset");
        Ok(())
    }

    pub fn join(&mut self, roster: SignedRoster) -> Result<Answer> {
        self.still_permitted()?;
        self.check_members(roster.roster())?;
        ensure!(self.begun.is_some(), "this node has signed no roster of this job");
        let participant = Participant::new(self.folder.identity.clone(), roster, self.journal.clone())?;
        Ok(self.participant.insert(participant).ready()?)
    }

    /// One message of a round.
    pub fn step(&mut self, message: ToRound) -> Result<Answer> {
        self.still_permitted()?;
        self.check_ledger(&message.message)?;
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

    /// Before the node signs who is in the first sum, the ledger is asked about exactly these; before it reveals its
    /// shares of it, the ledger writes that sums were opened.
    fn check_ledger(&mut self, message: &RoundMessage) -> Result<()> {
        if self.opened {
            return Ok(());
        }
        match message {
            RoundMessage::Survivors(nodes) => {
                let participant = self.participant.as_ref().context("the roster is not agreed on")?;
                let roster = participant.roster().clone();
                self.begin_in_ledger(&roster, *nodes)
            }
            RoundMessage::Unmask(_) => {
                let begun = self.begun.as_ref().context("this node has signed no roster of this job")?;
                self.ledger()?.mark_opened(begun, Timestamp::now())?;
                self.opened = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Asks the ledger whether this run, with these nodes, may be told apart from earlier ones.
    fn begin_in_ledger(&mut self, roster: &Roster, nodes: NodeSet) -> Result<()> {
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let signed = self.approval.signed_job();
        let members = nodes.iter().filter_map(|place| roster.members().get(place));
        let run = Run {
            permit: self.approval.permit_hash(),
            job: signed.hash(),
            question: signed.question(),
            roster: members.map(|member| *member.key.as_bytes()).collect(),
            snapshot: self.snapshot.id(),
        };
        let individuals = self.snapshot.individuals();
        let people = chosen.cohort.people();
        let people = people.iter().filter_map(|person| individuals.get(*person as usize));
        self.begun = Some(self.ledger()?.check_and_begin(run, people, self.gate.thresholds().cell)?);
        Ok(())
    }

    /// The ledger of this dataset and data user.
    fn ledger(&self) -> Result<Ledger> {
        let user = self.approval.permit().data_user.key;
        Ok(Ledger::open(&self.folder.ledger(), self.approval.dataset(), user.as_bytes(), &mut OsRng)?)
    }

    /// This node's part of a sum, after its own checks of what the coordinator claims.
    fn vector(&self, ask: &[u8], words: usize) -> Result<Vec<u64>> {
        let broadcast: Broadcast = postcard::from_bytes(ask).context("the question of the round cannot be read")?;
        let ask = &broadcast.ask;
        ask.validate(&self.plan)?;
        ensure!(ask.words() == words, "the round has another length than its question");
        self.check_claims(&broadcast)?;
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let mut rows = SnapshotRows(&self.snapshot);
        let own_gate = own_gate(self.gate.thresholds());
        let threads = self.folder.config.limits.thread_count();
        Ok(gwas::local(ask, &self.plan, &chosen.cohort, &mut rows, &own_gate, threads)?)
    }

    /// The disclosure gate once more, on the counts that were released: statistics are added for nothing else.
    fn check_claims(&self, broadcast: &Broadcast) -> Result<()> {
        let people = match (&broadcast.people, &broadcast.ask) {
            (None, Ask::People { .. }) => return Ok(()),
            (None, _) => bail!("the question says nothing of the people it stands on"),
            (Some(people), _) => people,
        };
        let refused = |rule| anyhow::anyhow!("the disclosure gate of {} refuses: {rule}", self.folder.name());
        self.gate.check_people(people, self.plan.parameters()).map_err(refused)?;
        if let Some(claimed) = broadcast.ask.claimed_individuals() {
            ensure!(claimed == people.individuals, "the question contradicts itself on the number of people");
        }
        for counts in broadcast.ask.claimed_counts() {
            ensure!(counts.called <= people.individuals && counts.sites <= people.sites, "the counts of a variant are impossible");
            self.gate.check_variant(counts).map_err(refused)?;
        }
        Ok(())
    }

    /// Notes what was released and hands over the head of the log that now says so.
    pub fn finish(&mut self, result: Digest, released: u64, suppressed: u64) -> Result<OutgoingAnswer> {
        let begun = self.begun.as_ref().context("this node took no part in the run")?;
        self.ledger()?.mark_released(begun, result)?;
        let head = self.folder.record(Event::Release {
            permit: self.approval.permit_hash(),
            job: self.job(),
            result,
            released,
            suppressed,
        })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    pub fn abandon(&mut self, reason: &str) -> Result<OutgoingAnswer> {
        let head = self.folder.record(Event::RunFailed { job: self.job(), reason: reason.to_owned() })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    fn still_permitted(&self) -> Result<()> {
        Ok(self.approval.still_valid(Timestamp::now())?)
    }
}

fn approve(folder: &Folder, peer: PublicKey, permit: &str, job: &str) -> Result<Approval> {
    let permit = SignedPermit::read(permit)?;
    let job = SignedJob::read(job)?;
    let datasets = folder.lake()?.datasets()?.into_iter().map(|dataset| dataset.dataset).collect();
    let rules = NodeRules {
        node: folder.identity.public(),
        datasets,
        issuers: folder.config.issuers(),
        coordinators: folder.config.coordinators(),
        veto: folder.config.veto.clone(),
    };
    Ok(policy::check(&permit, &job, &rules, peer, Timestamp::now())?)
}

fn keep_coordinators_head(folder: &Folder, peer: PublicKey, head: &Head) -> Result<()> {
    let known = folder.config.peer_by_key(&peer).context("the coordinator is no peer of this node")?;
    folder.log()?.store_head(&known.name, peer, head, Timestamp::now())?;
    Ok(())
}

fn not_held(dataset: &ligate_model::DatasetId) -> String {
    format!("the dataset {dataset} is not held here")
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

fn own_rule(folder: &Folder, rule: ligate_model::GateRule) -> anyhow::Error {
    anyhow::anyhow!("the disclosure gate of {} refuses: {rule}", folder.name())
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

fn variable_facts<'a>(phenotypes: &Phenotypes, names: impl Iterator<Item = &'a VariableName>) -> Vec<VariableFacts> {
    let known = names.filter_map(|name| phenotypes.variable(name));
    known
        .map(|variable| VariableFacts {
            name: variable.name.clone(),
            kind: variable.kind,
            coding: variable.coding.filter(|_| variable.kind == VariableKind::Binary),
        })
        .collect()
}
