//! One history: made nodes, data users who try things, people who come and go; and what readers make of it.

use super::{
    attacker::{Loot, attack},
    dice::Dice,
    model::Plan,
    network::{Job, Network, Shown},
    world::World,
};

/// What became of a history.
#[derive(Debug, Default)]
pub struct Outcome {
    pub admitted: usize,
    /// Refusals by their first word.
    pub refused: Vec<String>,
    pub left_out: usize,
    /// What each reader (a data user, or everybody by what was exported) found at most.
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
    outcome: Outcome,
}

pub fn play(seed: u64, effort: usize) -> Outcome {
    let mut dice = Dice::new(seed);
    let nodes = dice.within(3, 5);
    let sizes: Vec<usize> = (0..nodes).map(|_| dice.pick(&[40, 60, 90, 150, 400]) + dice.below(20)).collect();
    let world = World::new(&mut dice, &sizes, 12);
    let network = Network::new(&world, seed);
    let rosters = rosters(&mut dice, nodes);
    let outcome =
        Outcome { notes: vec![format!("nodes {sizes:?}, rosters {rosters:?}")], ..Outcome::default() };
    let mut history = History { dice, world, network, shown: Vec::new(), rosters, outcome };
    history.make_variables();
    for _ in 0..history.dice.within(3, 9) {
        history.happen();
        history.try_run();
    }
    history.read(effort)
}

/// The nodes of each data user: mostly all.
fn rosters(dice: &mut Dice, nodes: usize) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..nodes).collect();
    let of_user = |dice: &mut Dice| {
        let mut roster = if dice.chance(0.8) { all.clone() } else { dice.some(&all, 3) };
        roster.sort_unstable();
        roster
    };
    (0..2).map(|_| of_user(dice)).collect()
}

impl History {
    fn make_variables(&mut self) {
        let (dice, world) = (&mut self.dice, &mut self.world);
        let missing = dice.pick(&[0.0, 0.002, 0.01, 0.03, 0.1]);
        for _ in 0..dice.within(2, 4) {
            let tail = dice.chance(0.3);
            world.add_continuous(dice, missing, tail);
        }
        let (common, rare) = (0.2 + 0.5 * dice.uniform(), 0.01 + 0.06 * dice.uniform());
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
    }

    /// What happens between runs.
    fn happen(&mut self) {
        let (dice, world) = (&mut self.dice, &mut self.world);
        let everybody = world.everybody();
        let somewhere = somewhere(dice, world, &everybody);
        let count = dice.pick(&[1, 1, 2, 3, 5, 12]);
        let some = dice.some(&somewhere, count);
        let what = dice.below(10);
        match what {
            0 | 1 => some.iter().for_each(|person| world.present[*person] = false),
            2 => {
                let gone: Vec<usize> = (0..world.people()).filter(|person| !world.present[*person]).collect();
                let count = dice.within(1, gone.len().max(1));
                dice.some(&gone, count).into_iter().for_each(|person| world.present[person] = true);
            }
            3 => {
                let variable = dice.below(world.variables.len());
                let change = dice.pick(&[0.25, 1.0, 1e-3]);
                let binary = world.variables[variable].binary;
                for person in &some {
                    let value = &mut world.variables[variable].values[*person];
                    *value = value.map(|value| if binary { 1.0 - value } else { value + change });
                }
            }
            4 => self.outcome.notes.push(make_copy(dice, world)),
            _ => return,
        }
        self.outcome.notes.push(format!("happened: {what} to {count}"));
    }

    fn try_run(&mut self) {
        let job = self.draw_job();
        let asked =
            format!("user {} roster {:?} {:?} complete {}", job.user, job.roster, job.plan, job.complete);
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

    /// A study; often an earlier one with one thing changed, as somebody would ask who looks for differences.
    fn draw_job(&mut self) -> Job {
        let dice = &mut self.dice;
        let earlier = (!self.shown.is_empty() && dice.chance(0.5)).then(|| dice.below(self.shown.len()));
        let mut job = match earlier {
            Some(place) => self.shown[place].job.clone(),
            None => {
                let mut covariates = Vec::new();
                for _ in 0..dice.below(4) {
                    covariates.push(dice.below(self.world.variables.len()));
                }
                let plan = Plan { covariates, trait_: 0, logistic: false, wald: false, baseline: false };
                Job { user: dice.below(2), plan, complete: dice.chance(0.4), roster: Vec::new() }
            }
        };
        match dice.below(4) {
            0 if earlier.is_some() => {}
            1 if earlier.is_some() => job.user = 1 - job.user,
            _ => job.plan.trait_ = dice.below(self.world.variables.len()),
        }
        job.roster.clone_from(&self.rosters[job.user]);
        let trait_ = job.plan.trait_;
        job.plan.covariates.retain(|covariate| *covariate != trait_);
        job.plan.covariates.sort_unstable();
        job.plan.covariates.dedup();
        job.plan.baseline = dice.chance(0.15);
        job.plan.wald = dice.chance(0.3);
        job.plan.logistic = self.world.variables[trait_].binary && dice.chance(0.8);
        job
    }

    /// Both data users with the nodes of their runs, and somebody outside who has what was exported.
    fn read(mut self, effort: usize) -> Outcome {
        let mut worst = Loot::default();
        for user in [Some(0), Some(1), None] {
            let sees = |run: &&Shown| run.exported || Some(run.job.user) == user;
            let shown: Vec<&Shown> = self.shown.iter().filter(sees).collect();
            let all: Vec<usize> = (0..self.world.nodes).collect();
            let nodes = user.map_or(&all, |user| &self.rosters[user]);
            let loot = attack(&self.world, &shown, nodes, &mut self.dice, effort);
            let (leverage, share) = (worst.leverage.max(loot.leverage), worst.share.max(loot.share));
            let (forced, carriers) = (worst.forced + loot.forced, worst.carriers + loot.carriers);
            let more = loot.leverage.max(loot.share / 1.9) >= worst.leverage.max(worst.share / 1.9);
            if more {
                let homes: Vec<usize> = loot.group.iter().map(|person| self.world.home[*person]).collect();
                self.outcome.notes.push(format!("reader {user:?}: {loot:?} at {homes:?}"));
                worst = loot;
            }
            (worst.leverage, worst.share, worst.forced, worst.carriers) = (leverage, share, forced, carriers);
        }
        self.outcome.loot = worst;
        self.outcome
    }
}

/// Everybody, or the people of one node.
fn somewhere(dice: &mut Dice, world: &World, everybody: &[usize]) -> Vec<usize> {
    let node = dice.below(world.nodes);
    let at_one = dice.chance(0.6);
    everybody.iter().copied().filter(|person| !at_one || world.home[*person] == node).collect()
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
        1 if world.variables[of].binary => world.add_copy(of, &people, |_, value| Some(1.0 - value)),
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
    format!("variable {copy} is {of} with {} others (change {how} of {size})", people.len())
}
