//! One history: made nodes, data users who try things, people who come and go; and what readers
//! make of it.

use std::collections::BTreeSet;

use super::{
    attacker::{Loot, Observer, attack, released},
    dice::Dice,
    model::Plan,
    network::{Job, Network, People, Shown},
    world::World,
};

/// What became of a history.
#[derive(Debug, Default)]
pub struct Outcome {
    pub admitted: usize,
    /// Refusals by their first word.
    pub refused: Vec<String>,
    pub left_out: usize,
    /// What a reader (a data user, everybody by what was exported) found at most.
    pub loot: Loot,
    /// The largest leverage and share that the nodes found in an admitted run.
    pub judged: [f64; 2],
    pub notes: Vec<String>,
}

struct History {
    dice: Dice,
    world: World,
    network: Network,
    shown: Vec<Shown>,
    rosters: Vec<Vec<usize>>,
    /// Data users who asked for something.
    asked: BTreeSet<usize>,
    /// How likely something happens between two runs.
    unrest: f64,
    outcome: Outcome,
}

pub fn play(seed: u64, effort: usize) -> Outcome {
    let mut dice = Dice::new(seed);
    let nodes = dice.within(3, 5);
    let mut sizes: Vec<usize> = (0..nodes)
        .map(|_| dice.pick(&[40, 60, 90, 150, 400]) + dice.below(20))
        .collect();
    if dice.chance(0.1) {
        // One has nearly everybody, and can subtract them.
        sizes[dice.below(nodes)] = 1500;
    }
    let world = World::new(&mut dice, &sizes, 12);
    let network = Network::new(&world, seed);
    let users = dice.pick(&[1, 2, 2, 2, 3]);
    let rosters = rosters(&mut dice, nodes, users);
    let outcome = Outcome {
        notes: vec![format!("nodes {sizes:?}, rosters {rosters:?}")],
        ..Outcome::default()
    };
    let unrest = dice.pick(&[0.2, 0.5, 0.5, 0.9]);
    let mut history = History {
        dice,
        world,
        network,
        shown: Vec::new(),
        rosters,
        asked: BTreeSet::new(),
        unrest,
        outcome,
    };
    history.make_variables();
    let steps = history.dice.pick(&[3, 4, 6, 8, 8, 10, 12, 16]);
    for _ in 0..steps {
        if history.dice.chance(history.unrest) {
            history.happen();
        }
        history.try_run();
    }
    history.read(effort)
}

/// The nodes of each data user: mostly all.
fn rosters(dice: &mut Dice, nodes: usize, users: usize) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..nodes).collect();
    let of_user = |dice: &mut Dice| {
        let mut roster = if dice.chance(0.8) {
            all.clone()
        } else {
            let count = dice.within(3, nodes);
            dice.some(&all, count)
        };
        roster.sort_unstable();
        roster
    };
    (0..users).map(|_| of_user(dice)).collect()
}

impl History {
    fn make_variables(&mut self) {
        let (dice, world) = (&mut self.dice, &mut self.world);
        let missing = |dice: &mut Dice| dice.pick(&[0.0, 0.0, 0.002, 0.01, 0.03, 0.1]);
        for _ in 0..dice.within(2, 4) {
            let (tail, missing) = (dice.chance(0.3), missing(dice));
            world.add_continuous(dice, missing, tail);
        }
        let (common, rare) = (0.2 + 0.5 * dice.uniform(), 0.01 + 0.06 * dice.uniform());
        let missing = missing(dice);
        world.add_binary(dice, common, missing);
        world.add_binary(dice, rare, 0.0);
        let everybody = world.everybody();
        let carriers = dice.within(1, 30);
        let somewhere = somewhere(dice, world, &everybody);
        let carriers = dice.some(&somewhere, carriers);
        world.add_carriers(&carriers);
        for _ in 0..dice.within(2, 5) {
            self.outcome.notes.push(make_copy(dice, world));
        }
        if dice.chance(0.5) {
            // Some join later.
            let count = dice.within(1, 20);
            dice.some(&everybody, count)
                .into_iter()
                .for_each(|person| world.present[person] = false);
        }
    }

    /// What happens between runs.
    fn happen(&mut self) {
        let (dice, world) = (&mut self.dice, &mut self.world);
        let everybody = world.everybody();
        let somewhere = somewhere(dice, world, &everybody);
        let count = dice.pick(&[1, 1, 2, 3, 5, 12]);
        let some = dice.some(&somewhere, count);
        let variable = dice.below(world.variables.len());
        let what = dice.below(7);
        match what {
            0 | 1 => some
                .iter()
                .for_each(|person| world.present[*person] = false),
            2 => {
                // Some come back, or come for the first time.
                let absent: Vec<usize> = (0..world.people())
                    .filter(|person| !world.present[*person])
                    .collect();
                dice.some(&absent, count)
                    .into_iter()
                    .for_each(|person| world.present[person] = true);
            }
            3 => {
                let change = dice.pick(&[0.25, 1.0, 1e-3]);
                let binary = world.variables[variable].binary;
                for person in &some {
                    let value = &mut world.variables[variable].values[*person];
                    *value = value.map(|value| if binary { 1.0 - value } else { value + change });
                }
            }
            // Values are withdrawn, or become known.
            4 => some
                .iter()
                .for_each(|person| world.variables[variable].values[*person] = None),
            5 => {
                let binary = world.variables[variable].binary;
                for value in world.variables[variable]
                    .values
                    .iter_mut()
                    .filter(|value| value.is_none())
                    .take(count)
                {
                    *value = Some(if binary {
                        f64::from(dice.chance(0.5))
                    } else {
                        dice.normal()
                    });
                }
            }
            _ => self.outcome.notes.push(make_copy(dice, world)),
        }
        self.outcome
            .notes
            .push(format!("happened: {what} to {count}"));
    }

    fn try_run(&mut self) {
        let job = self.draw_job();
        if self.asked.insert(job.user) && job.roster.len() > 3 && self.dice.chance(0.1) {
            self.lose_a_node(&job);
            return;
        }
        let asked = format!("{job:?}");
        match self.network.run(&self.world, &job) {
            Ok(mut shown) => {
                self.outcome.admitted += 1;
                self.outcome.left_out += shown.left_out;
                let judged = &mut self.outcome.judged;
                *judged = [judged[0].max(shown.leverage), judged[1].max(shown.share)];
                self.outcome.notes.push(format!(
                    "{asked}: admitted, leverage {:.3}, share {:.3}, {} left out",
                    shown.leverage, shown.share, shown.left_out
                ));
                // One of ten fails after its sums were opened; its reader may have seen them.
                if self.dice.chance(0.9) {
                    self.network.released(&shown);
                    if self.dice.chance(0.4) {
                        self.network.export(&mut shown);
                    }
                }
                self.shown.push(shown);
            }
            Err(reason) => {
                self.outcome.notes.push(format!("{asked}: {reason}"));
                self.outcome.refused.push(reason);
            }
        }
    }

    fn lose_a_node(&mut self, job: &Job) {
        match self.network.lose_a_node(job) {
            Ok(()) => {
                let lost = self.dice.pick(&job.roster);
                self.rosters[job.user].retain(|node| *node != lost);
                self.outcome
                    .notes
                    .push(format!("{job:?}: lost node {lost}"));
            }
            Err(reason) => self.outcome.refused.push(reason),
        }
    }

    /// A study; often an earlier one with one thing changed, as somebody would ask who looks for
    /// differences.
    fn draw_job(&mut self) -> Job {
        let earlier = (!self.shown.is_empty() && self.dice.chance(0.5))
            .then(|| self.dice.below(self.shown.len()));
        let mut job = match earlier {
            Some(place) => self.shown[place].job.clone(),
            None => self.new_job(),
        };
        let (dice, users) = (&mut self.dice, self.rosters.len());
        if earlier.is_some() {
            match dice.below(6) {
                0 => {}
                1 => job.user = dice.below(users),
                2 => job.people = people(dice),
                3 => {
                    job.plan.covariates.pop();
                }
                4 => job
                    .plan
                    .covariates
                    .push(dice.below(self.world.variables.len())),
                _ => job.plan.trait_ = dice.below(self.world.variables.len()),
            }
        }
        job.roster.clone_from(&self.rosters[job.user]);
        job.other_form = dice.chance(0.3);
        let trait_ = job.plan.trait_;
        job.plan.covariates.retain(|covariate| *covariate != trait_);
        job.plan.covariates.sort_unstable();
        job.plan.covariates.dedup();
        job.plan.baseline = dice.chance(0.15);
        // Also where the ledger would refuse another --wald-below: the span rule must hold without
        // that.
        job.plan.wald = dice.chance(0.3);
        job.plan.logistic = self.world.variables[trait_].binary && dice.chance(0.8);
        job
    }

    fn new_job(&mut self) -> Job {
        let (dice, variables) = (&mut self.dice, self.world.variables.len());
        let covariates = (0..dice.below(5)).map(|_| dice.below(variables)).collect();
        let trait_ = dice.below(variables);
        let plan = Plan {
            covariates,
            trait_,
            logistic: false,
            wald: false,
            baseline: false,
        };
        let user = dice.below(self.rosters.len());
        Job {
            user,
            other_form: false,
            plan,
            people: people(dice),
            roster: Vec::new(),
        }
    }

    /// Each data user, and somebody outside who has what was exported; each also as the steward of
    /// one of the nodes.
    fn read(mut self, effort: usize) -> Outcome {
        for reader in self.readers() {
            let loot = attack(&self.world, &reader, &mut self.dice, effort);
            let worst = std::mem::take(&mut self.outcome.loot);
            if loot.badness() >= worst.badness() {
                let homes: Vec<usize> = loot
                    .group
                    .iter()
                    .map(|person| self.world.home[*person])
                    .collect();
                self.outcome
                    .notes
                    .push(format!("{}: {loot:?} at {homes:?}", reader.name));
            }
            self.outcome.loot = worst.with(loot);
        }
        self.outcome
    }

    fn readers(&self) -> Vec<Observer> {
        let mut readers = Vec::new();
        for (user, nodes) in self.rosters.iter().enumerate() {
            let sees = |run: &&Shown| run.exported || run.job.user == user;
            let runs = self
                .shown
                .iter()
                .filter(sees)
                .map(|run| released(&self.world, run))
                .collect();
            let knows = std::iter::once(None)
                .chain(nodes.iter().copied().map(Some))
                .collect();
            readers.push(Observer {
                name: format!("user {user}"),
                runs,
                knows,
            });
        }
        // More sums tell at least as much: a data user with all nodes reads all that was exported.
        let all = 0..self.world.nodes;
        if self
            .rosters
            .iter()
            .any(|roster| roster.len() == self.world.nodes)
        {
            return readers;
        }
        let exported = self.shown.iter().filter(|run| run.exported);
        let runs = exported.map(|run| released(&self.world, run)).collect();
        let knows = std::iter::once(None).chain(all.map(Some)).collect();
        readers.push(Observer {
            name: "everybody".to_owned(),
            runs,
            knows,
        });
        readers
    }
}

fn people(dice: &mut Dice) -> People {
    match dice.below(10) {
        0..=2 => People::Complete,
        3 => People::AllVariables(dice.within(2, 5)),
        _ => People::Filled,
    }
}

/// Everybody, or the people of one node.
fn somewhere(dice: &mut Dice, world: &World, everybody: &[usize]) -> Vec<usize> {
    let node = dice.below(world.nodes);
    let at_one = dice.chance(0.6);
    everybody
        .iter()
        .copied()
        .filter(|person| !at_one || world.home[*person] == node)
        .collect()
}

/// A variable that is another but for some people.
fn make_copy(dice: &mut Dice, world: &mut World) -> String {
    let of = dice.below(world.variables.len());
    let everybody = world.everybody();
    let somewhere = somewhere(dice, world, &everybody);
    let count = dice.within(1, 30);
    let people = dice.some(&somewhere, count);
    let size = dice.pick(&[1.0, 0.3, 1e-2, 1e-3, 1e-4, 1e-5]);
    let how = dice.below(5);
    let copy = match how {
        // Missing for some.
        0 => world.add_copy(of, &people, |_, _| None),
        // Another value, equally far or not.
        1 if world.variables[of].binary => {
            world.add_copy(of, &people, |_, value| Some(1.0 - value))
        }
        1 | 2 => world.add_copy(of, &people, |_, value| Some(value + size)),
        3 => {
            let mut code = size;
            world.add_copy(of, &people, |_, value| {
                code /= 3.0;
                Some(value + code)
            })
        }
        _ => world.add_copy(of, &people, |_, value| Some(value + size * dice.normal())),
    };
    format!(
        "variable {copy} is {of} with {} others (change {how} of {size})",
        people.len()
    )
}
