//! The protocol of the node crate, played in memory: real ledgers, choice of people, matrices,
//! softening, judgement and histograms; no masks and no network. It follows `serve/node_run.rs`,
//! `serve/account.rs`, `run/federated/account.rs` and `gwas/columns.rs` step by step and decides
//! nothing by itself. It lacks the rule of nested logistic studies (`serve/nested.rs`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ligate_analysis::codes;
use ligate_disclosure::{
    ACCOUNT_COLUMNS_MAX, Account, Change, ColumnId, DataUser, Draft, Exact, Exported, ForExport,
    Ledger, NewColumn, Run, Witness, WitnessError, choose, rosters,
    span::{Basis, Frame, Gram, Limits, Rotation, Rows, Search, fraction_bits, judge_by},
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

const SITE_MIN: usize = 20;
const PEOPLE_MIN: usize = 100;
const CELL: f64 = 10.0;

/// Whom a job speaks of (`ligate_access::PeopleRule`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// Everybody; missing values are filled.
    Filled,
    /// Those with all values of the plan.
    Complete,
    /// Those with all values of the plan and of so many variables that the permit names.
    AllVariables(usize),
}

/// What a data user asks.
#[derive(Clone, Debug)]
pub struct Job {
    pub user: usize,
    /// Whether it is signed with the user's other key, or under his other name.
    pub other_form: bool,
    pub plan: Plan,
    pub people: People,
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
    /// What missing values of the plan's variables counted as in earlier runs of anybody.
    fills: Vec<Option<f64>>,
    people: Vec<usize>,
    numbers: Vec<u64>,
    values: Vec<Vec<f64>>,
    left_out: usize,
}

fn digest(what: &str, number: u64) -> Digest {
    Digest::of(what, &number.to_le_bytes())
}

/// The result of a job.
fn result_of(job: Digest) -> Digest {
    Digest::of("result", job.as_bytes())
}

/// A data user as a permit names him: users with even numbers have two keys, the others two names.
fn user(job: &Job) -> DataUser {
    let (number, other) = (job.user as u8, job.other_form);
    let key = if other && number.is_multiple_of(2) {
        number + 200
    } else {
        number + 100
    };
    let title = if other && !number.is_multiple_of(2) {
        "Professor"
    } else {
        "User"
    };
    DataUser::new(&format!("{title} {number}"), &[key; 32])
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
        Self {
            ledgers,
            numbers,
            jobs: 0,
            threads: 1,
            _folder: folder,
        }
    }

    /// Something of a run leaves the environment, where the nodes find nothing against it
    /// (`serve/node_export.rs`): the exported account with this run and the other data user's own
    /// account with it are judged over the run's nodes.
    pub fn export(&self, shown: &mut Shown) {
        let ledgers: Vec<&Ledger> = shown
            .job
            .roster
            .iter()
            .map(|node| &self.ledgers[*node])
            .collect();
        let books: Result<Vec<ForExport>, _> = ledgers
            .iter()
            .map(|ledger| ledger.for_export(shown.id, result_of(shown.id)))
            .collect();
        let Ok(books) = books else { return };
        let hides_nodes = |account: usize| {
            let of_node = books.iter().filter_map(|books| books.accounts.get(account));
            let all: Vec<Vec<Digest>> = of_node
                .flat_map(|account| account.rosters.clone())
                .collect();
            let reader = if account == 0 {
                rosters::Observer::AnyNode
            } else {
                rosters::Observer::Outsider
            };
            rosters::check(&all, reader).is_ok()
        };
        let accounts = books
            .iter()
            .map(|books| books.accounts.len())
            .max()
            .unwrap_or(0);
        let holds = |account: usize| self.admit_account(&books, account).is_ok();
        if !(0..accounts).all(|account| hides_nodes(account) && holds(account)) {
            return;
        }
        for (ledger, books) in ledgers.iter().zip(&books) {
            let exported = Exported {
                content: digest("content", 0),
                variants: 1,
                strength: Exact(1.0),
                keys: Vec::new(),
                when: now(),
            };
            ledger.mark_exported(shown.id, books, exported).unwrap();
        }
        shown.exported = true;
    }

    /// Judges one of the accounts that an export adds to.
    fn admit_account(&self, books: &[ForExport], account: usize) -> Result<[f64; 2], String> {
        let ids: BTreeSet<ColumnId> = books
            .iter()
            .filter_map(|books| books.accounts.get(account))
            .flat_map(|of| &of.columns)
            .copied()
            .collect();
        let everything: Vec<&Account> = books.iter().map(|books| &books.everything).collect();
        let shown = distinct(&everything, |id| ids.contains(id));
        let rows = everything
            .iter()
            .map(|account| account.rows(&shown, &[], &[]))
            .collect();
        self.admit_rows(rows, 0, 0)
    }

    pub fn released(&self, shown: &Shown) {
        let result = result_of(shown.id);
        shown
            .job
            .roster
            .iter()
            .for_each(|node| self.ledgers[*node].mark_released(shown.id, result).unwrap());
    }

    /// Plays a run up to the opening of its sums over genotypes, or says why it was refused.
    pub fn run(&mut self, world: &World, job: &Job) -> Result<Shown, String> {
        self.jobs += 1;
        let id = digest("job", self.jobs);
        let sides = job
            .roster
            .iter()
            .map(|node| self.prepare(world, job, *node))
            .collect::<Result<Vec<_>, _>>()?;
        self.enter_run(job, id)?;
        self.check_rosters(job)?;
        check_people(&sides)?;
        let fills = fills(&sides, &job.plan);
        let values: Vec<Vec<Vec<f64>>> = sides.iter().map(|side| side.values.clone()).collect();
        let model = Model::fit(&job.plan, &values, &fills, CELL)?;
        let columns: Vec<Vec<Vec<f64>>> = values
            .iter()
            .map(|values| model.columns(&job.plan, values))
            .collect();
        let [leverage, share] = self.admit(&sides, &columns, 1 + job.plan.variables().count())?;
        let records = |columns: &Vec<Vec<f64>>| new_columns(world, &job.plan, &model, columns);
        for (side, columns) in sides.iter().zip(&columns) {
            let ledger = &self.ledgers[side.node];
            let judged = ledger.account(&user(job)).map_err(|e| e.to_string())?;
            let (numbers, columns) = (&side.numbers, records(columns));
            ledger
                .enter_columns(id, &judged, numbers, &columns, 1000)
                .map_err(|e| e.to_string())?;
        }
        let left_out = sides.iter().map(|side| side.left_out).sum();
        let people = sides.into_iter().map(|side| side.people).collect();
        Ok(Shown {
            job: job.clone(),
            people,
            values,
            model,
            left_out,
            exported: false,
            leverage,
            share,
            id,
        })
    }

    /// A run that lost a node before anything about genotypes was answered. The stewards close it,
    /// and the data user may go on without the lost node.
    pub fn lose_a_node(&mut self, job: &Job) -> Result<(), String> {
        self.jobs += 1;
        let id = digest("job", self.jobs);
        self.enter_run(job, id)?;
        for node in &job.roster {
            self.ledgers[*node]
                .close(id)
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// No node's own sum follows from what was exported of other rosters, by what all nodes of the
    /// run know.
    fn check_rosters(&self, job: &Job) -> Result<(), String> {
        let mut own: Vec<Digest> = job
            .roster
            .iter()
            .map(|node| Digest::from_bytes([*node as u8; 32]))
            .collect();
        own.sort();
        let exported = job
            .roster
            .iter()
            .flat_map(|node| self.ledgers[*node].exported_rosters().unwrap());
        let rosters: Vec<Vec<Digest>> = exported.chain([own.clone()]).collect();
        let checked = rosters::check(&rosters, rosters::Observer::Nodes(&own));
        checked.map_err(|_| "rosters: a node's own sum would follow".to_owned())
    }

    fn enter_run(&self, job: &Job, id: Digest) -> Result<(), String> {
        let run = Run {
            permit: digest("permit", job.user as u64),
            job: id,
            question: id,
            study: id,
            detail: digest("detail", 0),
            data_user: user(job),
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
        let account = ledger
            .account(&user(job))
            .map_err(|error| error.to_string())?;
        let shown = shown_of(ledger, world, &job.plan)?;
        let by_all = if job.people == People::Filled {
            &shown
        } else {
            &account
        };
        let mut eligible = world.present_at(node);
        let present = eligible.clone();
        let everybody: Vec<u64> = present.iter().map(|person| self.numbers[*person]).collect();
        ledger
            .note_departed(&"cohort".parse().unwrap(), &everybody)
            .map_err(|error| error.to_string())?;
        let departed = ledger.departed().map_err(|error| error.to_string())?;
        eligible.retain(|person| !departed.contains(&self.numbers[*person]));
        let own = |variable: usize| (variable, without_codes(world, &present, variable));
        let own: BTreeMap<usize, BTreeMap<usize, f64>> = job.plan.variables().map(own).collect();
        let value = |variable: usize, person: usize| own[&variable].get(&person).copied();
        let has =
            |variable: usize, person: &usize| world.variables[variable].values[*person].is_some();
        match job.people {
            People::Filled => {}
            People::Complete => {
                eligible.retain(|person| job.plan.variables().all(|of| has(of, person)))
            }
            People::AllVariables(count) => {
                eligible.retain(|person| {
                    job.plan
                        .variables()
                        .chain(0..count)
                        .all(|of| has(of, person))
                });
            }
        }
        let numbers: Vec<u64> = eligible
            .iter()
            .map(|person| self.numbers[*person])
            .collect();
        let filled = |variable: usize| {
            let name = name(world, variable);
            let known: Vec<f64> = eligible
                .iter()
                .filter_map(|person| value(variable, *person))
                .collect();
            let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
            let fill = shown.fill(&name).unwrap_or(mean);
            (
                name,
                eligible
                    .iter()
                    .map(|person| value(variable, *person).unwrap_or(fill))
                    .collect(),
            )
        };
        let variables: Vec<(VariableName, Vec<f64>)> = job.plan.variables().map(filled).collect();
        let draft = Draft {
            people: &numbers,
            variables: &variables,
            reader: &account,
            nodes: job.roster.len(),
            people_min: SITE_MIN,
            limits: limits(),
            threads: self.threads,
        };
        let chosen = choose(ledger, by_all, &draft);
        let people: Vec<usize> = chosen.places.iter().map(|place| eligible[*place]).collect();
        if people.len() < SITE_MIN {
            return Err("gate: too few people at a node".to_owned());
        }
        let of_people = |variable| {
            people
                .iter()
                .map(|person| value(variable, *person).unwrap_or(f64::NAN))
                .collect()
        };
        let values = job.plan.variables().map(of_people).collect();
        let numbers = chosen.places.iter().map(|place| numbers[*place]).collect();
        let fills = job
            .plan
            .variables()
            .map(|variable| shown.fill(&name(world, variable)))
            .collect();
        Ok(Side {
            node,
            account,
            fills,
            people,
            numbers,
            values,
            left_out: chosen.left_out,
        })
    }

    /// The span rule over all nodes. Gives the largest leverage and share.
    fn admit(
        &self,
        sides: &[Side],
        columns: &[Vec<Vec<f64>>],
        plain: usize,
    ) -> Result<[f64; 2], String> {
        let accounts: Vec<&Account> = sides.iter().map(|side| &side.account).collect();
        let shown = distinct(&accounts, |_| true);
        let complete = |side: &Side| classes(side, &shown) == side.account.classes();
        assert!(
            sides.iter().all(complete),
            "a column of an account is not judged"
        );
        let rows = |(side, columns): (&Side, &Vec<Vec<f64>>)| {
            side.account.rows(&shown, &side.numbers, columns)
        };
        self.admit_rows(
            sides.iter().zip(columns).map(rows).collect(),
            shown.len(),
            plain,
        )
    }

    /// Judges the rows of all nodes. Columns from `first_new` on were not judged before; the first
    /// `plain` of them are 1 for everybody and values of variables.
    fn admit_rows(
        &self,
        rows: Vec<Rows>,
        first_new: usize,
        plain: usize,
    ) -> Result<[f64; 2], String> {
        let width = rows[0].columns();
        if width > ACCOUNT_COLUMNS_MAX {
            return Err("full: the account has too many columns".to_owned());
        }
        let rotation = Rotation::new(width, &[self.jobs as u8; 32]);
        let people: usize = rows.iter().map(Rows::people).sum();
        let own: Vec<Gram> = rows.iter().map(|rows| rows.gram(self.threads)).collect();
        let bits = fraction_bits(4 * people as u64, width);
        let (mut found, mut ranks) = ([0.0_f64; 2], BTreeSet::new());
        for without in 0..rows.len() {
            let gram = sum_without(&own, without, &rotation, bits);
            ranks.insert(gram.rank_of(first_new, plain));
            let basis = self.basis(&rows, &own, &gram, without, bits)?;
            let share = self.judge_without(&rows, without, basis, first_new, &mut found)?;
            found[1] = found[1].max(share);
        }
        if ranks.len() > 1 {
            return Err("ranks: a variable has values at one node only".to_owned());
        }
        Ok(found)
    }

    /// The basis of the sum without a node, from one softened sum, or from two where one is not
    /// precise enough.
    fn basis(
        &self,
        rows: &[Rows],
        own: &[Gram],
        gram: &Gram,
        without: usize,
        bits: u32,
    ) -> Result<Basis, String> {
        let holds = |(node, own): (usize, &Gram)| node == without || gram.holds(own);
        if !own.iter().enumerate().all(holds) {
            return Err("holds: a sum does not hold a node's own part".to_owned());
        }
        let basis = Basis::new(gram, bits);
        let is_enough = |(node, rows): (usize, &Rows)| node == without || basis.is_enough_for(rows);
        if rows.iter().enumerate().all(is_enough) {
            return Ok(basis.settled());
        }
        let turned: Vec<Gram> = rows
            .iter()
            .map(|rows| basis.rows(rows, self.threads).gram(self.threads))
            .collect();
        let size = basis.rank();
        let again = sum_without(
            &turned,
            without,
            &Rotation::new(size, &[7; 32]),
            fraction_bits(1, size),
        );
        Ok(basis.refined(&again))
    }

    /// Judges everybody by the sum without a node. Gives the largest share of a group over several
    /// nodes.
    fn judge_without(
        &self,
        rows: &[Rows],
        without: usize,
        basis: Basis,
        first_new: usize,
        most: &mut [f64; 2],
    ) -> Result<f64, String> {
        let mut largest = Vec::new();
        for (_, rows) in rows.iter().enumerate().filter(|(node, _)| *node != without) {
            let found = judge_by(rows, &basis, limits(), self.threads);
            *most = [most[0].max(found.leverage), most[1].max(found.share)];
            if !found.passes() {
                return Err(format!(
                    "span: leverage {:.3}, share {:.3}",
                    found.leverage, found.share
                ));
            }
            largest.extend(found.largest);
        }
        largest.sort_by(|a: &f64, b: &f64| b.total_cmp(a));
        if largest.iter().take(limits().group).sum::<f64>() < limits().share {
            return Ok(0.0);
        }
        let frame = Frame::new(basis, &[without as u8; 32]);
        let share = climb(rows, without, &frame, first_new);
        if share > limits().share {
            Err("span: a group over several nodes".to_owned())
        } else {
            Ok(share)
        }
    }
}

/// A variable's known values at a node, by person, as `own_rows::without_codes` leaves them.
fn without_codes(world: &World, present: &[usize], variable: usize) -> BTreeMap<usize, f64> {
    let known = &world.variables[variable].values;
    let mut values: Vec<Option<f64>> = present.iter().map(|person| known[*person]).collect();
    codes::without_codes(&mut values);
    present
        .iter()
        .copied()
        .zip(values)
        .filter_map(|(person, value)| Some((person, value?)))
        .collect()
}

/// The fill of each variable: that of the first node that remembers one.
fn fills(sides: &[Side], plan: &Plan) -> Vec<Option<f64>> {
    let of_place = |place: usize| sides.iter().find_map(|side| side.fills[place]);
    (0..plan.variables().count()).map(of_place).collect()
}

/// What was shown to anybody of the plan's variables.
fn shown_of(ledger: &Ledger, world: &World, plan: &Plan) -> Result<Account, String> {
    let names: Vec<VariableName> = plan
        .variables()
        .map(|variable| name(world, variable))
        .collect();
    ledger
        .shown_of(&names.iter().collect::<Vec<_>>())
        .map_err(|error| error.to_string())
}

fn name(world: &World, variable: usize) -> VariableName {
    world.variables[variable].name.parse().unwrap()
}

fn check_people(sides: &[Side]) -> Result<(), String> {
    let people: usize = sides.iter().map(|side| side.people.len()).sum();
    if people < PEOPLE_MIN {
        Err("gate: too few people".to_owned())
    } else {
        Ok(())
    }
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

/// The wanted columns that are distinct over all nodes.
fn distinct(accounts: &[&Account], wanted: impl Fn(&ColumnId) -> bool) -> Vec<ColumnId> {
    let known: Vec<BTreeMap<ColumnId, u32>> = accounts
        .iter()
        .map(|account| {
            account
                .columns()
                .iter()
                .map(|column| (column.id, column.class))
                .collect()
        })
        .collect();
    let ids: BTreeSet<ColumnId> = known
        .iter()
        .flat_map(|account| account.keys().copied())
        .collect();
    let mut seen = BTreeSet::new();
    let new = |id: &ColumnId| {
        seen.insert(
            known
                .iter()
                .map(|account| account.get(id).copied())
                .collect::<Vec<_>>(),
        )
    };
    ids.into_iter().filter(wanted).filter(new).collect()
}

fn classes(side: &Side, shown: &[ColumnId]) -> usize {
    let shown: BTreeSet<&ColumnId> = shown.iter().collect();
    let judged = side
        .account
        .columns()
        .iter()
        .filter(|column| shown.contains(&column.id));
    judged
        .map(|column| column.class)
        .collect::<BTreeSet<_>>()
        .len()
}

/// A softened sum without a node, as the nodes are told it.
fn sum_without(own: &[Gram], without: usize, rotation: &Rotation, bits: u32) -> Gram {
    let mut sum = vec![0_u64; own[0].lower().len()];
    for (_, own) in own.iter().enumerate().filter(|(node, _)| *node != without) {
        let words = own.rotated(rotation).to_words(bits);
        sum.iter_mut()
            .zip(words)
            .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
    }
    Gram::from_words(own[0].size(), &sum, bits)
        .unwrap()
        .softened(&[9; 32])
        .rotated_back(rotation)
}

/// The largest share of a small group that a search over the nodes without one finds.
fn climb(rows: &[Rows], without: usize, frame: &Frame, first_new: usize) -> f64 {
    let mut search = Search::new(frame.starts(first_new), limits(), &[9; 32]);
    loop {
        let steps = search.steps();
        if steps.is_empty() {
            return search.share;
        }
        let mut answers = vec![0_u64; steps.len() * Frame::words(frame.rank())];
        for (_, rows) in rows.iter().enumerate().filter(|(node, _)| *node != without) {
            let own = steps.iter().flat_map(|step| frame.answer(rows, step));
            answers
                .iter_mut()
                .zip(own)
                .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
        }
        search.take(&answers);
    }
}
