//! What a study weighs genotypes with, as `gwas/columns.rs` has it: standardised values, the null
//! model over all nodes, and, where it is asked for, what each node's own model leaves. Values are
//! rounded to 30 fraction bits as in the sums.

/// A study: covariates and a trait, by their place among the world's variables.
#[derive(Clone, Debug)]
pub struct Plan {
    pub covariates: Vec<usize>,
    pub trait_: usize,
    pub logistic: bool,
    /// Whether a logistic study has Wald tests, too.
    pub wald: bool,
    /// Whether the nodes' own results are combined beside the run's.
    pub baseline: bool,
}

impl Plan {
    /// Covariates, then the trait.
    pub fn variables(&self) -> impl Iterator<Item = usize> + '_ {
        self.covariates.iter().copied().chain([self.trait_])
    }

    /// Roles of the columns in their order.
    pub fn roles(&self) -> Vec<(&'static str, Option<usize>)> {
        let mut roles = vec![("people", None)];
        roles.extend(
            self.covariates
                .iter()
                .map(|covariate| ("covariate", Some(*covariate))),
        );
        roles.push(("trait", Some(self.trait_)));
        if self.logistic {
            roles.extend([
                ("expected", Some(self.trait_)),
                ("weight", Some(self.trait_)),
            ]);
            if self.wald {
                roles.extend(
                    self.covariates
                        .iter()
                        .map(|covariate| ("weighted", Some(*covariate))),
                );
            }
        }
        if self.baseline {
            roles.push(("residual", Some(self.trait_)));
        }
        roles
    }
}

/// How a variable is standardised: the variable's value is `centre + unit * standardised`.
#[derive(Clone, Copy, Debug)]
pub struct Scaling {
    pub centre: f64,
    pub unit: f64,
    /// Standardised value of missing ones.
    pub fill: f64,
}

/// The model of the covariates over all nodes.
#[derive(Clone, Debug)]
pub struct Model {
    /// Covariates, then a quantitative trait.
    pub scaling: Vec<Scaling>,
    /// Of the logistic model.
    pub coefficients: Vec<f64>,
    /// What a missing disease counts as.
    pub fill: f64,
}

/// The least share of a trait's variance that its covariates must leave.
const LEFT_MIN: f64 = 0.05;

fn rounded(value: f64) -> f64 {
    (value * f64::from(1 << 30)).round_ties_even() / f64::from(1 << 30)
}

impl Model {
    /// Fits over the nodes' values: by node, variable and person, not a number where missing.
    pub fn fit(
        plan: &Plan,
        values: &[Vec<Vec<f64>>],
        fills: &[Option<f64>],
        cell: f64,
    ) -> Result<Self, String> {
        let covariates = plan.covariates.len();
        let scaled = if plan.logistic {
            covariates
        } else {
            covariates + 1
        };
        let scaling = (0..scaled).map(|variable| scale(values, variable, fills[variable]));
        let scaling = scaling.collect::<Result<Vec<_>, _>>()?;
        let mut model = Self {
            scaling,
            coefficients: Vec::new(),
            fill: 0.0,
        };
        model.check_collinear(plan, values)?;
        if plan.logistic {
            let known: Vec<f64> = values
                .iter()
                .flat_map(|node| known(&node[covariates]))
                .collect();
            let cases: f64 = known.iter().sum();
            if cases < cell || known.len() as f64 - cases < cell {
                return Err("gate: too few cases or controls".to_owned());
            }
            let remembered = fills[covariates].filter(|share| *share > 0.0 && *share < 1.0);
            model.fill = remembered.unwrap_or(cases / known.len() as f64);
            model.coefficients = model.fit_logistic(plan, values)?;
        }
        Ok(model)
    }

    fn check_collinear(&self, plan: &Plan, values: &[Vec<Vec<f64>>]) -> Result<(), String> {
        let width = plan.covariates.len() + 1;
        let mut gram = vec![0.0; width * width];
        for node in values {
            self.rows(plan, node)
                .iter()
                .for_each(|row| add_square(&mut gram, &row[..width], 1.0));
        }
        let solved = solve(width, gram.clone(), vec![0.0; width]);
        solved.ok_or("collinear covariates".to_owned())?;
        if plan.logistic {
            return Ok(());
        }
        // What the covariates leave of a quantitative trait, as `gwas/run/linear.rs` has it.
        let rows: Vec<Vec<f64>> = values
            .iter()
            .flat_map(|node| self.rows(plan, node))
            .collect();
        let mut crossed = vec![0.0; width];
        for row in &rows {
            crossed
                .iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += value * row[width]);
        }
        let fitted = solve(width, gram, crossed).ok_or("collinear covariates".to_owned())?;
        let rest = |row: &Vec<f64>| {
            let fit: f64 = row[..width]
                .iter()
                .zip(&fitted)
                .map(|(value, part)| value * part)
                .sum();
            (row[width] - fit).powi(2)
        };
        let (left, all) = (
            rows.iter().map(rest).sum::<f64>(),
            rows.iter().map(|row| row[width].powi(2)).sum::<f64>(),
        );
        if left < LEFT_MIN * all {
            Err("explained trait".to_owned())
        } else {
            Ok(())
        }
    }

    /// 1, the covariates and the trait of each person of a node, standardised and filled.
    fn rows(&self, plan: &Plan, node: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let covariates = plan.covariates.len();
        let row = |person: usize| {
            let mut row = vec![1.0];
            for (scaling, column) in self.scaling.iter().zip(node) {
                let value = (column[person] - scaling.centre) / scaling.unit;
                row.push(rounded(if value.is_nan() { scaling.fill } else { value }));
            }
            if plan.logistic {
                let case = node[covariates][person];
                row.push(if case.is_nan() { self.fill } else { case });
            }
            row
        };
        (0..node[0].len()).map(row).collect()
    }

    fn fit_logistic(&self, plan: &Plan, values: &[Vec<Vec<f64>>]) -> Result<Vec<f64>, String> {
        let rows: Vec<Vec<f64>> = values
            .iter()
            .flat_map(|node| self.rows(plan, node))
            .collect();
        fit_logistic(plan.covariates.len() + 1, &rows)
            .ok_or_else(|| "no finite estimate".to_owned())
    }

    /// A node's columns in the order of the plan's roles.
    pub fn columns(&self, plan: &Plan, node: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let rows = self.rows(plan, node);
        let width = plan.covariates.len() + 1;
        let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<f64>>();
        let mut columns: Vec<Vec<f64>> = (0..=width).map(column).collect();
        if plan.logistic {
            let expected: Vec<f64> = rows
                .iter()
                .map(|row| rounded(expect(&row[..width], &self.coefficients)))
                .collect();
            let weighted = |place: usize| {
                let weight = |(mu, row): (&f64, &Vec<f64>)| rounded(mu * (1.0 - mu) * row[place]);
                expected.iter().zip(&rows).map(weight).collect::<Vec<f64>>()
            };
            columns.push(expected.clone());
            columns.extend((0..if plan.wald { width } else { 1 }).map(weighted));
        }
        if plan.baseline {
            columns.push(
                own_residuals(plan, width, &rows)
                    .into_iter()
                    .map(rounded)
                    .collect(),
            );
        }
        columns
    }

    /// Centre, unit and fill of a column that holds a variable's values.
    pub fn units(&self, plan: &Plan, role: &str, variable: usize) -> Option<(f64, f64, f64)> {
        let place = plan.variables().position(|other| other == variable)?;
        match role {
            "covariate" | "trait" => Some(match self.scaling.get(place) {
                Some(own) => (own.centre, own.unit, own.centre + own.unit * own.fill),
                None => (0.0, 1.0, self.fill),
            }),
            _ => None,
        }
    }
}

fn known(column: &[f64]) -> impl Iterator<Item = f64> + '_ {
    column.iter().copied().filter(|value| !value.is_nan())
}

fn scale(values: &[Vec<Vec<f64>>], variable: usize, fill: Option<f64>) -> Result<Scaling, String> {
    let all: Vec<f64> = values
        .iter()
        .flat_map(|node| known(&node[variable]))
        .collect();
    let count = all.len().max(1) as f64;
    let centre = all.iter().sum::<f64>() / count;
    let unit = (all
        .iter()
        .map(|value| (value - centre).powi(2))
        .sum::<f64>()
        / count)
        .sqrt();
    if unit.is_nan() || unit < 1e-6 {
        return Err("constant variable".to_owned());
    }
    let people: usize = values.iter().map(|node| node[variable].len()).sum();
    if 2 * all.len() < people {
        return Err("mostly missing".to_owned());
    }
    let fill = fill.map_or(0.0, |fill| rounded((fill - centre) / unit));
    let fill = if fill.abs() <= 1.0 { fill } else { 0.0 };
    Ok(Scaling { centre, unit, fill })
}

/// What the node's own model leaves of the trait, by its variance; zeros where it has none.
fn own_residuals(plan: &Plan, width: usize, rows: &[Vec<f64>]) -> Vec<f64> {
    if plan.logistic {
        let fitted = fit_logistic(width, rows);
        let rest = |own: &Vec<f64>| {
            rows.iter()
                .map(|row| row[width] - expect(&row[..width], own))
                .collect()
        };
        return fitted.map_or_else(|| vec![0.0; rows.len()], |own| rest(&own));
    }
    let (mut gram, mut right) = (vec![0.0; width * width], vec![0.0; width]);
    for row in rows {
        add_square(&mut gram, &row[..width], 1.0);
        right
            .iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += row[width] * value);
    }
    let Some(own) = solve(width, gram, right) else {
        return vec![0.0; rows.len()];
    };
    let rest = |row: &Vec<f64>| row[width] - row.iter().zip(&own).map(|(x, b)| x * b).sum::<f64>();
    let rests: Vec<f64> = rows.iter().map(rest).collect();
    let squares: f64 = rests.iter().map(|rest| rest * rest).sum();
    let degrees = rows.len().saturating_sub(width + 1).max(1) as f64;
    let precision = if squares > 0.0 {
        (degrees / squares).min(256.0)
    } else {
        1.0
    };
    rests.iter().map(|rest| precision * rest).collect()
}

fn expect(row: &[f64], coefficients: &[f64]) -> f64 {
    let linear: f64 = row.iter().zip(coefficients).map(|(x, b)| x * b).sum();
    1.0 / (1.0 + (-linear).exp())
}

fn fit_logistic(width: usize, rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut coefficients = vec![0.0; width];
    for _ in 0..25 {
        let (mut gram, mut score) = (vec![0.0; width * width], vec![0.0; width]);
        for row in rows {
            let mu = expect(&row[..width], &coefficients);
            add_square(&mut gram, &row[..width], mu * (1.0 - mu));
            score
                .iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += (row[width] - mu) * value);
        }
        let step = solve(width, gram, score)?;
        coefficients
            .iter_mut()
            .zip(&step)
            .for_each(|(sum, step)| *sum += step);
        if step.iter().all(|step| step.abs() < 1e-10) {
            return coefficients
                .iter()
                .all(|value| value.abs() < 15.0)
                .then_some(coefficients);
        }
    }
    None
}

fn add_square(gram: &mut [f64], row: &[f64], weight: f64) {
    for (place, value) in row.iter().enumerate() {
        let line = &mut gram[place * row.len()..(place + 1) * row.len()];
        line.iter_mut()
            .zip(row)
            .for_each(|(sum, other)| *sum += weight * value * other);
    }
}

/// Solves a positive definite system by elimination; none where it is singular.
fn solve(size: usize, mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let largest = (0..size)
        .map(|place| matrix[place * size + place])
        .fold(0.0, f64::max);
    for pivot in 0..size {
        let head = matrix[pivot * size + pivot];
        if head.is_nan() || head <= 1e-9 * largest {
            return None;
        }
        for below in pivot + 1..size {
            let factor = matrix[below * size + pivot] / head;
            for place in pivot..size {
                matrix[below * size + place] -= factor * matrix[pivot * size + place];
            }
            right[below] -= factor * right[pivot];
        }
    }
    for pivot in (0..size).rev() {
        let known: f64 = (pivot + 1..size)
            .map(|place| matrix[pivot * size + place] * right[place])
            .sum();
        right[pivot] = (right[pivot] - known) / matrix[pivot * size + pivot];
    }
    Some(right)
}
