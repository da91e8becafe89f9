//! Honest work that the span rule must not stop.

use super::{
    dice::Dice,
    model::Plan,
    network::{Job, Network, People, Shown},
    world::World,
};

/// What a data user who means well does: one trait after another with the same covariates, while
/// people leave.
pub struct Work<'a> {
    pub sizes: &'a [usize],
    pub covariates: usize,
    pub traits: usize,
    /// The largest share of missing values of a trait.
    pub missing: f64,
    /// After so many traits some people leave.
    pub stretch: usize,
    pub leavers: usize,
    pub seed: u64,
}

/// What was admitted and refused.
#[derive(Debug, Default)]
pub struct Done {
    pub admitted: usize,
    pub refused: Vec<String>,
    pub leverage: f64,
    pub share: f64,
    /// People left out of the last run.
    pub left_out: usize,
}

pub struct Office {
    pub world: World,
    pub network: Network,
    dice: Dice,
    covariates: Vec<usize>,
    traits: Vec<usize>,
}

impl Office {
    pub fn new(work: &Work<'_>) -> Self {
        let mut dice = Dice::new(work.seed);
        let mut world = World::new(&mut dice, work.sizes, 0);
        let mut covariates = Vec::new();
        for number in 0..work.covariates {
            let place = if number == 1 {
                world.add_binary(&mut dice, 0.5, 0.0)
            } else {
                world.add_continuous(&mut dice, 0.0, false)
            };
            covariates.push(place);
        }
        let traits = (0..work.traits).map(|_| {
            let missing = 0.002 + dice.uniform() * (work.missing - 0.002).max(0.0);
            world.add_continuous(&mut dice, missing, false)
        });
        let traits = traits.collect();
        let mut network = Network::new(&world, work.seed);
        network.threads = 2;
        Self {
            world,
            network,
            dice,
            covariates,
            traits,
        }
    }

    /// Runs every trait for a data user.
    pub fn work(&mut self, user: usize, work: &Work<'_>) -> (Done, Vec<Shown>) {
        let (mut done, mut all) = (Done::default(), Vec::new());
        for (number, trait_) in self.traits.clone().into_iter().enumerate() {
            if number > 0 && number % work.stretch == 0 {
                let everybody = self.world.everybody();
                let gone = self.dice.some(&everybody, work.leavers);
                gone.into_iter()
                    .for_each(|person| self.world.present[person] = false);
            }
            let covariates = self.covariates.clone();
            let plan = Plan {
                covariates,
                trait_,
                logistic: false,
                wald: false,
                baseline: false,
            };
            let (people, roster) = (People::Filled, (0..self.world.nodes).collect());
            let job = Job {
                user,
                other_form: false,
                plan,
                people,
                roster,
            };
            match self.network.run(&self.world, &job) {
                Ok(shown) => {
                    self.network.released(&shown);
                    done.admitted += 1;
                    (done.leverage, done.share) = (shown.leverage, shown.share);
                    done.left_out = shown.left_out;
                    all.push(shown);
                }
                Err(reason) => done.refused.push(format!("trait {number}: {reason}")),
            }
        }
        eprintln!("{:?} people, {} traits: {done:?}", work.sizes, work.traits);
        (done, all)
    }
}
