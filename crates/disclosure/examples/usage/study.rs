//! Studies as columns: what `gwas/columns.rs` of the analysis adds to an account for one of them,
//! without the meta-analysis beside the result, which is not asked for by default.

use ligate_disclosure::NewColumn;

use crate::people::{People, rounded};

/// What is studied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// A normal trait, as after the usual rank transformation.
    Normal,
    /// As measured: every fourth one is log-normal.
    Raw,
    /// With score tests, as every study under a permit that does not ask for more.
    Disease,
    DiseaseWithWaldTests,
}

impl Trait {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "linear, normal traits",
            Self::Raw => "linear, a quarter log-normal",
            Self::Disease => "logistic",
            Self::DiseaseWithWaldTests => "logistic with Wald tests",
        }
    }

    pub const fn is_disease(self) -> bool {
        matches!(self, Self::Disease | Self::DiseaseWithWaldTests)
    }

    /// Columns that a study adds to those of the people and the covariates.
    pub const fn columns(self, covariates: usize) -> usize {
        match self {
            Self::Normal | Self::Raw => 1,
            Self::Disease => 3,
            Self::DiseaseWithWaldTests => 3 + covariates,
        }
    }
}

/// One study of a data user.
pub struct Study {
    pub number: u64,
    pub user: u64,
    /// Places among the covariates of the people.
    pub covariates: Vec<usize>,
    pub of: Trait,
}

impl Study {
    /// The columns over the people of all nodes, everybody first.
    pub fn columns(&self, people: &People) -> Vec<NewColumn> {
        let of = |place: &usize| {
            column(
                "covariate",
                &format!("c{place}"),
                people.covariates[*place].clone(),
            )
        };
        let mut columns = vec![NewColumn::people()];
        columns.extend(self.covariates.iter().map(of));
        let name = format!("y{}", self.number);
        if !self.of.is_disease() {
            let skewed = self.of == Trait::Raw && self.number % 4 == 3;
            columns.push(column(
                "trait",
                &name,
                people.quantitative(self.number, skewed),
            ));
            return columns;
        }
        let disease = people.disease(self.number);
        let rows = self.rows(people);
        let expected = expected(&rows, &disease);
        let weighted = |place: usize| {
            let weight = |(mu, row): (&f64, &Vec<f64>)| rounded(mu * (1.0 - mu) * row[place]);
            expected.iter().zip(&rows).map(weight).collect()
        };
        columns.push(column("trait", &name, disease));
        columns.push(column("expected", &name, expected.clone()));
        columns.push(column("weight", &name, weighted(0)));
        if self.of == Trait::DiseaseWithWaldTests {
            columns.extend(
                (1..=self.covariates.len()).map(|place| column("weighted", &name, weighted(place))),
            );
        }
        columns
    }

    /// 1 and the covariates of each person.
    fn rows(&self, people: &People) -> Vec<Vec<f64>> {
        let own = |person| {
            self.covariates
                .iter()
                .map(move |place| people.covariates[*place][person])
        };
        (0..people.count())
            .map(|person| std::iter::once(1.0).chain(own(person)).collect())
            .collect()
    }
}

fn column(role: &str, variable: &str, values: Vec<f64>) -> NewColumn {
    NewColumn {
        role: role.to_owned(),
        variable: variable.parse().ok(),
        values: Some(values),
        centre: 0.0,
        unit: 1.0,
        fill: None,
    }
}

/// The probability of being a case by the covariates, fitted by Newton's method.
fn expected(rows: &[Vec<f64>], disease: &[f64]) -> Vec<f64> {
    let width = rows[0].len();
    let mut coefficients = vec![0.0; width];
    for _ in 0..8 {
        let (mut gram, mut score) = (vec![vec![0.0; width]; width], vec![0.0; width]);
        for (row, y) in rows.iter().zip(disease) {
            let mu = logistic(row, &coefficients);
            for (place, value) in row.iter().enumerate() {
                score[place] += (y - mu) * value;
                row.iter()
                    .zip(&mut gram[place])
                    .for_each(|(x, sum)| *sum += mu * (1.0 - mu) * value * x);
            }
        }
        coefficients
            .iter_mut()
            .zip(solve(gram, score))
            .for_each(|(sum, step)| *sum += step);
    }
    rows.iter()
        .map(|row| rounded(logistic(row, &coefficients)))
        .collect()
}

fn logistic(row: &[f64], coefficients: &[f64]) -> f64 {
    let linear: f64 = row.iter().zip(coefficients).map(|(x, b)| x * b).sum();
    1.0 / (1.0 + (-linear).exp())
}

/// Solves a positive definite system by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    for pivot in 0..right.len() {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let head = &above[pivot];
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[pivot] / head[pivot];
            row.iter_mut()
                .zip(head)
                .for_each(|(value, from)| *value -= factor * from);
            right[pivot + 1 + offset] -= factor * right[pivot];
        }
    }
    for pivot in (0..right.len()).rev() {
        let known: f64 = (pivot + 1..right.len())
            .map(|place| matrix[pivot][place] * right[place])
            .sum();
        right[pivot] = (right[pivot] - known) / matrix[pivot][pivot];
    }
    right
}
