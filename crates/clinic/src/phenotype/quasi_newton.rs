//! Minimises a smooth function by L-BFGS with backtracking (Nocedal and Wright, Numerical
//! Optimization, algorithm 7.5).

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 10;
/// Iterations at most.
const ITERATIONS: usize = 200;
/// A gradient whose largest part is below this ends the search.
const FLAT: f64 = 1e-7;
/// Share of the decrease that the gradient promises which a step must bring (Armijo).
const ENOUGH: f64 = 1e-4;
/// Times that a step is halved before the search gives up.
const HALVINGS: usize = 40;

/// A step and what it did to the gradient.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
}

/// The point found from `start` on; the function returns its value and gradient.
pub(super) fn minimise(
    start: Vec<f64>,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Vec<f64> {
    let mut at = start;
    let (mut value, mut gradient) = function(&at);
    let mut pairs: Vec<Pair> = Vec::new();
    for _ in 0..ITERATIONS {
        if gradient.iter().all(|part| part.abs() < FLAT) {
            break;
        }
        let direction = direction(&gradient, &pairs);
        let slope = dot(&direction, &gradient);
        let mut length = 1.0;
        let mut found = None;
        for _ in 0..HALVINGS {
            let next: Vec<f64> = at
                .iter()
                .zip(&direction)
                .map(|(x, d)| x + length * d)
                .collect();
            let (next_value, next_gradient) = function(&next);
            if next_value <= value + ENOUGH * length * slope {
                found = Some((next, next_value, next_gradient));
                break;
            }
            length /= 2.0;
        }
        let Some((next, next_value, next_gradient)) = found else {
            break;
        };
        let pair = Pair {
            step: minus(&next, &at),
            change: minus(&next_gradient, &gradient),
        };
        if dot(&pair.step, &pair.change) > 1e-14 {
            pairs.push(pair);
            if pairs.len() > MEMORY {
                pairs.remove(0);
            }
        }
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    at
}

/// The two-loop recursion: minus the inverse Hessian, as the pairs approximate it, times the
/// gradient.
fn direction(gradient: &[f64], pairs: &[Pair]) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = dot(&pair.step, &q) / dot(&pair.step, &pair.change);
        add(&mut q, -share, &pair.change);
        shares.push(share);
    }
    // Without pairs: one unit along the gradient at most.
    let scale = match pairs.last() {
        Some(pair) => dot(&pair.step, &pair.change) / dot(&pair.change, &pair.change),
        None => 1.0 / dot(gradient, gradient).sqrt().max(1.0),
    };
    q.iter_mut().for_each(|part| *part *= scale);
    for (pair, share) in pairs.iter().zip(shares.iter().rev()) {
        let back = dot(&pair.change, &q) / dot(&pair.step, &pair.change);
        add(&mut q, share - back, &pair.step);
    }
    q.iter_mut().for_each(|part| *part = -*part);
    q
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

fn minus(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(l, r)| l - r).collect()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += times * what;
    }
}

#[cfg(test)]
mod tests {
    use super::minimise;

    /// Rosenbrock's valley has its only minimum at (1, 1).
    #[test]
    fn finds_the_bottom_of_a_curved_valley() {
        let found = minimise(vec![-1.2, 1.0], |at| {
            let (x, y) = (at[0], at[1]);
            let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
            (
                value,
                vec![
                    -2.0 * (1.0 - x) - 400.0 * x * (y - x * x),
                    200.0 * (y - x * x),
                ],
            )
        });
        assert!(
            found.iter().all(|part| (part - 1.0).abs() < 1e-5),
            "{found:?}"
        );
    }
}
