//! The outer door, at the coordinator's folder: which part of a stored result may leave the
//! environment, whether all accounts that it adds to hold, and the nodes' word, before anything is
//! written.

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
use ligate_disclosure::{
    ACCOUNT_COLUMNS_MAX, ColumnId, Exported, Left,
    export::Regions,
    rosters::{self, Observer},
};
use ligate_federation::{Agreement, Member, Roster, RunContext, agree};
use ligate_model::{Digest, NodeName, VariantKey};
use tokio::runtime::Runtime;

use super::{
    PermitWatch,
    admission::Nodes,
    federated::{
        self,
        account::{self, SpanRefusal},
        node_sums::{NodeSums, SumTerms},
    },
    release::{NodeOutcome, Release},
    store::{Judged, Kept, Store},
};
use crate::{
    books,
    folder::Folder,
    progress::Stages,
    session::{Answer, ExportFacts, HeldColumns, Leaving, OFFER_PAGE, Question, SiteFacts},
};
use content::{Bounds, Content, HeldBack, KeptBack};

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
pub fn run(folder: &Folder, kept: Kept, wish: &Wish<'_>, stages: &Stages) -> Result<Outcome> {
    let Kept { release, digest } = kept;
    let _claim = folder.claim("coordinate")?;
    books::check(folder)?;
    let authority = release
        .authority
        .as_ref()
        .context("the result was made without a permit")?;
    let permit = SignedPermit::read(&authority.signed_permit)?;
    let job = SignedJob::read(&authority.signed_job)?;
    federated::check_permit(folder, &permit, wish.user)?;
    let runtime = Runtime::new()?;
    runtime.block_on(books::check_peers(folder))?;
    let watch = PermitWatch::new(folder, &permit);
    watch.admit(&runtime)?;
    let export = sign(&permit, &job, None, wish.user)?;
    let missing: Vec<NodeName> = release
        .nodes
        .iter()
        .filter(|node| !node.answered())
        .map(|node| node.name.clone())
        .collect();
    let nodes = Nodes::of_permit(folder, &permit, &missing)?;
    let exporting = Exporting {
        folder,
        permit: &permit,
        watch,
        job,
        export,
        runtime,
        nodes,
        release,
        digest,
        stages,
    };
    let outcome = exporting.run(wish);
    if let Err(error) = &outcome
        && let Err(second) = exporting.abandon(error)
    {
        note!("warning: {}", crate::output::one_line(&second));
    }
    outcome
}

fn sign(
    permit: &SignedPermit,
    job: &SignedJob,
    content: Option<Digest>,
    user: &Identity,
) -> Result<SignedExport> {
    let claims = Export {
        permit: permit.hash(),
        job: job.hash(),
        content,
        created: Timestamp::now(),
    };
    Ok(claims.sign(user)?)
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
    /// The digest of its result.
    digest: Digest,
    stages: &'a Stages,
}

impl Exporting<'_> {
    fn run(&self, wish: &Wish<'_>) -> Result<Outcome> {
        self.stages.update("asking the nodes", 0, 1);
        self.watch.hand_out(&self.runtime, &self.nodes)?;
        let facts = self.facts()?;
        let accounts = accounts(&facts)?;
        check_rosters(&accounts)?;
        let agreement = self.agree()?;
        let terms = SumTerms::new(self.folder, self.permit, self.release.plan.clone())?;
        let mut sums = NodeSums::new(&self.runtime, &self.watch, &self.nodes, agreement, terms);
        sums.take_people(self.release.gwas.people)?;
        let leverage = self.judge(&facts, &accounts, &mut sums)?;
        let changed = if facts.iter().any(|facts| facts.changed) {
            self.changed()?
        } else {
            BTreeSet::new()
        };
        let content =
            Box::new(self.content(&facts, self.steady(leverage, &accounts)?, &changed)?);
        if wish.plan_only {
            self.tell_end("it was only planned")?;
            return Ok(Outcome::Planned(content));
        }
        ensure!(
            content.variants() > 0,
            "nothing of this result may leave: {} variants are too rare (rule: variants), {} are more than may leave of this \
             trait (rule: how many), of {} calls have changed",
            content.held_back_by(HeldBack::Rare),
            content.held_back_by(HeldBack::Number) + content.held_back_by(HeldBack::Region),
            content.held_back_by(HeldBack::Changed)
        );
        match &self.permit.permit().export.officer {
            Some(officer) if !self.is_approved(&content, wish)? => {
                self.tell_end("the officer has not approved it yet")?;
                return Ok(Outcome::NeedsApproval {
                    content,
                    officer: officer.name.clone(),
                });
            }
            _ => {}
        }
        self.leave(&content, wish)?;
        Ok(Outcome::Leaves(content))
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
            result: self.digest,
            head,
            held,
        };
        let answers = self.runtime.block_on(self.nodes.all_answer(&question))?;
        let facts = |answer| match answer {
            Answer::Facts {
                facts: SiteFacts::Export(facts),
            } => Ok(facts),
            _ => bail!("a node answered something else"),
        };
        answers.into_iter().map(facts).collect()
    }

    /// All nodes of the result sign the roster, as it was in the study.
    fn agree(&self) -> Result<Agreement> {
        let member = |held: &ligate_access::permit::PermitDataset| {
            let known = self
                .release
                .nodes
                .iter()
                .find(|node| node.name == held.node);
            let Some(NodeOutcome::Answered { snapshot, .. }) = known.map(|node| &node.outcome)
            else {
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
        let members: Vec<Member> = self
            .nodes
            .datasets
            .iter()
            .map(member)
            .collect::<Result<_>>()?;
        let names: Vec<NodeName> = members.iter().map(|member| member.node.clone()).collect();
        let context = RunContext {
            permit: self.permit.hash(),
            job: self.export.hash(),
        };
        let roster = Roster::new(context, members)?;
        Ok(self
            .runtime
            .block_on(agree(&self.nodes.ways(&names), roster, self.nodes.deadline))?)
    }

    /// Judges the exported account with this result, and every other account that it adds to. Gives
    /// the largest leverage of the first.
    fn judge(
        &self,
        facts: &[ExportFacts],
        accounts: &[Joined],
        sums: &mut NodeSums<'_>,
    ) -> Result<f64> {
        let total = accounts.len() as u64;
        self.stages.update("accounts that it adds to", 0, total);
        let [exported, others @ ..] = accounts else {
            bail!("the nodes name no account")
        };
        let leverage = sums
            .judge(exported.columns.clone(), None)
            .map_err(in_plain_words)?
            .leverage;
        // Where all that was ever shown holds together, so does each data user's part of it.
        let all: BTreeSet<ColumnId> = accounts
            .iter()
            .flat_map(|account| account.columns.iter().copied())
            .collect();
        let together = others.len() > 1 && all.len() < ACCOUNT_COLUMNS_MAX;
        if together && sums.judge(distinct_of(facts, &all)?, None).is_ok() {
            return Ok(leverage);
        }
        for (done, account) in others.iter().enumerate() {
            self.stages
                .update("accounts that it adds to", done as u64 + 1, total);
            sums.judge(account.columns.clone(), None)
                .map_err(in_plain_words)?;
        }
        Ok(leverage)
    }

    /// The leverage as it was told before, where nothing was exported since: nodes judge by sums
    /// that are a little off, each time in another way, and the same result under the same books
    /// must give the same content.
    fn steady(&self, leverage: f64, accounts: &[Joined]) -> Result<f64> {
        let columns = accounts
            .first()
            .map(|exported| exported.columns.as_slice())
            .unwrap_or_default();
        let bytes = postcard::to_stdvec(columns).context("the columns cannot be written")?;
        let account = Digest::of("ligate exported account", &bytes);
        let store = Store::new(self.folder);
        let question = self.job.question();
        if let Some(known) = store
            .judged(&question)?
            .filter(|known| known.account == account)
        {
            return Ok(known.leverage);
        }
        store.keep_judged(&question, &Judged::new(account, leverage))?;
        Ok(leverage)
    }

    /// Variants of the result of which calls have changed for a few people at some node.
    fn changed(&self) -> Result<BTreeSet<VariantKey>> {
        let keys: Vec<VariantKey> = self
            .release
            .gwas
            .associations
            .iter()
            .map(|found| found.key.clone())
            .collect();
        let mut changed = BTreeSet::new();
        for page in keys.chunks(OFFER_PAGE) {
            let question = Question::Changed {
                export: self.export.hash(),
                keys: page.to_vec(),
            };
            for answer in self.runtime.block_on(self.nodes.all_answer(&question))? {
                let Answer::Facts {
                    facts: SiteFacts::Changed(places),
                } = answer
                else {
                    bail!("a node answered something else")
                };
                changed.extend(
                    places
                        .iter()
                        .filter_map(|place| page.get(*place as usize).cloned()),
                );
            }
        }
        Ok(changed)
    }

    /// What leaves, after what left before. Content of this very result that left before may leave
    /// again; it does not count twice.
    fn content(
        &self,
        facts: &[ExportFacts],
        leverage: f64,
        changed: &BTreeSet<VariantKey>,
    ) -> Result<Content> {
        let of_most = |share: fn(&Left) -> f64| {
            facts
                .iter()
                .map(|facts| share(&facts.left_before))
                .fold(0.0, f64::max)
        };
        let others = Left {
            variants: of_most(|left| left.variants),
            strength: of_most(|left| left.strength),
        };
        let people = self.release.gwas.people.individuals;
        let full_table = self.permit.permit().export.full_table;
        let bounds = Bounds {
            people,
            leverage,
            left_before: others,
            full_table,
        };
        let mut regions = Regions::default();
        regions.extend(facts.iter().flat_map(|facts| &facts.regions));
        let kept_back = KeptBack {
            changed,
            regions: &regions,
        };
        let content = Content::of(&self.release, bounds, kept_back)?;
        let mut own: BTreeMap<Digest, &Exported> = BTreeMap::new();
        own.extend(
            facts
                .iter()
                .flat_map(|facts| &facts.exported)
                .map(|exported| (exported.content, exported)),
        );
        if own.is_empty() || own.contains_key(&content.digest) {
            return Ok(content);
        }
        let add = |left: Left, exported: &&Exported| {
            left.and(exported.variants, exported.strength.0, people)
        };
        let left_before = own.values().fold(others, add);
        Content::of(
            &self.release,
            Bounds {
                left_before,
                ..bounds
            },
            kept_back,
        )
    }

    fn is_approved(&self, content: &Content, wish: &Wish<'_>) -> Result<bool> {
        let Some(text) = wish.approval else {
            return Ok(false);
        };
        let (approval, _) = Approval::read(text).context("the officer's approval")?;
        Ok(approval.content == content.digest)
    }

    /// Has every node note the export. What was noted at some nodes only counts there all the same.
    fn leave(&self, content: &Content, wish: &Wish<'_>) -> Result<()> {
        let leaving = Leaving {
            content: content.digest,
            variants: content.variants(),
            strength: content.strength,
            keys: content.named_variants(),
            wish: sign(self.permit, &self.job, Some(content.digest), wish.user)?
                .jws()
                .to_owned(),
            approval: wish.approval.map(str::to_owned),
        };
        let question = Question::Leave {
            export: self.export.hash(),
            leaving,
        };
        let answers = self.runtime.block_on(self.nodes.all_answer(&question));
        let answers = answers.context(
            "nothing has left, but nodes that did not refuse have noted it, and it counts there",
        )?;
        let heads: Vec<_> = answers
            .into_iter()
            .flat_map(|answer| match answer {
                Answer::Heads { heads } => heads,
                _ => Vec::new(),
            })
            .collect();
        ensure!(
            heads.len() >= self.nodes.correspondents.len(),
            "a node answered something else"
        );
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
        self.folder.record(Event::RunFailed {
            job: self.export.hash(),
            reason: reason.clone(),
        })?;
        self.tell_end(&reason)
    }

    /// Lets the nodes close the export. Nodes that cannot be told find out by themselves: they keep
    /// few open.
    fn tell_end(&self, reason: &str) -> Result<()> {
        let question = Question::Abandon {
            job: self.export.hash(),
            reason: reason.to_owned(),
        };
        drop(self.runtime.block_on(self.nodes.ask_all(&question)));
        Ok(())
    }
}

/// An account over all nodes.
#[derive(Debug, PartialEq)]
struct Joined {
    /// Distinct over all nodes.
    columns: Vec<ColumnId>,
    rosters: Vec<Vec<Digest>>,
}

/// A data user's account as far as nodes have told of it.
struct Party {
    jobs: BTreeSet<Digest>,
    columns: BTreeSet<ColumnId>,
    rosters: Vec<Vec<Digest>>,
}

/// Over the rosters of all nodes: no node knows those it was not in.
fn check_rosters(accounts: &[Joined]) -> Result<()> {
    let (exported, others) = accounts.split_at(accounts.len().min(1));
    exported
        .iter()
        .try_for_each(|account| rosters::check(&account.rosters, Observer::AnyNode))?;
    Ok(others
        .iter()
        .try_for_each(|account| rosters::check(&account.rosters, Observer::Outsider))?)
}

/// The accounts over all nodes, the exported one first. A data user has no name that all nodes
/// share; his accounts at two nodes are known by a job that is in both.
fn accounts(facts: &[ExportFacts]) -> Result<Vec<Joined>> {
    let first = || facts.iter().filter_map(|facts| facts.accounts.first());
    let exported: BTreeSet<ColumnId> = first()
        .flat_map(|account| &account.columns)
        .map(|(id, _)| *id)
        .collect();
    let exported_rosters: Vec<Vec<Digest>> = first()
        .flat_map(|account| account.rosters.clone())
        .collect();
    let exported_jobs: BTreeSet<Digest> = first()
        .flat_map(|account| account.jobs.iter().copied())
        .collect();
    let mut parties: Vec<Party> = Vec::new();
    for account in facts.iter().flat_map(|facts| facts.accounts.iter().skip(1)) {
        let mut party = Party {
            jobs: account.jobs.difference(&exported_jobs).copied().collect(),
            columns: account.columns.iter().map(|(id, _)| *id).collect(),
            rosters: account.rosters.clone(),
        };
        let (same, others): (Vec<_>, Vec<_>) = parties
            .into_iter()
            .partition(|known| !known.jobs.is_disjoint(&party.jobs));
        for known in same {
            party.jobs.extend(known.jobs);
            party.columns.extend(known.columns);
            party.rosters.extend(known.rosters);
        }
        parties = others;
        parties.push(party);
    }
    let mut joined = vec![Joined {
        columns: distinct_of(facts, &exported)?,
        rosters: exported_rosters.clone(),
    }];
    for mut party in parties.into_iter().filter(|party| !party.jobs.is_empty()) {
        party.columns.extend(&exported);
        party.rosters.extend(exported_rosters.iter().cloned());
        joined.push(Joined {
            columns: distinct_of(facts, &party.columns)?,
            rosters: party.rosters,
        });
    }
    Ok(joined)
}

/// Those of `columns` that are distinct over all nodes.
fn distinct_of(facts: &[ExportFacts], columns: &BTreeSet<ColumnId>) -> Result<Vec<ColumnId>> {
    let held = |facts: &ExportFacts| -> HeldColumns {
        let known: BTreeMap<ColumnId, u32> = facts
            .accounts
            .iter()
            .flat_map(|account| account.columns.iter().copied())
            .collect();
        known
            .into_iter()
            .filter(|(id, _)| columns.contains(id))
            .collect()
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
    use crate::session::ExportAccountFacts;

    fn id(job: u8, place: u16) -> ColumnId {
        ColumnId {
            job: Digest::from_bytes([job; 32]),
            place,
        }
    }

    fn node(accounts: &[&[(u8, u16)]]) -> ExportFacts {
        let account = |columns: &&[(u8, u16)]| {
            let jobs = columns
                .iter()
                .map(|(job, _)| Digest::from_bytes([*job; 32]))
                .collect();
            let columns = columns.iter().enumerate();
            let columns = columns
                .map(|(class, (job, place))| (id(*job, *place), class as u32))
                .collect();
            ExportAccountFacts {
                jobs,
                columns,
                rosters: Vec::new(),
            }
        };
        let accounts = accounts.iter().map(account).collect();
        ExportFacts {
            accounts,
            changed: false,
            left_before: Left::default(),
            regions: Vec::new(),
            exported: Vec::new(),
        }
    }

    #[test]
    fn a_data_user_is_known_by_his_jobs_over_all_nodes() {
        // Job 1 is exported. Jobs 2 and 3 are of one party, which no node sees whole; job 4 is of
        // another one.
        let north = node(&[
            &[(1, 0), (1, 1)],
            &[(1, 0), (1, 1), (2, 0)],
            &[(1, 0), (1, 1), (4, 0)],
        ]);
        let south = node(&[&[(1, 0), (1, 1)], &[(1, 0), (1, 1), (3, 0)]]);
        let west = node(&[&[(1, 0), (1, 1)], &[(1, 0), (1, 1), (2, 0), (3, 0)]]);
        let found = accounts(&[north, south, west]).unwrap();
        let exported = [id(1, 0), id(1, 1)];
        assert_eq!(found[0].columns, exported);
        let mut others: Vec<_> = found[1..]
            .iter()
            .map(|account| account.columns.clone())
            .collect();
        others.sort();
        assert_eq!(
            others,
            [
                vec![id(1, 0), id(1, 1), id(2, 0), id(3, 0)],
                vec![id(1, 0), id(1, 1), id(4, 0)]
            ]
        );
    }
}
