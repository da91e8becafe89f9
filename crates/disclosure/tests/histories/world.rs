//! Made nodes and people: who is where, what is known of them, who leaves, comes back or is
//! corrected. Everything follows from a seed. It knows nothing of ledgers and rules.

use super::dice::Dice;

/// A variable as the nodes hold it.
#[derive(Clone)]
pub struct Variable {
    pub name: String,
    pub binary: bool,
    /// By person; none is missing.
    pub values: Vec<Option<f64>>,
}

/// People are numbers, over all nodes.
pub struct World {
    pub nodes: usize,
    /// The node of each person.
    pub home: Vec<usize>,
    /// Who is in the datasets now.
    pub present: Vec<bool>,
    pub variables: Vec<Variable>,
    /// Dosages by variant and person: what nobody may learn.
    pub genotypes: Vec<Vec<f64>>,
}

impl World {
    pub fn new(dice: &mut Dice, sizes: &[usize], variants: usize) -> Self {
        let home: Vec<usize> = sizes
            .iter()
            .enumerate()
            .flat_map(|(node, size)| vec![node; *size])
            .collect();
        let genotypes = (0..variants).map(|_| dosages(dice, home.len())).collect();
        Self {
            nodes: sizes.len(),
            present: vec![true; home.len()],
            home,
            variables: Vec::new(),
            genotypes,
        }
    }

    pub fn people(&self) -> usize {
        self.home.len()
    }

    /// Who is in a node's dataset now.
    pub fn present_at(&self, node: usize) -> Vec<usize> {
        (0..self.people())
            .filter(|person| self.home[*person] == node && self.present[*person])
            .collect()
    }

    /// Who is in some dataset now.
    pub fn everybody(&self) -> Vec<usize> {
        (0..self.people())
            .filter(|person| self.present[*person])
            .collect()
    }

    fn add(&mut self, kind: &str, binary: bool, values: Vec<Option<f64>>) -> usize {
        let name = format!("{kind}{}", self.variables.len());
        self.variables.push(Variable {
            name,
            binary,
            values,
        });
        self.variables.len() - 1
    }

    /// Normal numbers that hang together with an earlier variable.
    pub fn add_continuous(&mut self, dice: &mut Dice, missing: f64, tail: bool) -> usize {
        let like = (!self.variables.is_empty()).then(|| dice.below(self.variables.len()));
        let values = (0..self.people()).map(|person| {
            let with = like
                .and_then(|other| self.variables[other].values[person])
                .unwrap_or(0.0);
            let own = if tail {
                dice.normal().exp()
            } else {
                dice.normal()
            };
            let value = (1000.0 * (own + 0.3 * with)).round() / 1000.0;
            (!dice.chance(missing)).then_some(value)
        });
        let values = values.collect();
        self.add("n", false, values)
    }

    /// 1 for a share of the people, 0 for the others.
    pub fn add_binary(&mut self, dice: &mut Dice, share: f64, missing: f64) -> usize {
        let value =
            |dice: &mut Dice| (!dice.chance(missing)).then(|| f64::from(dice.chance(share)));
        let values = (0..self.people()).map(|_| value(dice)).collect();
        self.add("b", true, values)
    }

    /// 1 for these people only.
    pub fn add_carriers(&mut self, carriers: &[usize]) -> usize {
        let mut values = vec![Some(0.0); self.people()];
        carriers
            .iter()
            .for_each(|person| values[*person] = Some(1.0));
        self.add("c", true, values)
    }

    /// A copy of a variable in which some people have another value.
    pub fn add_copy(
        &mut self,
        of: usize,
        people: &[usize],
        mut change: impl FnMut(usize, f64) -> Option<f64>,
    ) -> usize {
        let mut values = self.variables[of].values.clone();
        for person in people {
            if let Some(value) = values[*person] {
                values[*person] = change(*person, value);
            }
        }
        let binary = values
            .iter()
            .flatten()
            .all(|value| *value == 0.0 || *value == 1.0);
        self.add("y", binary, values)
    }
}

/// Hard calls of one variant.
fn dosages(dice: &mut Dice, people: usize) -> Vec<f64> {
    let frequency = 0.05 + 0.4 * dice.uniform();
    (0..people)
        .map(|_| f64::from(dice.chance(frequency)) + f64::from(dice.chance(frequency)))
        .collect()
}
