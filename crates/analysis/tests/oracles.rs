//! Associations of the committed cohort against R and plink2 (`expected/`, made by the scripts
//! there).

mod support;

use ligate_analysis::gwas::{Association, Family, Gwas, Plan, Reason, Test};
use support::{Sites, cohort::committed, key, name};

const VARIANTS: usize = 29;

fn gwas(family: Family, wald_below: f64) -> Gwas {
    let trait_name = name(if family == Family::Linear {
        "ldl"
    } else {
        "t2d"
    });
    let covariates = ["age", "arm", "pc"].map(name).to_vec();
    let two_values = family == Family::Logistic;
    let plan = Plan {
        family,
        two_values,
        trait_name,
        covariates,
        wald_below,
    };
    let sites = [committed().pooled()];
    let mut sites = Sites::new(&plan, &sites, 2);
    let facts = sites.facts(VARIANTS, 0);
    sites.run(&facts).unwrap()
}

/// Rows of an expected table: variant and numbers, the columns named.
fn expected(table: &'static str, id: &str, columns: &[&str]) -> Vec<(usize, Vec<f64>)> {
    let mut lines = table
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let place = |column: &str| header.iter().position(|name| *name == column).unwrap();
    lines
        .map(|row| {
            let variant: usize = row[place(id)][1..].parse().unwrap();
            let number = |column: &&str| row[place(column)].parse().unwrap_or(f64::NAN);
            (variant - 1, columns.iter().map(number).collect())
        })
        .collect()
}

fn find(gwas: &Gwas, variant: usize) -> Option<&Association> {
    gwas.associations
        .iter()
        .find(|association| association.key == key(variant))
}

fn reason(gwas: &Gwas, variant: usize) -> Option<Reason> {
    gwas.unreported
        .iter()
        .find(|other| other.key == key(variant))
        .map(|other| other.reason)
}

/// Within half a unit of the last of `digits` printed digits, and a little rounding of ours.
fn same_digits(ours: f64, printed: f64, digits: i32) -> bool {
    (ours - printed).abs() <= 0.501 * 10_f64.powi(1 + printed.abs().log10().floor() as i32 - digits)
}

#[test]
fn linear_is_r_lm() {
    let ours = gwas(Family::Linear, 0.0);
    let rows = expected(
        include_str!("expected/linear.tsv"),
        "variant",
        &["n", "beta", "standard_error", "p_value"],
    );
    assert_eq!(rows.len(), 25);
    for (variant, numbers) in rows {
        let association = find(&ours, variant).unwrap();
        assert_eq!(
            (association.counts.called as f64, association.test),
            (numbers[0], Test::Linear)
        );
        let error = (association.beta - numbers[1]).abs() / numbers[2];
        assert!(error < 1e-7, "variant {variant}: beta off by {error:e} SE");
        assert!(
            (association.standard_error / numbers[2] - 1.0).abs() < 1e-8,
            "variant {variant}"
        );
        assert!(
            (association.p_value / numbers[3] - 1.0).abs() < 1e-6,
            "variant {variant}"
        );
        assert!(
            (association.neg_log10_p + numbers[3].log10()).abs() < 1e-6,
            "variant {variant}"
        );
    }
}

#[test]
fn linear_is_plink2_to_its_printed_digits_and_refusals() {
    let ours = gwas(Family::Linear, 0.0);
    let columns = ["OBS_CT", "BETA", "SE", "P"];
    for (variant, numbers) in expected(include_str!("expected/plink2.linear.tsv"), "ID", &columns) {
        match find(&ours, variant) {
            Some(association) => {
                assert_eq!(
                    association.counts.called as f64, numbers[0],
                    "variant {variant}"
                );
                assert!(
                    same_digits(association.beta, numbers[1], 6),
                    "variant {variant}"
                );
                assert!(
                    same_digits(association.standard_error, numbers[2], 6),
                    "variant {variant}"
                );
                assert!(
                    same_digits(association.p_value, numbers[3], 6),
                    "variant {variant}"
                );
            }
            None => assert!(
                numbers[1].is_nan(),
                "variant {variant} is refused by us alone"
            ),
        }
    }
    // CORR_TOO_HIGH, VIF_TOO_HIGH, CONST_OMITTED_ALLELE
    let reasons: Vec<_> = (25..28).map(|variant| reason(&ours, variant)).collect();
    assert_eq!(
        reasons,
        [
            Some(Reason::Collinear),
            Some(Reason::Collinear),
            Some(Reason::Constant)
        ]
    );
}

#[test]
fn wald_is_r_glm() {
    let ours = gwas(Family::Logistic, 1.0);
    let columns = ["n", "beta", "standard_error", "p_value"];
    let rows = expected(include_str!("expected/wald.tsv"), "variant", &columns);
    assert_eq!(rows.len(), 25);
    for (variant, numbers) in rows {
        let association = find(&ours, variant).unwrap();
        assert_eq!(
            (association.counts.called as f64, association.test),
            (numbers[0], Test::Wald)
        );
        let error = (association.beta - numbers[1]).abs() / numbers[2];
        assert!(error < 1e-7, "variant {variant}: beta off by {error:e} SE");
        assert!(
            (association.standard_error / numbers[2] - 1.0).abs() < 1e-7,
            "variant {variant}"
        );
        assert!(
            (association.p_value / numbers[3] - 1.0).abs() < 1e-6,
            "variant {variant}"
        );
    }
}

#[test]
fn wald_is_plink2_where_it_has_converged() {
    let ours = gwas(Family::Logistic, 1.0);
    let columns = ["OBS_CT", "BETA", "SE", "P"];
    for (variant, numbers) in expected(include_str!("expected/plink2.logistic.tsv"), "ID", &columns)
    {
        match find(&ours, variant) {
            Some(association) => {
                let error = (association.beta - numbers[1]).abs() / association.standard_error;
                assert!(error < 2e-5, "variant {variant}: beta off by {error:e} SE");
                // Where calls are missing plink2 a3.5's standard errors have not converged: R
                // decides there.
                if association.counts.called == ours.people.individuals {
                    assert!(
                        same_digits(association.standard_error, numbers[2], 5),
                        "variant {variant}"
                    );
                    assert!(
                        same_digits(association.p_value, numbers[3], 5),
                        "variant {variant}"
                    );
                }
            }
            None => assert!(
                numbers[1].is_nan(),
                "variant {variant} is refused by us alone"
            ),
        }
    }
    // CORR_TOO_HIGH, VIF_TOO_HIGH, CONST_OMITTED_ALLELE, SEPARATION
    let reasons: Vec<_> = (25..29).map(|variant| reason(&ours, variant)).collect();
    let expected = [
        Reason::Collinear,
        Reason::Collinear,
        Reason::Constant,
        Reason::Separation,
    ];
    assert_eq!(reasons, expected.map(Some));
}

#[test]
fn score_is_r_rao_and_near_it_where_calls_are_missing() {
    let ours = gwas(Family::Logistic, 0.0);
    let rows = expected(
        include_str!("expected/score.tsv"),
        "variant",
        &["n", "z", "p_value"],
    );
    assert_eq!(rows.len(), 25);
    for (variant, numbers) in rows {
        let association = find(&ours, variant).unwrap();
        assert_eq!(
            (association.counts.called as f64, association.test),
            (numbers[0], Test::Score)
        );
        // Without missing calls it is the same model. With some it is within 0.01 of a refitted
        // null model; with a third and a half of these few people missing, within 0.05.
        let called = association.counts.called as f64 / ours.people.individuals as f64;
        let complete = called == 1.0;
        let tolerance = if complete {
            1e-7
        } else if called > 0.9 {
            0.01
        } else {
            0.05
        };
        let error = (association.statistic - numbers[1]).abs();
        assert!(error < tolerance, "variant {variant}: z off by {error:e}");
        assert!(
            !complete || (association.p_value / numbers[2] - 1.0).abs() < 1e-6,
            "variant {variant}"
        );
        let z = association.beta / association.standard_error;
        assert_eq!(z.to_bits(), association.statistic.to_bits());
    }
    assert_eq!(
        find(&ours, 28).map(|association| association.test),
        Some(Test::Score)
    );
}

#[test]
fn the_smallest_score_p_values_get_a_wald_test() {
    let ours = gwas(Family::Logistic, Plan::WALD_BELOW);
    let wald: Vec<_> = ours
        .associations
        .iter()
        .filter(|found| found.test == Test::Wald)
        .collect();
    let scores = gwas(Family::Logistic, 0.0);
    let small: Vec<_> = scores
        .associations
        .iter()
        .filter(|found| found.p_value < Plan::WALD_BELOW)
        .collect();
    let all = gwas(Family::Logistic, 1.0);
    assert!(!small.is_empty() && small.len() < 5);
    for found in &wald {
        assert_eq!(
            all.associations.iter().find(|other| other.key == found.key),
            Some(*found)
        );
    }
    let separated = small
        .iter()
        .filter(|found| reason(&ours, 28).is_some() && found.key == key(28))
        .count();
    assert_eq!(wald.len() + separated, small.len());
}
