//! From a permit to a roster: which nodes may be asked, what they say of themselves, and their
//! signatures. The coordinator refuses here what no run could make good: two assemblies, two kinds
//! of a variable, an unknown coding.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ligate_access::{
    audit::Head,
    job::SignedJob,
    permit::{PermitDataset, SignedPermit},
};
use ligate_analysis::{
    codes::Grid,
    gwas::{Family, Model, Plan},
};
use ligate_federation::Member;
use ligate_model::{Assembly, BinaryCoding, Digest, NodeName, VariableKind, VariableName};

use super::{Study, release::Release};
use crate::{
    folder::Folder,
    session::{
        Answer, Earlier, HeldColumns, Judgement, Question, Scales, SiteFacts, VariableFacts,
        client::{Correspondent, Way},
    },
};

/// The nodes of a permit and the way to each.
pub struct Nodes {
    pub correspondents: Vec<Correspondent>,
    pub datasets: Vec<PermitDataset>,
    pub deadline: Duration,
}

/// A node that has agreed to the job.
pub struct Accepted {
    pub member: Member,
    pub assembly: Assembly,
    pub variables: Vec<VariableFacts>,
}

/// What nodes hold of a data user's account.
#[derive(Default)]
pub struct Accounts {
    pub columns: Vec<HeldColumns>,
    /// The nodes of each result that was exported.
    pub rosters: Vec<Vec<Digest>>,
    /// Of each node, the logistic studies with nearly the weights of the new one.
    pub earlier: Vec<Earlier>,
}

impl Nodes {
    /// Every node of the permit must be a pinned peer with the key that the permit names.
    pub fn of_permit(folder: &Folder, permit: &SignedPermit, without: &[NodeName]) -> Result<Self> {
        let mut datasets = permit.permit().datasets.clone();
        for name in without {
            ensure!(
                datasets.iter().any(|held| held.node == *name),
                "the permit has no node {name} to leave out"
            );
        }
        datasets.retain(|held| !without.contains(&held.node));
        let correspondents = datasets.iter().map(|held| {
            let peer = folder.config.peer_by_key(&held.key).with_context(|| {
                format!(
                    "{} does not know the permit's node {} by that key; add it with `ligate peer add`",
                    folder.name(),
                    held.node
                )
            })?;
            Correspondent::new(folder, peer, &held.node)
        });
        Ok(Self {
            correspondents: correspondents.collect::<Result<_>>()?,
            datasets,
            deadline: folder.config.limits.deadline(),
        })
    }

    /// The same question to all nodes at once; answers in their order.
    pub async fn ask_all(&self, question: &Question) -> Vec<Result<Answer>> {
        self.ask_all_within(question, self.deadline).await
    }

    /// The same question to all nodes at once, each under this deadline.
    pub async fn ask_all_within(
        &self,
        question: &Question,
        deadline: Duration,
    ) -> Vec<Result<Answer>> {
        let asked = self
            .correspondents
            .iter()
            .map(|node| node.ask(question, deadline));
        join_all(asked).await
    }

    /// The same question to all nodes; all must answer.
    pub async fn all_answer(&self, question: &Question) -> Result<Vec<Answer>> {
        let answers = self.ask_all(question).await;
        let (answers, missing): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        let reasons: Vec<_> = missing
            .into_iter()
            .filter_map(Result::err)
            .map(|error| crate::output::one_line(&error))
            .collect();
        ensure!(reasons.is_empty(), "{}", reasons.join("; "));
        Ok(answers.into_iter().flatten().collect())
    }

    /// How the nodes' tables write the permit's variables, to choose a family for a trait.
    pub async fn family(&self, permit: &SignedPermit, study: &Study) -> Result<Family> {
        let question = Question::Describe {
            permit: permit.jws().to_owned(),
        };
        let mut kinds = Vec::new();
        // A node that is not there or declines says so again when the job starts.
        for answer in self.ask_all(&question).await.into_iter().flatten() {
            let Answer::Facts {
                facts: SiteFacts::Variables(facts),
            } = answer
            else {
                bail!("a node answered something else")
            };
            let of_trait = facts
                .into_iter()
                .filter(|facts| facts.name == study.trait_name);
            kinds.extend(of_trait.map(|facts| facts.kind));
        }
        // Where nobody has the variable, the nodes say so when the job starts.
        let binary = !kinds.is_empty() && kinds.iter().all(|kind| *kind == VariableKind::Binary);
        Ok(if binary {
            Family::Logistic
        } else {
            Family::Linear
        })
    }

    /// Asks every node whose data are in a stored release whether it may still be handed out: a
    /// veto counts for what was released before, too. A node that is not there has said nothing
    /// against it.
    pub async fn confirm(
        &self,
        permit: &SignedPermit,
        job: &SignedJob,
        release: &Release,
    ) -> Result<()> {
        let question = Question::Confirm {
            permit: permit.jws().to_owned(),
            job: job.jws().to_owned(),
        };
        for node in release.nodes.iter().filter(|node| node.answered()) {
            let known = self
                .correspondents
                .iter()
                .find(|known| known.name == node.name);
            let known = known.with_context(|| format!("{} cannot be asked", node.name))?;
            match known.put(&question, self.deadline).await {
                Ok(Answer::Declined { reason }) => bail!(
                    "the stored release is not handed out, because {} does not allow it any more: {reason}",
                    node.name
                ),
                Ok(_) => {}
                Err(error) => note!("warning: {}", crate::output::one_line(&error)),
            }
        }
        Ok(())
    }

    /// Puts the job to every node. Those that are not there or decline are named, with their
    /// reason.
    pub async fn start(
        &self,
        permit: &SignedPermit,
        job: &SignedJob,
        (head, held): (Head, Vec<Head>),
    ) -> (Vec<Accepted>, Vec<(PermitDataset, String)>) {
        let question = Question::Start {
            permit: permit.jws().to_owned(),
            job: job.jws().to_owned(),
            head,
            held,
        };
        let (mut accepted, mut missing) = (Vec::new(), Vec::new());
        for (held, answer) in self.datasets.iter().zip(self.ask_all(&question).await) {
            match answer.and_then(|answer| acceptance(held, answer)) {
                Ok(node) => accepted.push(node),
                Err(error) => missing.push((held.clone(), crate::output::one_line(&error))),
            }
        }
        (accepted, missing)
    }

    /// These nodes.
    pub fn of(&self, names: &[NodeName]) -> impl Iterator<Item = &Correspondent> {
        self.correspondents
            .iter()
            .filter(|node| names.contains(&node.name))
    }

    /// The ways to these nodes.
    pub fn ways<'a>(&'a self, names: &[NodeName]) -> Vec<Way<'a>> {
        self.correspondents
            .iter()
            .filter(|node| names.contains(&node.name))
            .map(Way)
            .collect()
    }

    /// Only these nodes from now on.
    pub fn keep(&mut self, names: &[NodeName]) {
        self.correspondents
            .retain(|node| names.contains(&node.name));
        self.datasets
            .retain(|held| self.correspondents.iter().any(|node| node.key == held.key));
    }

    /// Has every node choose its people.
    pub async fn prepare(&self, job: Digest, coding: Option<BinaryCoding>) -> Result<()> {
        self.all_answer(&Question::Prepare { job, coding })
            .await
            .map(drop)
    }

    /// The largest exponent of each variable, what its missing values counted as in earlier runs
    /// (the first node that remembers decides), and the grid whose points are values at every node.
    pub async fn scales(&self, members: &[NodeName], job: Digest, plan: &Plan) -> Result<Scales> {
        let mut of_nodes: Vec<(&NodeName, Scales)> = Vec::new();
        for node in self.of(members) {
            let answer = node
                .ask(&Question::Exponents { job }, self.deadline)
                .await?;
            let Answer::Facts {
                facts: SiteFacts::Scales(scales),
            } = answer
            else {
                bail!("a node answered something else")
            };
            let counts = [
                scales.exponents.len(),
                scales.fills.len(),
                scales.grids.len(),
            ];
            ensure!(
                counts == [plan.variables().count(); 3],
                "{} has another number of variables",
                node.name
            );
            of_nodes.push((&node.name, scales));
        }
        let all = of_nodes
            .iter()
            .map(|(_, scales)| scales.clone())
            .reduce(|mut all, other| {
                let larger = |(most, other): (&mut i16, i16)| *most = (*most).max(other);
                all.exponents
                    .iter_mut()
                    .zip(other.exponents)
                    .for_each(larger);
                all.fills
                    .iter_mut()
                    .zip(other.fills)
                    .for_each(|(first, other)| *first = first.or(other));
                let common = |(all, other): (&mut Option<Grid>, Option<Grid>)| {
                    *all = all
                        .zip(other)
                        .map(|(all, other)| all.coarser(other))
                        .or(*all)
                        .or(other);
                };
                all.grids.iter_mut().zip(other.grids).for_each(common);
                all
            });
        let all = all.unwrap_or_default();
        warn_of_units(plan, &of_nodes, &all.exponents);
        check_steps(plan, &of_nodes)?;
        Ok(all)
    }

    /// What these nodes hold of the data user's account, for a study with this model.
    pub async fn accounts(
        &self,
        members: &[NodeName],
        job: Digest,
        model: &Model,
    ) -> Result<Accounts> {
        let mut accounts = Accounts::default();
        for node in self.of(members) {
            let question = Question::Account {
                job,
                model: model.clone(),
            };
            match node.ask(&question, self.deadline).await? {
                Answer::Facts {
                    facts:
                        SiteFacts::Account {
                            columns,
                            exported,
                            earlier,
                        },
                } => {
                    accounts.columns.push(columns);
                    accounts.rosters.extend(exported);
                    accounts.earlier.push(earlier);
                }
                _ => bail!("a node answered something else"),
            }
        }
        Ok(accounts)
    }

    /// What each of these nodes says of the sums of the account.
    pub async fn judge(
        &self,
        members: &[NodeName],
        job: Digest,
        grams: Vec<Vec<f64>>,
    ) -> Result<Vec<(NodeName, Judgement)>> {
        let question = Question::Judge { job, grams };
        let asked: Vec<_> = self.of(members).collect();
        let answers = join_all(asked.iter().map(|node| node.ask(&question, self.deadline))).await;
        let judgement = |(node, answer): (&&Correspondent, Result<Answer>)| match answer? {
            Answer::Facts {
                facts: SiteFacts::Judgement(judgement),
            } => Ok((node.name.clone(), judgement)),
            _ => bail!("a node answered something else"),
        };
        asked.iter().zip(answers).map(judgement).collect()
    }
}

fn acceptance(held: &PermitDataset, answer: Answer) -> Result<Accepted> {
    let Answer::Accepted {
        snapshot,
        assembly,
        facts: SiteFacts::Variables(variables),
        head,
    } = answer
    else {
        bail!("{} answered something else", held.node);
    };
    head.verify(held.key)
        .with_context(|| format!("the tree head of {}", held.node))?;
    let member = Member {
        node: held.node.clone(),
        key: held.key,
        country: held.country.clone(),
        dataset: held.dataset.clone(),
        snapshot,
    };
    Ok(Accepted {
        member,
        assembly,
        variables,
    })
}

/// The assembly of the run. Unknown ones may join; two declared ones may not meet.
pub fn common_assembly(nodes: &[Accepted]) -> Result<Assembly> {
    let mut declared = nodes.iter().filter(|node| node.assembly.is_known());
    let Some(first) = declared.next() else {
        return Ok(Assembly::Unknown);
    };
    match declared.find(|node| node.assembly != first.assembly) {
        None => Ok(first.assembly),
        Some(other) => bail!(
            "{} is on {} and {} on {}; load one of them on the other's assembly",
            first.member.node,
            first.assembly,
            other.member.node,
            other.assembly
        ),
    }
}

/// The kinds must agree. The coding of a trait with two values, in either family: one node's stands
/// for those who have one value only. Of a trait with more values there is none.
pub fn common_coding(
    nodes: &[Accepted],
    trait_name: &VariableName,
    family: Family,
) -> Result<Option<BinaryCoding>> {
    check_kinds(nodes, (family == Family::Logistic).then_some(trait_name))?;
    let facts = || {
        nodes.iter().flat_map(|node| {
            node.variables
                .iter()
                .map(move |facts| (&node.member.node, facts))
        })
    };
    let of_trait: Vec<_> = facts()
        .filter(|(_, facts)| facts.name == *trait_name)
        .collect();
    let binary = of_trait
        .iter()
        .all(|(_, facts)| facts.kind == VariableKind::Binary);
    if family == Family::Linear && !binary {
        return Ok(None);
    }
    if family == Family::Linear {
        note!("warning: trait {trait_name} has two values only; --family logistic would fit it");
    }
    ensure!(
        binary,
        "trait {trait_name} has more than two values; use --family linear"
    );
    decided_coding(
        trait_name,
        of_trait.iter().filter_map(|(_, facts)| facts.coding),
    )
    .map(Some)
}

/// Refuses a variable that a node alone has beside the steps of all others, as a flag of that node
/// in the last digit: what the sums leave over by the step would be the node's own. And one that is
/// the same for everybody of a node, at each, as a latitude: of a few numbers in no common step the
/// sum over all is each node's own sum.
fn check_steps(plan: &Plan, nodes: &[(&NodeName, Scales)]) -> Result<()> {
    for (place, variable) in plan.variables().enumerate() {
        let grid = |scales: &Scales| scales.grids.get(place).copied().flatten();
        let of_one_value = |(_, scales): &(&NodeName, Scales)| {
            grid(scales).is_some_and(|grid| grid.is_one_value())
        };
        ensure!(
            !nodes.iter().all(of_one_value),
            "{variable} has one value at each node, and its sums would be the nodes' own (rule: one node among others); \
             leave {variable} out"
        );
        for (node, own) in nodes {
            let others = nodes
                .iter()
                .filter(|(other, _)| other != node)
                .map(|(_, scales)| grid(scales));
            let others = others.reduce(|a, b| a?.with(b?)).flatten();
            let beside = grid(own)
                .zip(others)
                .is_some_and(|(own, others)| own.lies_beside(others));
            ensure!(
                !beside,
                "the values of {variable} at {node} lie beside the steps of all other nodes' values, and what the sums leave over \
                 would be that node's own (rule: one node among others); leave {variable} out, or have all nodes write it \
                 in the same steps"
            );
        }
    }
    Ok(())
}

/// Values of a node that are so many times (as a power of two) smaller than another node's are
/// hardly in one unit.
const ANOTHER_UNIT: i16 = 7;

/// The exponent of a node of which all values are 0 is below this.
const NO_SIZE: i16 = -200;

/// Warns where a variable seems to be in another unit at a node. Exponents bound each node's
/// values, as powers of two; values that are all 0 have no size.
fn warn_of_units(plan: &Plan, nodes: &[(&NodeName, Scales)], largest: &[i16]) {
    for (place, (variable, most)) in plan.variables().zip(largest).enumerate() {
        for (node, scales) in nodes {
            let Some(own) = scales.exponents.get(place).filter(|own| **own > NO_SIZE) else {
                continue;
            };
            if most.saturating_sub(*own) >= ANOTHER_UNIT {
                note!(
                    "warning: the values of {variable} at {node} are more than 60 times smaller than those of another node; \
                     ask its steward whether all have the same unit"
                );
            }
        }
    }
}

/// The coding for nodes that have the value 1 only. Nodes that show their own coding keep it.
fn decided_coding(
    trait_name: &VariableName,
    codings: impl Iterator<Item = BinaryCoding>,
) -> Result<BinaryCoding> {
    let (undecided, decided): (Vec<_>, Vec<_>) =
        codings.partition(|coding| *coding == BinaryCoding::Undecided);
    let first = decided.first().with_context(|| {
        format!("the coding of {trait_name} cannot be told: every node has the value 1 only, so it may be 0/1 or 1/2")
    })?;
    ensure!(
        undecided.is_empty() || decided.iter().all(|coding| coding == first),
        "the coding of {trait_name} cannot be told where it is 1 only, because the other nodes differ in theirs"
    );
    Ok(*first)
}

/// Kinds agree, and binary variables are coded alike. Only a disease may be coded by each node in
/// its own way: its values are made 0 and 1 before they are used.
fn check_kinds(nodes: &[Accepted], disease: Option<&VariableName>) -> Result<()> {
    let Some((first, others)) = nodes.split_first() else {
        return Ok(());
    };
    for other in others {
        for (own, theirs) in first.variables.iter().zip(&other.variables) {
            ensure!(
                own.name == theirs.name && own.kind == theirs.kind,
                "variable {} is {:?} at {} and {:?} at {}; code it alike and load again",
                own.name,
                own.kind,
                first.member.node,
                theirs.kind,
                other.member.node
            );
            ensure!(
                disease == Some(&own.name) || coded_alike(own.coding, theirs.coding),
                "variable {} is coded 0/1 at one and 1/2 at the other of {} and {}; code it alike and load again",
                own.name,
                first.member.node,
                other.member.node
            );
        }
    }
    Ok(())
}

fn coded_alike(one: Option<BinaryCoding>, other: Option<BinaryCoding>) -> bool {
    let undecided = Some(BinaryCoding::Undecided);
    one == other || one == undecided || other == undecided
}

/// Awaits all at once; results in order.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, result) in running
            .iter_mut()
            .zip(&mut results)
            .filter(|(_, result)| result.is_none())
        {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(context) {
                *result = Some(output);
            }
        }
        if results.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}
