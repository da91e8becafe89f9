//! The outer door, at the coordinator's folder: which part of a stored result may leave the environment, whether all
//! accounts that it adds to hold, and the nodes' word, before anything is written.

pub mod content;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::{
    Identity,
    audit::Event,
    export::{Approval, Export, SignedExport},
    job::SignedJob,
    permit::SignedPermit,
};
use ligate_disclosure::{ACCOUNT_COLUMNS_MAX, ColumnId, Gate, isolated_node};
use ligate_federation::{Agreement, Member, Roster, RunContext, agree};
use ligate_model::{Digest, NodeName};
use tokio::runtime::Runtime;

use super::{
    PermitWatch,
    admission::Nodes,
    federated::{
        self,
        account::{self, SpanRefusal},
        node_sums::{self, NodeSums},
    },
    release::{NodeOutcome, Release},
};
use crate::{
    books,
    folder::Folder,
    progress::Stages,
    serve::thresholds,
    session::{Answer, ExportFacts, HeldColumns, Question, SiteFacts},
};
use content::{Bounds, Content};

/// What the data user asks for.
pub struct Wish<'a> {
    pub user: &'a Identity,
    /// The officer's approval, where the permit names an officer.
    pub approval: Option<&'a str>,
    /// Only say what would leave.
    pub plan_only: bool,
}

/// What became of it.
pub enum Outcome {
    /// The nodes have noted it; it may be written.
    Leaves(Box<Content>),
    Planned(Box<Content>),
    /// The permit's officer has to approve this content first.
    NeedsApproval {
        content: Box<Content>,
        officer: String,
    },
}

/// Has the nodes of a stored result judge what may leave of it.
pub fn run(folder: &Folder, release: Release, wish: &Wish<'_>, stages: &Stages) -> Result<Outcome> {
    let _claim = folder.claim("coordinate")?;
    books::check(folder)?;
    let authority = release.authority.as_ref().context("the result was made without a permit")?;
    let permit = SignedPermit::read(&authority.signed_permit)?;
    let job = SignedJob::read(&authority.signed_job)?;
    federated::check_permit(folder, &permit, wish.user)?;
    let runtime = Runtime::new()?;
    runtime.block_on(books::check_peers(folder))?;
    let watch = PermitWatch::new(folder, &permit);
    watch.admit(&runtime)?;
    let claims = Export { permit: permit.hash(), job: job.hash(), created: Timestamp::now() };
    let export = claims.sign(wish.user)?;
    let missing: Vec<NodeName> =
        release.nodes.iter().filter(|node| !node.answered()).map(|node| node.name.clone()).collect();
    let nodes = Nodes::of_permit(folder, &permit, &missing)?;
    let exporting =
        Exporting { folder, permit: &permit, watch, job, export, runtime, nodes, release, stages };
    let outcome = exporting.run(wish);
    if let Err(error) = &outcome {
        exporting.abandon(error)?;
    }
    outcome
}

struct Exporting<'a> {
    folder: &'a Folder,
    permit: &'a SignedPermit,
    watch: PermitWatch<'a>,
    job: SignedJob,
    export: SignedExport,
    runtime: Runtime,
    nodes: Nodes,
    release: Release,
    stages: &'a Stages,
}

impl Exporting<'_> {
    fn run(&self, wish: &Wish<'_>) -> Result<Outcome> {
        self.stages.update("asking the nodes", 0, 1);
        self.watch.hand_out(&self.runtime, &self.nodes)?;
        let facts = self.facts()?;
        check_rosters(&facts)?;
        let agreement = self.agree()?;
        let mut sums = NodeSums::new(&self.runtime, &self.watch, &self.nodes, agreement, self.terms()?);
        sums.take_people(self.release.gwas.people)?;
        let leverage = self.judge(&facts, &mut sums)?;
        let bounds = Bounds {
            people: self.release.gwas.people.individuals,
            leverage,
            variants_before: facts.iter().map(|facts| facts.variants_of_others).max().unwrap_or(0),
            full_table: self.permit.permit().export.full_table,
        };
        let content = Box::new(Content::of(&self.release, bounds)?);
        if wish.plan_only {
            self.tell_end("it was only planned")?;
            return Ok(Outcome::Planned(content));
        }
        ensure!(content.variants() > 0, "nothing of this result may leave: {}", content.words());
        match &self.permit.permit().export.officer {
            Some(officer) if !self.is_approved(&content, wish)? => {
                self.tell_end("the officer has not approved it yet")?;
                return Ok(Outcome::NeedsApproval { content, officer: officer.name.clone() });
            }
            _ => {}
        }
        self.leave(&content, wish)?;
        Ok(Outcome::Leaves(content))
    }

    fn terms(&self) -> Result<node_sums::Terms> {
        let rules = thresholds(&self.permit.permit().output);
        Ok(node_sums::Terms {
            gate: Gate::new(self.folder.config.disclosure)?.tightened(&rules),
            plan: self.release.plan.clone(),
            secret: *self.folder.identity.secret("ligate softened sums").as_bytes(),
            plan_only: false,
        })
    }

    /// What each node's ledger says of the result.
    fn facts(&self) -> Result<Vec<ExportFacts>> {
        let head = self.folder.record(Event::ExportAsked {
            permit: self.permit.hash(),
            job: self.job.hash(),
            export: self.export.hash(),
        })?;
        let held = federated::heads_held(self.folder, &self.nodes)?;
        let question = Question::Export {
            permit: self.permit.jws().to_owned(),
            job: self.job.jws().to_owned(),
            export: self.export.jws().to_owned(),
            head,
            held,
        };
        let answers = self.runtime.block_on(self.nodes.all_answer(&question))?;
        let facts = |answer| match answer {
            Answer::Facts { facts: SiteFacts::Export(facts) } => Ok(facts),
            _ => bail!("a node answered something else"),
        };
        answers.into_iter().map(facts).collect()
    }

    /// All nodes of the result sign the roster, as it was in the study.
    fn agree(&self) -> Result<Agreement> {
        let member = |held: &ligate_access::permit::PermitDataset| {
            let known = self.release.nodes.iter().find(|node| node.name == held.node);
            let Some(NodeOutcome::Answered { snapshot, .. }) = known.map(|node| &node.outcome) else {
                bail!("{} is not in the result", held.node);
            };
            Ok(Member {
                node: held.node.clone(),
                key: held.key,
                country: held.country.clone(),
                dataset: held.dataset.clone(),
                snapshot: *snapshot,
            })
        };
        let members: Vec<Member> = self.nodes.datasets.iter().map(member).collect::<Result<_>>()?;
        let names: Vec<NodeName> = members.iter().map(|member| member.node.clone()).collect();
        let context = RunContext { permit: self.permit.hash(), job: self.export.hash() };
        let roster = Roster::new(context, members)?;
        Ok(self.runtime.block_on(agree(&self.nodes.ways(&names), roster, self.nodes.deadline))?)
    }

    /// Judges the exported account with this result, and every other account that it adds to. Gives the largest leverage
    /// of the first.
    fn judge(&self, facts: &[ExportFacts], sums: &mut NodeSums<'_>) -> Result<f64> {
        let accounts = accounts(facts)?;
        let total = accounts.len() as u64;
        self.stages.update("accounts that it adds to", 0, total);
        let [exported, others @ ..] = &accounts[..] else { bail!("the nodes name no account") };
        let leverage = sums.judge(exported.clone(), None).map_err(in_plain_words)?.leverage;
        // Where all that was ever shown holds together, so does each data user's part of it.
        let all: BTreeSet<ColumnId> = accounts.iter().flatten().copied().collect();
        let together = others.len() > 1 && all.len() < ACCOUNT_COLUMNS_MAX;
        if together && sums.judge(distinct_of(facts, &all)?, None).is_ok() {
            return Ok(leverage);
        }
        for (done, account) in others.iter().enumerate() {
            self.stages.update("accounts that it adds to", done as u64 + 1, total);
            sums.judge(account.clone(), None).map_err(in_plain_words)?;
        }
        Ok(leverage)
    }

    fn is_approved(&self, content: &Content, wish: &Wish<'_>) -> Result<bool> {
        let Some(text) = wish.approval else { return Ok(false) };
        let (approval, _) = Approval::read(text).context("the officer's approval")?;
        Ok(approval.content == content.digest)
    }

    /// Has every node note the export. What was noted at some nodes only counts there all the same.
    fn leave(&self, content: &Content, wish: &Wish<'_>) -> Result<()> {
        let question = Question::Leave {
            export: self.export.hash(),
            content: content.digest,
            variants: content.variants(),
            people: content.bounds.people,
            approval: wish.approval.map(str::to_owned),
        };
        let answers = self.runtime.block_on(self.nodes.all_answer(&question));
        let answers =
            answers.context("nothing has left; run the export again when every node can note it")?;
        let heads: Vec<_> = answers
            .into_iter()
            .flat_map(|answer| match answer {
                Answer::Heads { heads } => heads,
                _ => Vec::new(),
            })
            .collect();
        ensure!(heads.len() >= self.nodes.correspondents.len(), "a node answered something else");
        federated::keep_heads(self.folder, &heads)?;
        self.folder.record(Event::Exported {
            permit: self.permit.hash(),
            job: self.job.hash(),
            export: self.export.hash(),
            content: content.digest,
            variants: content.variants(),
        })?;
        Ok(())
    }

    fn abandon(&self, error: &anyhow::Error) -> Result<()> {
        let reason = crate::output::one_line(error);
        self.folder.record(Event::RunFailed { job: self.export.hash(), reason: reason.clone() })?;
        self.tell_end(&reason)
    }

    /// Lets the nodes close the export. Nodes that cannot be told find out by themselves: they keep few open.
    fn tell_end(&self, reason: &str) -> Result<()> {
        let question = Question::Abandon { job: self.export.hash(), reason: reason.to_owned() };
        drop(self.runtime.block_on(self.nodes.ask_all(&question)));
        Ok(())
    }
}

/// Over the rosters of all nodes: no node knows those it was not in.
fn check_rosters(facts: &[ExportFacts]) -> Result<()> {
    let rosters: Vec<Vec<Digest>> = facts.iter().flat_map(|facts| facts.rosters.iter().cloned()).collect();
    let readers = rosters.iter().flatten().copied().collect();
    ensure!(
        isolated_node(&rosters, &readers).is_none(),
        "with the results that were exported of other nodes, the sums of a single node would follow (rule: one node among \
         others); this result stays inside"
    );
    Ok(())
}

/// The accounts over all nodes, each as columns that are distinct: the exported one first. A data user has no name that all
/// nodes share; his accounts at two nodes are known by a job that is in both.
fn accounts(facts: &[ExportFacts]) -> Result<Vec<Vec<ColumnId>>> {
    let first = facts.iter().filter_map(|facts| facts.accounts.first());
    let exported: BTreeSet<ColumnId> = first.flatten().map(|(id, _)| *id).collect();
    let exported_jobs: BTreeSet<Digest> = exported.iter().map(|id| id.job).collect();
    let mut parties: Vec<BTreeSet<Digest>> = Vec::new();
    for account in facts.iter().flat_map(|facts| facts.accounts.iter().skip(1)) {
        let mut jobs: BTreeSet<Digest> =
            account.iter().map(|(id, _)| id.job).filter(|job| !exported_jobs.contains(job)).collect();
        let (same, others): (Vec<_>, Vec<_>) =
            parties.into_iter().partition(|party| !party.is_disjoint(&jobs));
        jobs.extend(same.into_iter().flatten());
        parties = others;
        parties.push(jobs);
    }
    let all: BTreeSet<ColumnId> =
        facts.iter().flat_map(|facts| facts.accounts.iter().flatten()).map(|(id, _)| *id).collect();
    let of_party = |jobs: &BTreeSet<Digest>| -> BTreeSet<ColumnId> {
        all.iter().filter(|id| exported.contains(id) || jobs.contains(&id.job)).copied().collect()
    };
    let columns =
        std::iter::once(exported.clone()).chain(parties.iter().filter(|jobs| !jobs.is_empty()).map(of_party));
    columns.map(|columns| distinct_of(facts, &columns)).collect()
}

/// Those of `columns` that are distinct over all nodes.
fn distinct_of(facts: &[ExportFacts], columns: &BTreeSet<ColumnId>) -> Result<Vec<ColumnId>> {
    let held = |facts: &ExportFacts| -> HeldColumns {
        let known: BTreeMap<ColumnId, u32> = facts.accounts.iter().flatten().copied().collect();
        known.into_iter().filter(|(id, _)| columns.contains(id)).collect()
    };
    account::distinct(&facts.iter().map(held).collect::<Vec<_>>())
}

fn in_plain_words(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<SpanRefusal>() {
        Ok(refusal) => anyhow::anyhow!(
            "the span rule refuses the export: with all that was exported of these people, or that another data user was \
             shown, the result would single out one person or a group smaller than a cell {}; it stays inside",
            refusal.place
        ),
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(job: u8, place: u16) -> ColumnId {
        ColumnId { job: Digest::from_bytes([job; 32]), place }
    }

    fn node(accounts: &[&[(u8, u16)]]) -> ExportFacts {
        let account = |columns: &&[(u8, u16)]| {
            columns.iter().enumerate().map(|(class, (job, place))| (id(*job, *place), class as u32)).collect()
        };
        ExportFacts {
            accounts: accounts.iter().map(account).collect(),
            rosters: Vec::new(),
            variants_of_others: 0,
        }
    }

    #[test]
    fn a_data_user_is_known_by_his_jobs_over_all_nodes() {
        // Job 1 is exported. Jobs 2 and 3 are of one party, which no node sees whole; job 4 is of another one.
        let north = node(&[&[(1, 0), (1, 1)], &[(1, 0), (1, 1), (2, 0)], &[(1, 0), (1, 1), (4, 0)]]);
        let south = node(&[&[(1, 0), (1, 1)], &[(1, 0), (1, 1), (3, 0)]]);
        let west = node(&[&[(1, 0), (1, 1)], &[(1, 0), (1, 1), (2, 0), (3, 0)]]);
        let found = accounts(&[north, south, west]).unwrap();
        let exported = [id(1, 0), id(1, 1)];
        assert_eq!(found[0], exported);
        let mut others = found[1..].to_vec();
        others.sort();
        assert_eq!(
            others,
            [vec![id(1, 0), id(1, 1), id(2, 0), id(3, 0)], vec![id(1, 0), id(1, 1), id(4, 0)]]
        );
    }
}
