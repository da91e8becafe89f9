//! How many studies a dataset takes until the span rule refuses one, at each door, and how rare a
//! variant may then be outside. Made people at three nodes with real ledgers; nobody leaves, every
//! study is over everybody.
//!
//!     cargo run --release -p ligate-disclosure --example usage -- [KIND] [PEOPLE ...]
//!     cargo run --release -p ligate-disclosure --example usage -- ledger PEOPLE COLUMNS
//!
//! KIND is how studies are called in the table, or how that begins: "linear", "logistic with Wald
//! tests, 4". The second form says how large a node's ledger is and what a check takes.
//!
//! Inside, one data user does all studies with the same covariates. Outside, twenty data users take
//! turns, each with age, sex and other covariates of his own choice, and all results are exported.
//! Leverages do not fall as columns are added, but for the softening of the sums, so the first
//! study that is refused is looked for by halving. Where a node finds a difference that its sum
//! does not show, it refuses; that is told beside, because no studies here differ so.

#[allow(dead_code, reason = "the random histories use more of it")]
#[path = "../../tests/histories/dice.rs"]
mod dice;
mod ledger_size;
mod nodes;
mod people;
mod study;

use std::{collections::BTreeMap, time::Instant};

use dice::Dice;
use ligate_disclosure::ACCOUNT_COLUMNS_MAX;
use nodes::{Door, Failure, Nodes, Verdict};
use people::{COVARIATES, People};
use study::{Study, Trait};

const SEED: u64 = 1;
const DATA_USERS: u64 = 20;
const SHOWN: [u64; 4] = [1, 10, 50, 100];

/// From so many people on, accounts stop at 100 studies; the first one, of linear studies inside,
/// only where it would take too long.
const MANY_PEOPLE: usize = 10_000;
const TOO_MANY_PEOPLE: usize = 100_000;

/// What is studied, with how many covariates.
const KINDS: [(Trait, usize); 8] = [
    (Trait::Normal, 4),
    (Trait::Normal, 10),
    (Trait::Raw, 4),
    (Trait::Raw, 10),
    (Trait::Disease, 4),
    (Trait::Disease, 10),
    (Trait::DiseaseWithWaldTests, 4),
    (Trait::DiseaseWithWaldTests, 10),
];

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1).peekable();
    let kind = words
        .next_if(|word| word.parse::<usize>().is_err())
        .unwrap_or_default();
    let numbers = words
        .map(|text| text.parse())
        .collect::<Result<Vec<usize>, _>>()?;
    match numbers[..] {
        [people, columns] if kind == "ledger" => ledger_size::report(people, columns),
        _ if kind == "ledger" => Err("say: usage ledger PEOPLE COLUMNS".into()),
        [] => usage(&kind, &[200, 2_000, 20_000, 200_000]),
        _ => usage(&kind, &numbers),
    }
}

fn usage(kind: &str, sizes: &[usize]) -> Result<(), Failure> {
    let kinds: Vec<_> = KINDS
        .into_iter()
        .filter(|of| name(*of).starts_with(kind))
        .collect();
    if kinds.is_empty() {
        return Err(format!("no studies are called {kind}").into());
    }
    println!(
        "| people | studies, covariates | door | studies until refused | h after 1, 10, 50, 100 | p from | what was refused |"
    );
    println!("|---:|---|---|---:|---|---|---|");
    for size in sizes {
        let start = Instant::now();
        let people = People::new(*size, SEED);
        for kind in &kinds {
            for door in [Door::Inside, Door::Outside] {
                println!("{}", Usage::new(&people, *kind, door)?.row()?);
            }
        }
        eprintln!(
            "{size} people: {:.0} s, peak {} MB",
            start.elapsed().as_secs_f64(),
            peak_megabytes()
        );
    }
    Ok(())
}

/// How studies of a kind are called.
fn name((kind, covariates): (Trait, usize)) -> String {
    format!("{}, {covariates}", kind.name())
}

/// An account that is filled study by study.
struct Usage<'a> {
    people: &'a People,
    kind: Trait,
    covariates: usize,
    door: Door,
    nodes: Nodes,
    entered: u64,
    judged: BTreeMap<u64, Verdict>,
}

impl<'a> Usage<'a> {
    fn new(
        people: &'a People,
        (kind, covariates): (Trait, usize),
        door: Door,
    ) -> Result<Self, Failure> {
        let nodes = Nodes::new(&people.sizes)?;
        Ok(Self {
            people,
            kind,
            covariates,
            door,
            nodes,
            entered: 0,
            judged: BTreeMap::new(),
        })
    }

    fn row(mut self) -> Result<String, Failure> {
        let (passed, refused) = self.first_refused()?;
        let each = |of: fn(f64) -> String| -> String {
            let text = |studies| {
                self.judged
                    .get(&studies)
                    .map_or("-".to_owned(), |found| of(found.leverage))
            };
            SHOWN.map(text).join(", ")
        };
        let (until, why) = match refused {
            Some(studies) => (
                studies.to_string(),
                self.judged[&studies].refused.unwrap_or_default(),
            ),
            None if passed == self.room() => (format!("more than {passed}"), "the account is full"),
            None => (format!("more than {passed}"), "not tried further"),
        };
        let frequencies = if self.door == Door::Outside {
            each(frequency)
        } else {
            String::new()
        };
        Ok(format!(
            "| {} | {} | {:?} | {until} | {} | {frequencies} | {why} |",
            self.people.count(),
            name((self.kind, self.covariates)),
            self.door,
            each(|leverage| format!("{leverage:.4}")),
        ))
    }

    /// A number of studies that pass, and a number with which the span rule refuses, if it does
    /// before the account is full.
    fn first_refused(&mut self) -> Result<(u64, Option<u64>), Failure> {
        let full = self.studies_max();
        let (mut passed, mut steps) = (0, SHOWN.into_iter().chain([200, 300, full]));
        let mut refused = loop {
            let Some(next) = steps.next().map(|studies| studies.min(full)) else {
                return Ok((passed, None));
            };
            if self.passes(next)? {
                passed = next;
            } else {
                break next;
            }
        };
        while refused - passed > 1 {
            let middle = passed.midpoint(refused);
            if self.passes(middle)? {
                passed = middle;
            } else {
                refused = middle;
            }
        }
        Ok((passed, Some(refused)))
    }

    fn passes(&mut self, studies: u64) -> Result<bool, Failure> {
        if let Some(known) = self.judged.get(&studies) {
            return Ok(known.refused.is_none());
        }
        while self.entered < studies {
            let study = self.study(self.entered);
            self.nodes.enter(&study, &study.columns(self.people))?;
            self.entered += 1;
        }
        let start = Instant::now();
        let found = self.nodes.judge(self.door, studies)?;
        eprintln!(
            "{studies} studies, {} columns: h {:.4}, {} second sums, {} searches, {}, {:.1} s",
            found.columns,
            found.leverage,
            found.second_sums,
            found.searches,
            found.refused.unwrap_or("passes"),
            start.elapsed().as_secs_f64()
        );
        self.judged.insert(studies, found);
        Ok(found.refused.is_none())
    }

    fn study(&self, number: u64) -> Study {
        let user = match self.door {
            Door::Inside => 0,
            Door::Outside => number % DATA_USERS,
        };
        let covariates = match self.door {
            Door::Inside => (0..self.covariates).collect(),
            Door::Outside => choice(user, self.covariates),
        };
        Study {
            number,
            user,
            covariates,
            of: self.kind,
        }
    }

    /// Studies that are tried: as many as an account has room for.
    fn studies_max(&self) -> u64 {
        let room = self.room();
        let first = (self.kind, self.covariates) == KINDS[0] && self.door == Door::Inside;
        let bound = if first { TOO_MANY_PEOPLE } else { MANY_PEOPLE };
        if self.people.count() >= bound {
            room.min(SHOWN[3])
        } else {
            room
        }
    }

    /// Studies that fit into an account.
    fn room(&self) -> u64 {
        let common = match self.door {
            Door::Inside => 1 + self.covariates,
            Door::Outside => 1 + COVARIATES,
        };
        let each = self.kind.columns(self.covariates);
        // A new study counts with all its columns, also those that were shown before.
        let last = 1 + self.covariates + each;
        ((ACCOUNT_COLUMNS_MAX - common - last) / each + 1) as u64
    }
}

/// Age, sex and others by a data user's own choice.
fn choice(user: u64, count: usize) -> Vec<usize> {
    let mut dice = Dice::new(1000 + user);
    let mut all: Vec<usize> = (0..COVARIATES).collect();
    for place in 2..count {
        all.swap(place, place + dice.below(COVARIATES - place));
    }
    all.truncate(count);
    all
}

/// The lowest frequency of an allele whose effects may leave at this leverage: 2p(1-p) >= h /
/// (1-h).
fn frequency(leverage: f64) -> String {
    let least = leverage / (1.0 - leverage);
    if least > 0.5 {
        "none".to_owned()
    } else {
        format!("{:.4}", (1.0 - (1.0 - 2.0 * least).sqrt()) / 2.0)
    }
}

/// Of this process so far.
pub fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024 / 1_000_000
}
