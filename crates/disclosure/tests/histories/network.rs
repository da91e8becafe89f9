//! The protocol of the node crate, played in memory: real ledgers, choice of people, matrices, softening, judgement and
//! histograms; no masks and no network. It follows `serve/node_run.rs`, `serve/account.rs`, `run/federated/account.rs`
//! and `gwas/columns.rs` step by step and decides nothing by itself.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ligate_disclosure::{
    ACCOUNT_COLUMNS_MAX, Account, Change, ColumnId, DataUser, Draft, Exact, Exported, Ledger, NewColumn, Run,
    Witness, WitnessError, choose,
    span::{Gram, HISTOGRAM_WORDS, Limits, Rotation, Rows, fraction_bits, histogram, judge, top_share},
};
use ligate_model::{Digest, IndividualId, VariableName};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{
    model::{Model, Plan},
    world::World,
};

/// An audit log of one line.
#[derive(Default)]
struct Noted(Mutex<Option<Digest>>);

impl Witness for Noted {
    fn last(&self) -> Result<Option<Digest>, WitnessError> {
        Ok(*self.0.lock().unwrap())
    }

    fn note(&self, _: &Change, digest: Digest) -> Result<(), WitnessError> {
        *self.0.lock().unwrap() = Some(digest);
        Ok(())
    }
}

const SUSPECTS_MAX: usize = 16;
const SITE_MIN: usize = 20;
const PEOPLE_MIN: usize = 100;
const CELL: f64 = 10.0;

/// What a data user asks.
#[derive(Clone, Debug)]
pub struct Job {
    pub user: usize,
    pub plan: Plan,
    /// Only people with all values; otherwise missing ones are filled.
    pub complete: bool,
    /// Ascending.
    pub roster: Vec<usize>,
}

/// A run whose sums over genotypes were opened.
pub struct Shown {
    pub job: Job,
    /// The people of each node of the roster.
    pub people: Vec<Vec<usize>>,
    /// Values of the plan's variables for these people as they were, missing ones not a number.
    pub values: Vec<Vec<Vec<f64>>>,
    pub model: Model,
    pub left_out: usize,
    pub exported: bool,
    /// The largest leverage and share that the nodes found.
    pub leverage: f64,
    pub share: f64,
    id: Digest,
}

pub struct Network {
    ledgers: Vec<Ledger>,
    numbers: Vec<u64>,
    jobs: u64,
    pub threads: usize,
    _folder: tempfile::TempDir,
}

/// One node in a run.
struct Side {
    node: usize,
    account: Account,
    people: Vec<usize>,
    numbers: Vec<u64>,
    values: Vec<Vec<f64>>,
    left_out: usize,
}

fn digest(what: &str, number: u64) -> Digest {
    Digest::of(what, &number.to_le_bytes())
}

fn user(number: usize) -> DataUser {
    DataUser::new(&format!("User {number}"), &[number as u8 + 100; 32])
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

pub fn limits() -> Limits {
    Limits::of_cell(CELL as u64)
}

impl Network {
    pub fn new(world: &World, seed: u64) -> Self {
        let folder = match std::path::Path::new("/dev/shm") {
            memory if memory.is_dir() => tempfile::tempdir_in(memory),
            _ => tempfile::tempdir(),
        };
        let folder = folder.unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let open = |node: usize| {
            let path = folder.path().join(node.to_string());
            std::fs::create_dir(&path).unwrap();
            Ledger::open(&path, &mut rng, Arc::new(Noted::default())).unwrap()
        };
        let ledgers: Vec<Ledger> = (0..world.nodes).map(open).collect();
        let number = |person: usize| {
            let id = IndividualId::new(format!("P{person}")).unwrap();
            ledgers[world.home[person]].number(&id)
        };
        let numbers = (0..world.people()).map(number).collect();
        Self { ledgers, numbers, jobs: 0, threads: 1, _folder: folder }
    }

    /// Something of a run leaves the environment, if the nodes find nothing against it: it is judged with all that was
    /// shown to anybody, as a registry's published counts are (`registry/alleles.rs`), because it is added to the
    /// account of everybody.
    pub fn export(&self, shown: &mut Shown) {
        let everything = |node: &usize| Side {
            node: *node,
            account: self.ledgers[*node].everything().unwrap(),
            people: Vec::new(),
            numbers: Vec::new(),
            values: Vec::new(),
            left_out: 0,
        };
        let sides: Vec<Side> = shown.job.roster.iter().map(everything).collect();
        let nothing = vec![Vec::new(); sides.len()];
        if self.admit(&sides, &nothing).is_ok() {
            let exported = Exported {
                content: shown.id,
                variants: 0,
                strength: Exact(0.0),
                when: Timestamp::UNIX_EPOCH,
            };
            for (node, side) in shown.job.roster.iter().zip(&sides) {
                let books = self.ledgers[*node].for_export(shown.id, RESULT).unwrap();
                self.ledgers[*node].mark_exported(shown.id, &books, exported.clone()).unwrap();
            }
            shown.exported = true;
        }
    }

    pub fn released(&self, shown: &Shown) {
        let result = digest("result", self.jobs);
        shown.job.roster.iter().for_each(|node| self.ledgers[*node].mark_released(shown.id, result).unwrap());
    }

    /// Plays a run up to the opening of its sums over genotypes, or says why it was refused.
    pub fn run(&mut self, world: &World, job: &Job) -> Result<Shown, String> {
        self.jobs += 1;
        let id = digest("job", self.jobs);
        let sides =
            job.roster.iter().map(|node| self.prepare(world, job, *node)).collect::<Result<Vec<_>, _>>()?;
        self.enter_run(job, id)?;
        check_people(&sides)?;
        let fills = fills(world, &sides, &job.plan);
        let values: Vec<Vec<Vec<f64>>> = sides.iter().map(|side| side.values.clone()).collect();
        let model = Model::fit(&job.plan, &values, &fills, CELL)?;
        let columns: Vec<Vec<Vec<f64>>> =
            values.iter().map(|values| model.columns(&job.plan, values)).collect();
        let [leverage, share] = self.admit(&sides, &columns)?;
        let records = |columns: &Vec<Vec<f64>>| new_columns(world, &job.plan, &model, columns);
        for (side, columns) in sides.iter().zip(&columns) {
            let ledger = &self.ledgers[side.node];
            let judged = ledger.account(&user(job.user)).map_err(|e| e.to_string())?;
            ledger.enter_columns(id, &judged, &side.numbers, &records(columns)).map_err(|e| e.to_string())?;
        }
        let left_out = sides.iter().map(|side| side.left_out).sum();
        let people = sides.into_iter().map(|side| side.people).collect();
        Ok(Shown { job: job.clone(), people, values, model, left_out, exported: false, leverage, share, id })
    }

    fn enter_run(&self, job: &Job, id: Digest) -> Result<(), String> {
        let run = Run {
            permit: digest("permit", job.user as u64),
            job: id,
            question: id,
            study: id,
            detail: digest("detail", 0),
            data_user: user(job.user),
            dataset: "cohort".parse().unwrap(),
            roster: job.roster.iter().map(|node| [*node as u8; 32]).collect(),
            snapshot: digest("snapshot", 0),
        };
        let (check, mark) = (Ledger::check, Ledger::mark_opened);
        job.roster
            .iter()
            .try_for_each(|node| check(&self.ledgers[*node], &run))
            .map_err(|e| e.to_string())?;
        job.roster
            .iter()
            .try_for_each(|node| mark(&self.ledgers[*node], &run, now()))
            .map_err(|e| e.to_string())
    }

    /// Chooses a node's people.
    fn prepare(&self, world: &World, job: &Job, node: usize) -> Result<Side, String> {
        let ledger = &self.ledgers[node];
        let account = ledger.account(&user(job.user)).map_err(|error| error.to_string())?;
        let mut eligible = world.present_at(node);
        let value = |variable: usize, person: usize| world.variables[variable].values[person];
        if job.complete {
            eligible.retain(|person| job.plan.variables().all(|variable| value(variable, *person).is_some()));
        }
        let numbers: Vec<u64> = eligible.iter().map(|person| self.numbers[*person]).collect();
        let filled = |variable: usize| {
            let name = name(world, variable);
            let known: Vec<f64> = eligible.iter().filter_map(|person| value(variable, *person)).collect();
            let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
            let fill = account.fill(&name).unwrap_or(mean);
            (name, eligible.iter().map(|person| value(variable, *person).unwrap_or(fill)).collect())
        };
        let variables: Vec<(VariableName, Vec<f64>)> = job.plan.variables().map(filled).collect();
        let draft = Draft {
            people: &numbers,
            variables: &variables,
            people_min: SITE_MIN,
            limits: limits(),
            threads: self.threads,
        };
        let chosen = choose(ledger, &account, &draft);
        let people: Vec<usize> = chosen.places.iter().map(|place| eligible[*place]).collect();
        if people.len() < SITE_MIN {
            return Err("gate: too few people at a node".to_owned());
        }
        let of_people =
            |variable| people.iter().map(|person| value(variable, *person).unwrap_or(f64::NAN)).collect();
        let values = job.plan.variables().map(of_people).collect();
        let numbers = chosen.places.iter().map(|place| numbers[*place]).collect();
        Ok(Side { node, account, people, numbers, values, left_out: chosen.left_out })
    }

    /// The span rule over all nodes. Gives the largest leverage and share.
    fn admit(&self, sides: &[Side], columns: &[Vec<Vec<f64>>]) -> Result<[f64; 2], String> {
        let shown = distinct(sides);
        let width = shown.len() + columns[0].len();
        if width > ACCOUNT_COLUMNS_MAX {
            return Err("full: the account has too many columns".to_owned());
        }
        let complete = |side: &Side| classes(side, &shown) == side.account.classes();
        assert!(sides.iter().all(complete), "a column of an account is not judged");
        let rotation = Rotation::new(width, &[self.jobs as u8; 32]);
        let rows: Vec<Rows> = sides
            .iter()
            .zip(columns)
            .map(|(side, columns)| side.account.rows(&shown, &side.numbers, columns))
            .collect();
        let people: usize = rows.iter().map(Rows::people).sum();
        let grams = grams(&rows, &rotation, fraction_bits(4 * people as u64, width), self.threads);
        let mut found = [0.0_f64; 2];
        let mut suspects = Vec::new();
        for (own, rows) in rows.iter().enumerate() {
            let [leverage, share] = self.judge_side(own, rows, &grams, &rotation, &mut suspects)?;
            found = [found[0].max(leverage), found[1].max(share)];
        }
        let share = suspects.iter().map(|suspect| share_without_each(&rows, suspect)).fold(0.0, f64::max);
        if share > limits().share {
            return Err("span: a group over several nodes".to_owned());
        }
        Ok([found[0], found[1].max(share)])
    }

    fn judge_side(
        &self,
        own: usize,
        rows: &Rows,
        grams: &[Gram],
        rotation: &Rotation,
        suspects: &mut Vec<Vec<f64>>,
    ) -> Result<[f64; 2], String> {
        let suspect_from = 0.9 / (grams.len() - 1) as f64;
        let own_gram = rows.gram(self.threads);
        let mut most = [0.0_f64; 2];
        let mut named = 0;
        for (_, gram) in grams.iter().enumerate().filter(|(without, _)| *without != own) {
            let gram = gram.rotated_back(rotation);
            if !gram.holds(&own_gram) {
                return Err("holds: a sum does not hold the node's own part".to_owned());
            }
            let found = judge(rows, &gram, limits(), suspect_from, self.threads);
            most = [most[0].max(found.leverage), most[1].max(found.share)];
            if found.worst.is_some() {
                return Err(format!("span: leverage {:.3}, share {:.3}", found.leverage, found.share));
            }
            for (_, suspect) in found.suspects.into_iter().take(SUSPECTS_MAX - named) {
                named += 1;
                suspects.push(suspect);
            }
        }
        Ok(most)
    }
}

/// The fill of each variable: that of the first node that remembers one.
fn fills(world: &World, sides: &[Side], plan: &Plan) -> Vec<Option<f64>> {
    let of_variable = |variable: usize| {
        let name = name(world, variable);
        sides.iter().find_map(|side| side.account.fill(&name))
    };
    plan.variables().map(of_variable).collect()
}

fn name(world: &World, variable: usize) -> VariableName {
    world.variables[variable].name.parse().unwrap()
}

fn check_people(sides: &[Side]) -> Result<(), String> {
    let people: usize = sides.iter().map(|side| side.people.len()).sum();
    if people < PEOPLE_MIN { Err("gate: too few people".to_owned()) } else { Ok(()) }
}

fn new_columns(world: &World, plan: &Plan, model: &Model, columns: &[Vec<f64>]) -> Vec<NewColumn> {
    let roles = plan.roles();
    let new = |(place, (role, variable)): (usize, &(&str, Option<usize>))| {
        let scaling = variable.and_then(|variable| model.units(plan, role, variable));
        let (centre, unit, fill) = scaling.map_or((0.0, 1.0, None), |(c, u, f)| (c, u, Some(f)));
        NewColumn {
            role: (*role).to_owned(),
            variable: variable.map(|variable| name(world, variable)),
            values: (place > 0).then(|| columns[place].clone()),
            centre,
            unit,
            fill,
        }
    };
    roles.iter().enumerate().map(new).collect()
}

/// The columns that are distinct over all nodes.
fn distinct(sides: &[Side]) -> Vec<ColumnId> {
    let known: Vec<std::collections::BTreeMap<ColumnId, u32>> = sides
        .iter()
        .map(|side| side.account.columns().iter().map(|column| (column.id, column.class)).collect())
        .collect();
    let ids: BTreeSet<ColumnId> = known.iter().flat_map(|account| account.keys().copied()).collect();
    let mut seen = BTreeSet::new();
    let new =
        |id: &ColumnId| seen.insert(known.iter().map(|account| account.get(id).copied()).collect::<Vec<_>>());
    ids.into_iter().filter(new).collect()
}

fn classes(side: &Side, shown: &[ColumnId]) -> usize {
    let shown: BTreeSet<&ColumnId> = shown.iter().collect();
    let judged = side.account.columns().iter().filter(|column| shown.contains(&column.id));
    judged.map(|column| column.class).collect::<BTreeSet<_>>().len()
}

/// The softened sums, one without each node, as the nodes are told them.
fn grams(rows: &[Rows], rotation: &Rotation, bits: u32, threads: usize) -> Vec<Gram> {
    let words: Vec<Vec<u64>> =
        rows.iter().map(|rows| rows.gram(threads).rotated(rotation).to_words(bits)).collect();
    let without = |left_out: usize| {
        let mut sum = vec![0_u64; words[0].len()];
        for (_, own) in words.iter().enumerate().filter(|(node, _)| *node != left_out) {
            sum.iter_mut().zip(own).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
        }
        Gram::from_words(rows[0].columns(), &sum, bits).unwrap().softened(&[9; 32])
    };
    (0..rows.len()).map(without).collect()
}

/// The largest share of a small group over the nodes without each one.
fn share_without_each(rows: &[Rows], suspect: &[f64]) -> f64 {
    let own: Vec<Vec<u64>> = rows.iter().map(|rows| histogram(rows, suspect)).collect();
    let without = |left_out: usize| {
        let mut sum = vec![0_u64; HISTOGRAM_WORDS];
        for (_, own) in own.iter().enumerate().filter(|(node, _)| *node != left_out) {
            sum.iter_mut().zip(own).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
        }
        top_share(&sum, limits().group)
    };
    (0..rows.len()).map(without).fold(0.0, f64::max)
}
