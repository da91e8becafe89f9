//! A study over the nodes of a permit, run at the coordinator's folder: admission, agreement on the
//! roster, the method over secure sums behind the disclosure gate, and the release.

pub mod account;
pub mod node_sums;
mod offers;

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::{
    Identity,
    audit::{Event, Head, heads_of},
    job::{Job, PeopleRule, SignedJob},
    permit::{Method, PermitDataset, SignedPermit},
};
use ligate_analysis::gwas::{self, Family, Plan, PublishedFacts, RunProgress};
use ligate_disclosure::Gate;
use ligate_federation::{Agreement, Roster, RunContext, agree};
use ligate_model::{Digest, NodeName, VariableName, VariantKey};
use tokio::runtime::Runtime;

use super::{
    PermitWatch, Study,
    admission::{self, Accepted, Nodes},
    release::{self, Authority, NodeAnswer, NodeOutcome, Release},
    store::{Kept, Store},
};
use crate::{
    books,
    folder::Folder,
    gate::job_event,
    progress::Stages,
    session::{Answer, Question, Scales, client::Correspondent},
};
use account::Cost;
use node_sums::{NodeSums, Planned};
use offers::Offers;

/// Fewest nodes whose own results make a baseline.
const BASELINE_SITES: u64 = 3;

/// How often a node is told of a release before the coordinator gives up.
const FINISH_TRIES: usize = 3;

/// Who takes part.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub people: PeopleRule,
    /// Nodes of the permit that are not asked.
    pub without: Vec<NodeName>,
    /// Whether the nodes' own results are combined beside the study's; it uses one more column of
    /// the account.
    pub baseline: bool,
}

/// What a run would cost, before anything about genotypes is computed.
pub fn plan(
    folder: &Folder,
    permit: &SignedPermit,
    user: &Identity,
    study: &Study,
    terms: &RunOptions,
    stages: &Stages,
) -> Result<Cost> {
    let _claim = folder.claim("coordinate")?;
    books::check(folder)?;
    let (mut coordination, nodes) =
        Coordination::prepare(folder, permit, user, study, terms, stages)?;
    coordination.plan_only = true;
    match coordination.run(nodes) {
        Err(error) => match error.downcast::<Planned>() {
            Ok(Planned(cost)) => Ok(cost),
            Err(error) => Err(error),
        },
        Ok(_) => bail!("the run was made although it was only to be planned"),
    }
}

/// Runs `study` under `permit`. An identical question that was answered before gets its stored
/// release.
pub fn run(
    folder: &Folder,
    permit: &SignedPermit,
    user: &Identity,
    study: &Study,
    terms: &RunOptions,
    stages: &Stages,
) -> Result<Release> {
    let _claim = folder.claim("coordinate")?;
    books::check(folder)?;
    let (coordination, nodes) = Coordination::prepare(folder, permit, user, study, terms, stages)?;
    match coordination.stored(&nodes, &terms.without)? {
        Some(release) => Ok(release),
        None => coordination.run(nodes),
    }
}

/// The coordinator's own check; every node makes its own again.
pub fn check_permit(folder: &Folder, permit: &SignedPermit, user: &Identity) -> Result<()> {
    permit.check_issuer(&folder.trusted_issuers())?;
    permit.check_dates(Timestamp::now())?;
    let claims = permit.permit();
    ensure!(
        claims.coordinator.key == folder.identity.public(),
        "the permit names {} as its coordinator, not {}; run it there",
        claims.coordinator.name,
        folder.name()
    );
    ensure!(
        claims.data_user.key == user.public(),
        "the key is not that of the permit's data user {}",
        claims.data_user.name
    );
    Ok(())
}

fn sign_job(
    permit: &SignedPermit,
    user: &Identity,
    study: &Study,
    family: Family,
    people: PeopleRule,
) -> Result<SignedJob> {
    let job = Job {
        permit: permit.hash(),
        method: match family {
            Family::Linear => Method::GwasLinear,
            Family::Logistic => Method::GwasLogistic,
        },
        trait_name: study.trait_name.clone(),
        covariates: study.covariates.clone(),
        wald_below: study.wald_below,
        people,
        created: Timestamp::now(),
    };
    Ok(job.sign(user)?)
}

/// One run at the coordinator.
struct Coordination<'a> {
    folder: &'a Folder,
    permit: &'a SignedPermit,
    watch: PermitWatch<'a>,
    job: SignedJob,
    plan: Plan,
    people: PeopleRule,
    runtime: Runtime,
    stages: &'a Stages,
    baseline: bool,
    plan_only: bool,
}

impl<'a> Coordination<'a> {
    /// Checks the permit, finds its nodes and signs the job.
    fn prepare(
        folder: &'a Folder,
        permit: &'a SignedPermit,
        user: &Identity,
        study: &Study,
        terms: &RunOptions,
        stages: &'a Stages,
    ) -> Result<(Self, Nodes)> {
        check_permit(folder, permit, user)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(books::check_peers(folder))?;
        let watch = PermitWatch::new(folder, permit);
        watch.admit(&runtime)?;
        let nodes = Nodes::of_permit(folder, permit, &terms.without)?;
        let family = match study.family {
            Some(family) => family,
            None => {
                watch.hand_out(&runtime, &nodes)?;
                runtime.block_on(nodes.family(permit, study))?
            }
        };
        let job = sign_job(permit, user, study, family, terms.people)?;
        let (plan, people) = (study.plan(family), terms.people);
        let (baseline, plan_only) = (terms.baseline, false);
        Ok((
            Self {
                folder,
                permit,
                watch,
                job,
                plan,
                people,
                runtime,
                stages,
                baseline,
                plan_only,
            },
            nodes,
        ))
    }

    /// The stored release of the same question, if every node that is in it still allows it.
    fn stored(&self, nodes: &Nodes, without: &[NodeName]) -> Result<Option<Release>> {
        let Some(Kept { release, digest }) = Store::new(self.folder).find(&self.job)? else {
            return Ok(None);
        };
        if let Some(node) = release
            .nodes
            .iter()
            .find(|node| node.answered() && without.contains(&node.name))
        {
            bail!(
                "this question was answered before, with {}; the release without it would give its part away",
                node.name
            );
        }
        self.watch.hand_out(&self.runtime, nodes)?;
        self.runtime
            .block_on(nodes.confirm(self.permit, &self.job, &release))?;
        self.folder.record(Event::StoredRelease {
            permit: self.permit.hash(),
            question: self.job.question(),
            result: digest,
        })?;
        Ok(Some(Release {
            stored: true,
            ..release
        }))
    }

    fn run(&self, nodes: Nodes) -> Result<Release> {
        let job = job_event(
            self.permit.permit(),
            &self.job,
            self.folder.identity.public(),
        );
        let head = self.folder.record(job)?;
        let result = self.answered(nodes, head);
        if let Err(error) = &result {
            let reason = crate::output::one_line(error);
            self.folder.record(Event::RunFailed {
                job: self.job.hash(),
                reason,
            })?;
        }
        result
    }

    fn answered(&self, mut nodes: Nodes, head: Head) -> Result<Release> {
        self.stages.update("asking the nodes", 0, 1);
        self.watch.hand_out(&self.runtime, &nodes)?;
        let held = heads_held(self.folder, &nodes)?;
        let (accepted, missing) =
            self.runtime
                .block_on(nodes.start(self.permit, &self.job, (head, held)));
        nodes.keep(&names(&accepted));
        let run = self.with_nodes(&mut nodes, &accepted, &missing);
        if let Err(error) = &run {
            let reason = crate::output::one_line(error);
            let job = self.job.hash();
            // Nodes that cannot be told find out by themselves: they keep few runs open.
            drop(
                self.runtime
                    .block_on(nodes.ask_all(&Question::Abandon { job, reason })),
            );
        }
        run
    }

    fn with_nodes(
        &self,
        nodes: &mut Nodes,
        accepted: &[Accepted],
        missing: &[(PermitDataset, String)],
    ) -> Result<Release> {
        check_number(accepted, missing)?;
        let assembly = admission::common_assembly(accepted)?;
        let coding = admission::common_coding(accepted, &self.plan.trait_name, self.plan.family)?;
        let plan = Plan {
            two_values: coding.is_some(),
            ..self.plan.clone()
        };
        self.stages.update("choosing the people", 0, 1);
        self.runtime
            .block_on(nodes.prepare(self.job.hash(), coding))?;
        self.stages.update("agreeing on the nodes", 0, 1);
        let agreement = self.agree(nodes, accepted)?;
        let terms = node_sums::SumTerms::new(self.folder, self.permit, plan.clone())?;
        let terms = node_sums::SumTerms {
            plan_only: self.plan_only,
            ..terms
        };
        let mut sums = NodeSums::new(&self.runtime, &self.watch, nodes, agreement, terms);
        sums.count_people()?;
        let members = sums.members().to_vec();
        let offers = if self.plan_only {
            Offers::default()
        } else {
            self.offers(nodes, &members)?
        };
        let Scales {
            exponents,
            fills,
            grids,
        } = self
            .runtime
            .block_on(nodes.scales(&members, self.job.hash(), &plan))?;
        let facts = PublishedFacts {
            exponents,
            fills,
            grids,
            keys: offers.variants.keys().cloned().collect(),
            baseline_sites: if self.baseline { BASELINE_SITES } else { 0 },
        };
        let report =
            |step: RunProgress| self.stages.update(step.stage.name(), step.done, step.total);
        let gwas = gwas::run(&plan, &facts, &mut sums, &report).map_err(super::sum_error)?;
        let gwas = gwas.with_coarse_baselines();
        self.stages.update("the release", 0, 1);
        let release = Release {
            plan,
            nodes: node_answers(accepted, missing, &offers, &sums),
            rsids: offers
                .variants
                .into_iter()
                .filter_map(|(key, rsid)| Some((key, rsid?)))
                .collect(),
            assembly,
            rounded: rounded(accepted, &self.plan),
            swapped: swapped(&facts.keys),
            authority: Some(self.authority(sums.gate())),
            software: release::software(),
            finished: Timestamp::now(),
            stored: false,
            gwas,
        };
        let digest = Store::new(self.folder).keep(&self.job, &release)?;
        self.finish(nodes, &members, &release, digest)?;
        Ok(release)
    }

    /// Has all nodes sign the roster, and notes who is in it: a node that is restored asks for it.
    fn agree(&self, nodes: &Nodes, accepted: &[Accepted]) -> Result<Agreement> {
        let context = RunContext {
            permit: self.permit.hash(),
            job: self.job.hash(),
        };
        let roster = Roster::new(
            context,
            accepted.iter().map(|node| node.member.clone()).collect(),
        )?;
        let agreement =
            self.runtime
                .block_on(agree(&nodes.ways(&names(accepted)), roster, nodes.deadline))?;
        let signed = accepted.iter().map(|node| node.member.key).collect();
        self.folder.record(Event::RosterAgreed {
            permit: context.permit,
            job: context.job,
            nodes: signed,
        })?;
        Ok(agreement)
    }

    fn offers(&self, nodes: &Nodes, members: &[NodeName]) -> Result<Offers> {
        let mut offers = Offers::default();
        for (done, node) in nodes.of(members).enumerate() {
            self.stages
                .update("variants of the nodes", done as u64, members.len() as u64);
            offers.collect(node, self.job.hash(), &self.runtime, nodes.deadline)?;
        }
        Ok(offers)
    }

    fn authority(&self, gate: &Gate) -> Authority {
        let claims = self.permit.permit();
        Authority {
            permit: claims.id.clone(),
            permit_hash: self.permit.hash(),
            job: self.job.hash(),
            question: self.job.question(),
            signed_permit: self.permit.jws().to_owned(),
            signed_job: self.job.jws().to_owned(),
            coordinator: claims.coordinator.name.clone(),
            data_user: claims.data_user.name.clone(),
            purpose: format!(
                "{} (Article 53(1)({}))",
                claims.purpose,
                claims.purpose.point()
            ),
            people: self.people,
            thresholds: *gate.thresholds(),
        }
    }

    /// Tells the nodes what was released, and hands every tree head to everybody. The release is
    /// stored by now: a node that cannot be told keeps the run as unfinished, which refuses more,
    /// not less.
    fn finish(
        &self,
        nodes: &mut Nodes,
        members: &[NodeName],
        release: &Release,
        result: Digest,
    ) -> Result<()> {
        nodes.keep(members);
        let (released, suppressed) = (
            release.gwas.associations.len() as u64,
            release.gwas.unreported.len() as u64,
        );
        let (permit, job) = (self.permit.hash(), self.job.hash());
        let mut heads = vec![self.folder.record(Event::Release {
            permit,
            job,
            result,
            released,
            suppressed,
        })?];
        for node in &nodes.correspondents {
            match self.tell(
                node,
                &Question::Finish {
                    job,
                    result,
                    released,
                    suppressed,
                },
                nodes.deadline,
            ) {
                Ok(Answer::Heads { heads: own }) => {
                    heads.extend(own.into_iter().filter(|head| head.node == node.key))
                }
                Ok(_) => {}
                Err(error) => note!("warning: {}", crate::output::one_line(&error)),
            }
        }
        keep_heads(self.folder, &heads)?;
        drop(
            self.runtime
                .block_on(nodes.ask_all(&Question::KeepHeads { heads })),
        );
        Ok(())
    }

    /// Asks again where a node did not answer.
    fn tell(
        &self,
        node: &Correspondent,
        question: &Question,
        deadline: Duration,
    ) -> Result<Answer> {
        let mut answer = self.runtime.block_on(node.ask(question, deadline));
        for _ in 1..FINISH_TRIES {
            if answer.is_ok() {
                break;
            }
            answer = self.runtime.block_on(node.ask(question, deadline));
        }
        answer
    }
}

/// The newest head that is held of each node: a node that was put back from a copy learns it from
/// them.
pub fn heads_held(folder: &Folder, nodes: &Nodes) -> Result<Vec<Head>> {
    let mut held = Vec::new();
    for node in &nodes.correspondents {
        let Some(peer) = folder.config.peer_by_key(&node.key) else {
            continue;
        };
        held.extend(
            heads_of(&folder.audit(), &peer.name)?
                .into_iter()
                .max_by_key(|head| head.size),
        );
    }
    Ok(held)
}

/// Keeps the nodes' heads; one that contradicts an earlier one is told, and does not undo what was
/// done.
pub fn keep_heads(folder: &Folder, heads: &[Head]) -> Result<()> {
    let mut log = folder.log()?;
    for head in heads {
        let Some(peer) = folder.config.peer_by_key(&head.node) else {
            continue;
        };
        if let Err(error) = log.store_head(&peer.name, peer.key, head, Timestamp::now()) {
            note!("warning: the tree head of {}: {error}", peer.name);
        }
    }
    Ok(())
}

fn check_number(accepted: &[Accepted], missing: &[(PermitDataset, String)]) -> Result<()> {
    let reasons = missing
        .iter()
        .map(|(_, reason)| format!("\n  {reason}"))
        .collect::<String>();
    ensure!(
        accepted.len() >= 3,
        "{} of {} nodes take part; a sum needs three or more, because fewer protect nobody{reasons}",
        accepted.len(),
        accepted.len() + missing.len()
    );
    Ok(())
}

/// Variables of which some node rounded values.
fn rounded(accepted: &[Accepted], plan: &Plan) -> Vec<VariableName> {
    let facts = || accepted.iter().flat_map(|node| &node.variables);
    let is_rounded =
        |name: &&VariableName| facts().any(|facts| facts.rounded && facts.name == **name);
    plan.variables().filter(is_rounded).cloned().collect()
}

/// What became of every node that was asked.
fn node_answers(
    accepted: &[Accepted],
    missing: &[(PermitDataset, String)],
    offers: &Offers,
    sums: &NodeSums<'_>,
) -> Vec<NodeAnswer> {
    let answered = accepted.iter().map(|node| {
        let member = &node.member;
        let outcome = match offers.counts.get(&member.node) {
            Some(offered) => NodeOutcome::Answered {
                snapshot: member.snapshot,
                offered: *offered,
            },
            None => NodeOutcome::Missing {
                reason: sums.why_absent(&member.node),
            },
        };
        NodeAnswer {
            name: member.node.clone(),
            country: member.country.clone(),
            dataset: member.dataset.clone(),
            outcome,
        }
    });
    let missing = missing.iter().map(|(held, reason)| NodeAnswer {
        name: held.node.clone(),
        country: held.country.clone(),
        dataset: held.dataset.clone(),
        outcome: NodeOutcome::Missing {
            reason: reason.clone(),
        },
    });
    answered.chain(missing).collect()
}

fn names(accepted: &[Accepted]) -> Vec<NodeName> {
    accepted
        .iter()
        .map(|node| node.member.node.clone())
        .collect()
}

/// Sites that some nodes write with reference and alternate allele exchanged.
fn swapped(keys: &[VariantKey]) -> u64 {
    let all: BTreeSet<_> = keys.iter().collect();
    keys.iter()
        .filter(|key| key.reference < key.alternate && all.contains(&key.swapped()))
        .count() as u64
}
