//! The linear program of a reader who looks for the carriers of a variant: dosages between 0 and 2
//! of the fewest copies that give released sums to within their rounding.

/// A sum of dosages times weights lies between two numbers.
pub struct Condition {
    pub weights: Vec<f64>,
    pub low: f64,
    pub high: f64,
}

impl Condition {
    /// The same with weights whose squares add up to 1.
    fn scaled(&self) -> Self {
        let norm = dot(&self.weights, &self.weights).sqrt();
        let weights = self.weights.iter().map(|weight| weight / norm).collect();
        Self {
            weights,
            low: self.low / norm,
            high: self.high / norm,
        }
    }
}

/// Steps, each between the dosages that are possible and those that give the sums. More change no
/// ranking in these tests.
const STEPS: usize = 3000;

/// The dosages of the fewest copies, by the alternating direction method of multipliers (Boyd et
/// al., Foundations and Trends in Machine Learning 3:1 (2011), section 5.2), with the sums as
/// variables of their own.
pub fn fewest_copies(conditions: &[Condition], people: usize) -> Vec<f64> {
    let conditions: Vec<Condition> = conditions.iter().map(Condition::scaled).collect();
    let inverse = inverse_of_gram_plus_one(&conditions);
    let (mut dosages, mut pushed) = (vec![0.0; people], vec![0.0; people]);
    let (mut sums, mut pulled) = (vec![0.0; conditions.len()], vec![0.0; conditions.len()]);
    for _ in 0..STEPS {
        // The nearest dosages and sums that belong together, each copy at the price of 1.
        let wished: Vec<f64> = dosages
            .iter()
            .zip(&pushed)
            .map(|(x, u)| x - u - 1.0)
            .collect();
        let gap: Vec<f64> = conditions
            .iter()
            .zip(sums.iter().zip(&pulled))
            .map(|(condition, (s, v))| dot(&condition.weights, &wished) - (s - v))
            .collect();
        let moved: Vec<f64> = inverse.iter().map(|row| dot(row, &gap)).collect();
        let mut near = wished;
        for (condition, by) in conditions.iter().zip(&moved) {
            near.iter_mut()
                .zip(&condition.weights)
                .for_each(|(x, weight)| *x -= by * weight);
        }
        // The nearest of these that are possible.
        for ((x, u), near) in dosages.iter_mut().zip(&mut pushed).zip(near) {
            *x = (near + *u).clamp(0.0, 2.0);
            *u += near - *x;
        }
        for (((s, v), by), condition) in sums
            .iter_mut()
            .zip(&mut pulled)
            .zip(&moved)
            .zip(&conditions)
        {
            let near = *s - *v + by;
            *s = (near + *v).clamp(condition.low, condition.high);
            *v += near - *s;
        }
    }
    dosages
}

/// (A A' + 1)^-1 by Gauss-Jordan elimination; the matrix is positive definite, so no pivots are
/// chosen.
fn inverse_of_gram_plus_one(conditions: &[Condition]) -> Vec<Vec<f64>> {
    let count = conditions.len();
    let unit = |row: usize, column: usize| f64::from(u8::from(row == column));
    let row = |row: usize| -> Vec<f64> {
        let products = (0..count).map(|column| {
            dot(&conditions[row].weights, &conditions[column].weights) + unit(row, column)
        });
        products
            .chain((0..count).map(|column| unit(row, column)))
            .collect()
    };
    let mut rows: Vec<Vec<f64>> = (0..count).map(row).collect();
    for pivot in 0..count {
        let by = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|value| *value /= by);
        let own = rows[pivot].clone();
        for (_, row) in rows
            .iter_mut()
            .enumerate()
            .filter(|(place, _)| *place != pivot)
        {
            let by = row[pivot];
            row.iter_mut()
                .zip(&own)
                .for_each(|(value, own)| *value -= by * own);
        }
    }
    rows.into_iter()
        .map(|mut row| row.split_off(count))
        .collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
