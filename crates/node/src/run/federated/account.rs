//! The span rule at the coordinator: which columns the nodes' accounts hold, their matrix once
//! without each node, and what the nodes say of it. The coordinator sees the matrix in a basis that
//! only the nodes know, and hands each node a softened one, so that nobody sees the exact moments
//! of another's people.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use ligate_disclosure::{
    ACCOUNT_COLUMNS_MAX, Cleared, ColumnId, Opened, rosters,
    span::{Frame, Gram, Limits, Search, Step, fraction_bits},
};
use ligate_model::{Digest, NodeName};

use crate::run::admission::Accounts;
use crate::session::{
    HeldColumns, Judgement, USED_STEPS,
    rounds::{
        AccountAsk, AskedStudy, ClimbAsk, JudgedProducts, RefineAsk, second_fraction_bits, triangle,
    },
};

/// How much of a data user's accounts a run would use, over all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Distinct columns that he was shown before.
    pub shown: u64,
    /// Columns that the run adds, at most.
    pub new: u64,
    /// Largest leverage of a person with them; 0.5 is the limit.
    pub leverage: f64,
    /// Largest share of a small group with them; 0.95 is the limit.
    pub share: f64,
}

/// The columns that are distinct over all nodes: two are one where every node holds the same values
/// in both.
pub fn distinct(accounts: &[HeldColumns]) -> Result<Vec<ColumnId>> {
    let distinct = distinct_of(
        accounts,
        accounts.iter().flatten().map(|(id, _)| *id).collect(),
    );
    ensure!(
        distinct.len() < ACCOUNT_COLUMNS_MAX,
        "the account of this data user is full: it holds {} columns (rule: span)",
        distinct.len()
    );
    Ok(distinct)
}

/// Those of the columns `ids` that are distinct over all nodes.
fn distinct_of(accounts: &[HeldColumns], ids: BTreeSet<ColumnId>) -> Vec<ColumnId> {
    let class = |account: &HeldColumns, id: &ColumnId| {
        account
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, class)| *class)
    };
    let mut seen = BTreeSet::new();
    let new = |id: &ColumnId| {
        seen.insert(
            accounts
                .iter()
                .map(|account| class(account, id))
                .collect::<Vec<_>>(),
        )
    };
    ids.into_iter().filter(new).collect()
}

/// The products that a logistic study is judged with. It is nested where any node says so. It is
/// compared with an earlier study of the same covariates that has nearly the same weights at every
/// node: of several with the last.
pub fn products(accounts: &Accounts) -> JudgedProducts {
    let nested = || {
        accounts
            .earlier
            .iter()
            .filter_map(|earlier| earlier.nested.as_ref())
    };
    if nested().next().is_some() {
        let ids = nested().flatten().copied().collect();
        return JudgedProducts::Nested {
            earlier: distinct_of(&accounts.columns, ids),
        };
    }
    let is_alike = |id: &ColumnId| {
        accounts
            .earlier
            .iter()
            .all(|earlier| earlier.same.contains(id))
    };
    // Nodes list theirs in the order of time.
    let first = accounts.earlier.first();
    let less = first.and_then(|earlier| earlier.same.iter().rev().copied().find(is_alike));
    JudgedProducts::Own { less }
}

/// Refuses nodes with whose results, and those that were exported, the sum of a single node could
/// be taken apart.
pub fn check_rosters(exported: &[Vec<Digest>], own: &[Digest]) -> Result<()> {
    let all = [exported, &[own.to_vec()]].concat();
    Ok(rosters::check(&all, rosters::Observer::Nodes(own))?)
}

/// The question for the matrix of the columns that were shown and those that a study adds.
pub fn ask(
    shown: Vec<ColumnId>,
    study: Option<AskedStudy>,
    nodes: usize,
    people: u64,
) -> Result<AccountAsk> {
    let width = shown.len() + study.as_ref().map_or(0, |study| usize::from(study.columns));
    ensure!(
        width <= ACCOUNT_COLUMNS_MAX,
        "with this study more than {ACCOUNT_COLUMNS_MAX} columns of the account would have to be judged (rule: span)"
    );
    Ok(AccountAsk {
        study,
        shown,
        nodes: u16::try_from(nodes)?,
        // Columns hold people who left, too.
        fraction_bits: fraction_bits(people.saturating_mul(4), width),
    })
}

/// The softened matrices, one without each node, as the nodes are told them.
pub fn grams(
    cleared: &Cleared,
    opened: Opened<Vec<u64>>,
    ask: &AccountAsk,
    secret: &[u8; 32],
) -> Result<Vec<Vec<f64>>> {
    let softened = |words: &Vec<u64>| -> Result<Vec<Vec<f64>>> {
        let matrix = |words: &[u64]| {
            let gram = Gram::from_words(ask.width(), words, ask.fraction_bits)?;
            anyhow::Ok(gram.softened(secret).lower().to_vec())
        };
        words
            .chunks_exact(ask.triangle().max(1))
            .map(matrix)
            .collect()
    };
    cleared
        .release(opened, softened)
        .into_inner()
        .context("the sums of the account")
}

/// What all nodes say. The first refusal ends the run.
pub fn verdict(judgements: &[(NodeName, Judgement)], shown: usize) -> Result<Cost> {
    for (node, judgement) in judgements {
        let Some(variable) = &judgement.refused else {
            continue;
        };
        ensure!(
            !judgement.isolated,
            "with all that was shown before, the sums of a single node would follow (rule: one node among others), as \
             {node} finds; {}",
            if variable.is_empty() {
                "this cannot be released".to_owned()
            } else {
                format!(
                    "leave {variable} out: one node has it with another zero or unit than before, or for other people, \
                     or hardly anybody has it elsewhere"
                )
            }
        );
        refuse(&format!("at {node}"), variable)?;
    }
    let of_all =
        |value: fn(&Judgement) -> f64| judgements.iter().map(|(_, j)| value(j)).fold(0.0, f64::max);
    Ok(Cost {
        shown: shown as u64,
        new: judgements
            .iter()
            .map(|(_, judgement)| judgement.columns)
            .max()
            .unwrap_or(0),
        leverage: of_all(|judgement| judgement.leverage),
        share: of_all(|judgement| judgement.share),
    })
}

/// What the span rule refuses, and where it was seen.
#[derive(Debug)]
pub struct SpanRefusal {
    pub place: String,
    /// The variable to leave out; empty where none is to blame.
    pub variable: String,
    /// Whether the study has Wald tests, which can be left out, too.
    pub wald: bool,
}

impl std::error::Error for SpanRefusal {}

impl std::fmt::Display for SpanRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            place,
            variable,
            wald,
        } = self;
        let without_wald = if *wald {
            "run it without Wald tests (--wald-below 0), "
        } else {
            ""
        };
        let (what, way_out) = if variable.is_empty() {
            (
                "this study".to_owned(),
                "ask the steward which people have changed".to_owned(),
            )
        } else {
            let way_out =
                format!("leave {variable} out, or use a variable in which more people differ");
            (format!("the variable {variable}"), way_out)
        };
        write!(
            f,
            "the span rule refuses {what}: with all that this data user was shown before, the result would single out \
             one person or a group smaller than a cell {place}; {without_wald}{way_out}"
        )
    }
}

fn refuse(place: &str, variable: &str) -> Result<()> {
    Err(SpanRefusal {
        place: place.to_owned(),
        variable: variable.to_owned(),
        wald: false,
    }
    .into())
}

/// The second sums that must be made, where the first ones were not precise enough.
pub fn refine(judgements: &[(NodeName, Judgement)], nodes: usize) -> Result<Option<RefineAsk>> {
    let mut sizes = vec![0_u16; nodes];
    for (node, judgement) in judgements
        .iter()
        .filter(|(_, judgement)| !judgement.imprecise.is_empty())
    {
        ensure!(
            judgement.imprecise.len() == nodes,
            "{node} counts other nodes than the roster"
        );
        for (size, told) in sizes
            .iter_mut()
            .zip(&judgement.imprecise)
            .filter(|(_, told)| **told > 0)
        {
            ensure!(
                *size == 0 || size == told,
                "the nodes disagree on the size of a sum"
            );
            ensure!(
                usize::from(*told) <= ACCOUNT_COLUMNS_MAX,
                "{node} asks for too large a sum"
            );
            *size = *told;
        }
    }
    let needed = sizes.iter().any(|size| *size > 0);
    Ok(needed.then_some(RefineAsk { sizes }))
}

/// The second sums, softened as the first ones; nothing for those that were precise.
pub fn second_grams(
    cleared: &Cleared,
    opened: Opened<Vec<u64>>,
    ask: &RefineAsk,
    secret: &[u8; 32],
) -> Result<Vec<Vec<f64>>> {
    let softened = |words: &Vec<u64>| -> Result<Vec<Vec<f64>>> {
        let mut rest = words.as_slice();
        let mut grams = Vec::with_capacity(ask.sizes.len());
        for size in ask.sizes.iter().map(|size| usize::from(*size)) {
            let (own, others) = rest
                .split_at_checked(triangle(size))
                .context("a sum is too short")?;
            rest = others;
            let gram = Gram::from_words(size, own, second_fraction_bits(size))?;
            grams.push(if size > 0 {
                gram.softened(secret).lower().to_vec()
            } else {
                Vec::new()
            });
        }
        Ok(grams)
    };
    cleared
        .release(opened, softened)
        .into_inner()
        .context("the second sums of the account")
}

/// Refuses a study of which a combination of variables has values at one node only: its sums would
/// be that node's own. Without that node there are fewer independent variables than without another
/// one.
fn check_ranks(judgements: &[(NodeName, Judgement)], nodes: usize) -> Result<()> {
    let rank = |place: usize| {
        let told = judgements
            .iter()
            .filter_map(|(_, judgement)| judgement.without.get(place));
        told.map(|without| without.plain_rank).max().unwrap_or(0)
    };
    let most = (0..nodes).map(rank).max().unwrap_or(0);
    ensure!(
        (0..nodes).all(|place| rank(place) == most),
        "with this study the sums of a single node would follow (rule: one node among others): a variable has values at that \
         node only, as a disease that nobody elsewhere has or a flag of a centre; leave it out"
    );
    Ok(())
}

/// The search for groups over several nodes: one for each left-out node that leaves room for a
/// group.
pub struct Groups {
    ranks: Vec<u16>,
    searches: Vec<(u16, Search)>,
    limits: Limits,
}

impl Groups {
    pub fn new(
        judgements: &[(NodeName, Judgement)],
        nodes: usize,
        limits: Limits,
        secret: &[u8; 32],
    ) -> Result<Self> {
        let mut groups = Self {
            ranks: Vec::with_capacity(nodes),
            searches: Vec::new(),
            limits,
        };
        check_ranks(judgements, nodes)?;
        for place in 0..nodes {
            let told = || {
                judgements
                    .iter()
                    .filter_map(|(_, judgement)| judgement.without.get(place))
            };
            let rank = told().map(|without| without.rank).max().unwrap_or(0);
            ensure!(
                told().all(|without| without.rank == 0 || without.rank == rank),
                "the nodes disagree on the size of a sum"
            );
            groups.ranks.push(rank);
            let mut largest: Vec<f64> = told()
                .flat_map(|without| without.largest.iter().copied())
                .collect();
            largest.sort_by(|a, b| b.total_cmp(a));
            if largest.iter().take(limits.group).sum::<f64>() < limits.share {
                continue;
            }
            let starts = told()
                .map(|without| &without.starts)
                .find(|starts| !starts.is_empty());
            let starts = starts
                .context("no node says where to look for a group over several nodes")?
                .clone();
            let fit = starts.iter().all(|start| start.len() == usize::from(rank));
            ensure!(fit, "a direction has another length than the account");
            groups
                .searches
                .push((u16::try_from(place)?, Search::new(starts, limits, secret)));
        }
        Ok(groups)
    }

    /// What is asked next; nothing where all searches are at their end.
    pub fn ask(&self) -> Option<ClimbAsk> {
        let steps = self
            .searches
            .iter()
            .flat_map(|(place, search)| search.steps().into_iter().map(move |step| (*place, step)));
        let steps: Vec<(u16, Step)> = steps.collect();
        (!steps.is_empty()).then(|| ClimbAsk {
            ranks: self.ranks.clone(),
            steps,
        })
    }

    /// Takes the sums of the answers. Refuses a combination of which a small group over several
    /// nodes has nearly everything.
    pub fn take(&mut self, cleared: &Cleared, opened: Opened<Vec<u64>>) -> Result<()> {
        let searches = &mut self.searches;
        let ranks = &self.ranks;
        let follow = |words: &Vec<u64>| {
            let mut rest = words.as_slice();
            for (place, search) in searches {
                let length =
                    Frame::words(usize::from(ranks[usize::from(*place)])) * search.steps().len();
                let (own, others) = rest.split_at(length.min(rest.len()));
                rest = others;
                search.take(own);
            }
        };
        cleared.release(opened, follow).into_inner();
        if self.largest() > self.limits.share {
            refuse("over several nodes", "")?;
        }
        Ok(())
    }

    fn largest(&self) -> f64 {
        self.searches
            .iter()
            .map(|(_, search)| search.share)
            .fold(0.0, f64::max)
    }

    /// The largest share that was seen, told as coarsely as nodes tell theirs: an exact one would
    /// say how many people weigh in it.
    pub fn share(&self) -> f64 {
        (self.largest() * USED_STEPS).ceil() / USED_STEPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(place: u16) -> ColumnId {
        ColumnId {
            job: Digest::from_bytes([1; 32]),
            place,
        }
    }

    #[test]
    fn columns_are_one_where_every_node_says_so() {
        let north = vec![(id(0), 0), (id(1), 1), (id(2), 0), (id(3), 1)];
        let south = vec![(id(0), 0), (id(1), 1), (id(2), 0), (id(3), 2)];
        assert_eq!(
            distinct(&[north.clone(), south.clone()]).unwrap(),
            [id(0), id(1), id(3)]
        );
        assert_eq!(distinct(&[north, south, vec![]]).unwrap().len(), 3);
        let many = (0..600)
            .map(|place| (id(place), u32::from(place)))
            .collect();
        assert!(distinct(&[many]).unwrap_err().to_string().contains("full"));
    }

    #[test]
    fn a_refusal_names_the_variable_and_the_way_out() {
        let judgement = Judgement {
            refused: Some("smoker".to_owned()),
            ..Judgement::default()
        };
        let said = verdict(&[("north".parse().unwrap(), judgement)], 3)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("span rule")
                && said.contains("leave smoker out")
                && said.contains("north"),
            "{said}"
        );
    }
}
