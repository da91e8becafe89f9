//! Who takes part in a run, so that its people differ from those of earlier runs by nobody or by
//! many.
//!
//! A person who left, or whose values were corrected, is the difference of two runs. The remedy:
//! some more people are left out with him, chosen by the ledger's secret and what changed: who asks
//! again has the same ones. How many depends on the number of columns that the difference has: the
//! span rule over this node's own rows decides, which is stricter than over all nodes.

use std::{cell::OnceCell, collections::BTreeSet};

use ligate_model::{Digest, VariableName};

use super::{Account, AccountColumn, Ledger, PeopleSet};
use crate::span::{Basis, Finding, Gram, Limits, Rows, judge, judge_by};

/// Numbers of people who are left out with somebody who left, tried one after another.
const LEFT_OUT: [usize; 12] = [12, 16, 20, 22, 24, 32, 48, 64, 96, 128, 192, 256];

/// A dataset of up to this many people cannot spare many of them. Of few people most choices single
/// somebody out (fewer than a cell with one value of a binary covariate are enough), so many
/// choices of each number are tried there.
const SMALL: usize = 1000;
const DRAWS_SMALL: u8 = 48;

/// A larger dataset can spare more, and each try costs more: few are tried, and none of fewer
/// people than this.
const DRAWS_LARGE: u8 = 3;
const LEFT_OUT_LARGE: usize = 24;

/// How much of the limits a choice may use up over this node's own rows, so that later studies have
/// room.
const ROOM: f64 = 0.95;

/// How much of the limits all that a data user was shown may use up, so that a choice over a small
/// dataset is taken at once.
const AMPLE: f64 = 0.8;

/// So many more people may be left out of a small dataset so that less of the limits is used up.
const MORE_FOR_ROOM: usize = 2;

/// Scores, and leverages, that differ by less than this are the same.
const AS_GOOD: f64 = 0.01;

/// A later candidate is taken for the better one where it uses so much less.
const BETTER: f64 = 0.02;

/// The largest leverage with which the outer door stays open for variants whose rarer allele has a
/// frequency of 0.15 or more ([`crate::export`]). What a study adds to the account that everybody
/// reads cannot be taken off it again.
const OPEN: f64 = 0.2;

/// A dataset spares up to this part of its people so that the outer door stays open.
const SPARED_FOR_EXPORTS: usize = 6;

/// Values of one person that differ by less than this share of the variable's unit are the same.
const SAME_VALUE: f64 = 1e-4;

/// Most corrected people who are taken for leavers; where more values changed, it is another
/// variable.
const CORRECTED_MAX: usize = 60;

/// What a run would show, before its people are chosen.
pub struct Draft<'a> {
    /// Everybody who could take part, by number, in the order of the dataset.
    pub people: &'a [u64],
    /// A variable's values for these people, in its own units, missing ones filled; with its role
    /// in the account.
    pub variables: &'a [(VariableName, Vec<f64>)],
    /// All that the data user was shown.
    pub reader: &'a Account,
    /// Nodes of the permit.
    pub nodes: usize,
    /// Fewest people with whom a node takes part.
    pub people_min: usize,
    pub limits: Limits,
    pub threads: usize,
}

/// The people of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Places in [`Draft::people`], ascending.
    pub places: Vec<usize>,
    /// People who could take part and were left out because of the difference to earlier runs.
    pub left_out: usize,
}

/// Those who would take part.
struct Candidate {
    places: Vec<usize>,
    /// Whether people were left out of it by the ledger's secret, and not before.
    drawn: bool,
}

/// A candidate by which the difference to earlier runs keeps the limits.
struct Choice {
    places: Vec<usize>,
    left_out: usize,
    leverage: f64,
    /// How much of the limits all that the data user was shown uses up, as far as it was looked at.
    used: f64,
    /// Whether exports stay possible.
    open: bool,
}

impl Choice {
    fn has_room(&self) -> bool {
        self.used <= AMPLE
    }

    fn is_better_than(&self, other: &Self) -> bool {
        let passes = |choice: &Self| choice.used <= 1.0;
        if passes(self) != passes(other) {
            return passes(self);
        }
        if self.open != other.open {
            return self.open;
        }
        match (self.has_room(), other.has_room()) {
            (true, true) => self.leverage < other.leverage - BETTER,
            (false, false) => self.used < other.used - BETTER,
            (has_room, _) => has_room,
        }
    }

    /// How many of `eligible` people may be left out for something better.
    fn may_leave_out(&self, eligible: usize) -> usize {
        let for_exports = if self.open {
            0
        } else {
            eligible / SPARED_FOR_EXPORTS
        };
        let for_room = if self.has_room() {
            0
        } else {
            self.left_out + MORE_FOR_ROOM
        };
        for_exports.max(for_room)
    }
}

/// Chooses the people of a run.
pub fn choose(ledger: &Ledger, account: &Account, draft: &Draft<'_>) -> Chosen {
    let all: Vec<usize> = (0..draft.people.len()).collect();
    if account.is_empty() {
        return Chosen {
            places: all,
            left_out: 0,
        };
    }
    let corrected = corrected(account, draft);
    let eligible: Vec<usize> = all
        .into_iter()
        .filter(|place| !corrected.contains(place))
        .collect();
    let relevant = Relevant::new(account, draft);
    let mut best: Option<(f64, Vec<usize>)> = None;
    let mut kept: Option<Choice> = None;
    for Candidate { places, drawn } in candidates(ledger, account, draft, &eligible) {
        let left_out = eligible.len() - places.len();
        if kept
            .as_ref()
            .is_some_and(|kept| left_out > kept.may_leave_out(eligible.len()))
        {
            continue;
        }
        let found = relevant.judge(&places);
        let score = relevant.score(&found);
        // Where the run's own columns are the reason, the difference to earlier runs is not, and
        // nobody is left out for it.
        let no_more_than_alone = || score <= relevant.score_alone(&places) + AS_GOOD;
        if score <= ROOM || ((score <= 1.0 || left_out == 0) && no_more_than_alone()) {
            let used = if drawn && eligible.len() <= SMALL {
                relevant.used_over_all(&places)
            } else {
                0.0
            };
            let open = relevant.keeps_open(&found, &places);
            let choice = Choice {
                places,
                left_out,
                leverage: found.leverage,
                used,
                open,
            };
            let settled = choice.has_room() && choice.open;
            if kept.as_ref().is_none_or(|kept| choice.is_better_than(kept)) {
                kept = Some(choice);
            }
            if settled {
                break;
            }
        } else if best
            .as_ref()
            .is_none_or(|(known, _)| score < known - BETTER)
        {
            best = Some((score, places));
        }
    }
    let kept = kept.map(|kept| kept.places);
    let places = kept.or(best.map(|(_, places)| places)).unwrap_or(eligible);
    Chosen {
        left_out: draft.people.len() - places.len(),
        places,
    }
}

/// Places of people of whom a value of the draft is not what an earlier run showed.
fn corrected(account: &Account, draft: &Draft<'_>) -> BTreeSet<usize> {
    let mut corrected = BTreeSet::new();
    let mut order: Vec<usize> = (0..draft.people.len()).collect();
    order.sort_by_key(|place| draft.people[*place]);
    for (name, values) in draft.variables {
        for column in account
            .columns()
            .iter()
            .filter(|column| holds_values_of(column, name))
        {
            let (centre, unit) = (column.record.centre.0, column.record.unit.0);
            let mut own = order.iter().peekable();
            let mut changed = Vec::new();
            for (number, value) in account.values(column) {
                while own
                    .next_if(|place| draft.people[**place] < number)
                    .is_some()
                {}
                let Some(place) = own.next_if(|place| draft.people[**place] == number) else {
                    continue;
                };
                let rounding = unit.abs() * (SAME_VALUE + 1e-6 * value.abs());
                if (centre + unit * value - values[*place]).abs() > rounding {
                    changed.push(*place);
                }
            }
            if changed.len() <= CORRECTED_MAX {
                corrected.extend(changed);
            }
        }
    }
    corrected
}

fn holds_values_of(column: &AccountColumn, name: &VariableName) -> bool {
    column.record.variable.as_ref() == Some(name) && column.record.fill.is_some()
}

/// Sets of people to try, best first: everybody, the people of earlier runs, everybody without
/// some. Each is made when it is its turn, because the first one nearly always serves.
fn candidates<'a>(
    ledger: &'a Ledger,
    account: &'a Account,
    draft: &'a Draft<'_>,
    eligible: &'a [usize],
) -> impl Iterator<Item = Candidate> + 'a {
    let set = PeopleSet::new(eligible.iter().map(|place| draft.people[*place]).collect());
    let all = set.digest();
    let earlier = |known: &PeopleSet| -> Vec<usize> {
        eligible
            .iter()
            .copied()
            .filter(|place| known.place(draft.people[*place]).is_some())
            .collect()
    };
    let kept = account
        .sets()
        .filter(move |known| known.is_within(&set))
        .map(earlier);
    let kept = kept.filter(|places| 2 * places.len() >= eligible.len());
    let (draws, least) = match eligible.len() {
        ..=SMALL => (DRAWS_SMALL, 0),
        _ => (DRAWS_LARGE, LEFT_OUT_LARGE),
    };
    let possible = move |count: &usize| {
        let spared = eligible.len() >= count + draft.people_min && 10 * count <= 6 * eligible.len();
        spared && *count >= least
    };
    let draws = LEFT_OUT
        .into_iter()
        .filter(possible)
        .flat_map(move |count| (0..draws).map(move |draw| (count, draw)));
    let without =
        draws.map(move |(count, draw)| without(ledger, draft, eligible, all, count, draw));
    let known = std::iter::once_with(|| eligible.to_vec()).chain(kept);
    let known = known.map(|places| Candidate {
        places,
        drawn: false,
    });
    known.chain(without.map(|places| Candidate {
        places,
        drawn: true,
    }))
}

/// Everybody without `count` people: the same ones for the same difference, whoever asks again.
fn without(
    ledger: &Ledger,
    draft: &Draft<'_>,
    eligible: &[usize],
    all: Digest,
    count: usize,
    draw: u8,
) -> Vec<usize> {
    let about: Vec<u8> = all.as_bytes().iter().copied().chain([draw]).collect();
    let seed = ledger.seed("ligate left out", &about);
    let mut shuffled = eligible.to_vec();
    shuffled.sort_by_cached_key(|place| order_key(&seed, draft.people[*place]));
    let mut rest = shuffled.split_off(count);
    rest.sort_unstable();
    rest
}

fn order_key(seed: &[u8; 32], number: u64) -> u64 {
    let bytes: Vec<u8> = seed.iter().copied().chain(number.to_le_bytes()).collect();
    let digest = Digest::of("ligate order", &bytes);
    digest
        .as_bytes()
        .iter()
        .take(8)
        .fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// The account's columns that a run's own could be subtracted from: counts of people, and the run's
/// variables.
struct Relevant<'a> {
    account: &'a Account,
    draft: &'a Draft<'a>,
    ids: Vec<super::ColumnId>,
    /// W'W of another node as it may be, made when it is first needed.
    others: OnceCell<Gram>,
}

impl<'a> Relevant<'a> {
    fn new(account: &'a Account, draft: &'a Draft<'a>) -> Self {
        let of_run = |column: &AccountColumn| match &column.record.variable {
            None => true,
            Some(name) => draft.variables.iter().any(|(other, _)| other == name),
        };
        Self {
            account,
            draft,
            ids: account.distinct(of_run),
            others: OnceCell::new(),
        }
    }

    /// How much of the limits is used up: up to 1 keeps them.
    fn score(&self, found: &Finding) -> f64 {
        let limits = self.draft.limits;
        (found.leverage / limits.leverage).max(found.share / limits.share)
    }

    /// The same by the run's own columns: where that is as much, the difference to earlier runs is
    /// not the reason, and leaving people out does not help.
    fn score_alone(&self, candidate: &[usize]) -> f64 {
        self.score(&self.judge_with(&[], candidate))
    }

    /// Whether exports stay possible, as far as the difference to earlier runs decides it.
    fn keeps_open(&self, found: &Finding, candidate: &[usize]) -> bool {
        let no_more_than = |other: Finding| found.leverage <= other.leverage + AS_GOOD;
        found.leverage <= OPEN
            || no_more_than(self.judge_rows(&self.account.rows(&self.ids, &[], &[])))
            || no_more_than(self.judge_with(&[], candidate))
    }

    /// A set of people with what was shown before, over this node's own rows.
    fn judge(&self, candidate: &[usize]) -> Finding {
        self.judge_with(&self.ids, candidate)
    }

    fn judge_with(&self, ids: &[super::ColumnId], candidate: &[usize]) -> Finding {
        self.judge_rows(
            &self
                .account
                .rows(ids, &self.numbers(candidate), &self.added(candidate)),
        )
    }

    /// How much of the limits is used up by all that the data user was shown, with this run: over
    /// these people, and over other nodes that each have people like all here. What differs by next
    /// to nothing is left to the judgement of the run.
    fn used_over_all(&self, candidate: &[usize]) -> f64 {
        let others = self.others.get_or_init(|| {
            let everybody: Vec<usize> = (0..self.draft.people.len()).collect();
            self.shown_with(&everybody).gram(self.draft.threads)
        });
        let own = self.shown_with(candidate);
        let mut gram = own.gram(self.draft.threads);
        (2..self.draft.nodes).for_each(|_| gram.add(others));
        self.score(&judge_by(
            &own,
            &Basis::exact(&gram).settled(),
            self.draft.limits,
            self.draft.threads,
        ))
    }

    /// All that the data user was shown, with this run over these people.
    fn shown_with(&self, places: &[usize]) -> Rows {
        let (reader, numbers) = (self.draft.reader, self.numbers(places));
        reader.rows(&reader.distinct(|_| true), &numbers, &self.added(places))
    }

    fn numbers(&self, places: &[usize]) -> Vec<u64> {
        places
            .iter()
            .map(|place| self.draft.people[*place])
            .collect()
    }

    /// The run's own columns over these people.
    fn added(&self, places: &[usize]) -> Vec<Vec<f64>> {
        let ones = vec![1.0; places.len()];
        let values = self
            .draft
            .variables
            .iter()
            .map(|(_, values)| standard(places.iter().map(|place| values[*place])));
        std::iter::once(ones).chain(values).collect()
    }

    fn judge_rows(&self, rows: &Rows) -> Finding {
        judge(rows, self.draft.limits, self.draft.threads)
    }
}

/// Values with mean 0 and deviation 1, as far as they differ.
fn standard(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let deviation = (values
        .clone()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count)
        .sqrt();
    values
        .map(|value| {
            if deviation > 0.0 {
                (value - mean) / deviation
            } else {
                0.0
            }
        })
        .collect()
}
