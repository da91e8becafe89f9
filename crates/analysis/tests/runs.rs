//! Runs from end to end: the baseline, the gate's refusals, and data that no model can be fitted
//! to.

mod support;

use std::{cell::RefCell, convert::Infallible};

use ligate_analysis::gwas::{
    Ask, Family, GenotypeSource, InvalidAsk, LocalError, Plan, PublishedFacts, Reason, RunError,
    RunProgress, Stage, Test, complete_in, local, run,
};
use ligate_genotypes::Batch;
use ligate_model::{BinaryCoding, GateRule, VariantKey};
use support::{
    OWN_GATE, People, Reader, Site, Sites,
    cohort::{committed, random},
    cohort_of, key, keys, name, variable,
};

fn plan(family: Family, covariates: &[&str]) -> Plan {
    let trait_name = name(if family == Family::Linear {
        "ldl"
    } else {
        "t2d"
    });
    let covariates = covariates.iter().map(|text| name(text)).collect();
    let two_values = family == Family::Logistic;
    Plan {
        family,
        two_values,
        trait_name,
        covariates,
        wald_below: Plan::WALD_BELOW,
    }
}

/// Three sites of unequal size, in order.
fn three(people: &People) -> Vec<Site> {
    let count = people.count();
    let bounds = [0, count / 4, count / 2 + 20, count];
    bounds
        .windows(2)
        .map(|pair| people.site(&(pair[0]..pair[1]).collect::<Vec<_>>(), &[50], 6))
        .collect()
}

fn failure(people: &People, plan: &Plan) -> RunError<Infallible> {
    let sites = three(people);
    let mut sites = Sites::new(plan, &sites, 1);
    let facts = sites.facts(people.calls.len(), 0);
    sites.run(&facts).err().unwrap()
}

/// The meta-analysis of what each site finds by itself, from its own run.
fn check_baseline(family: Family) {
    let (people, _) = random(11, 700, 12);
    let mut plan = plan(family, &["age", "marker"]);
    plan.wald_below = 0.0;
    let sites = three(&people);
    let own: Vec<_> = sites
        .iter()
        .map(|site| {
            let mut alone = Sites::new(&plan, std::slice::from_ref(site), 1);
            let facts = alone.facts(12, 0);
            alone.run(&facts).unwrap()
        })
        .collect();
    let mut all = Sites::new(&plan, &sites, 2);
    let facts = all.facts(12, 3);
    let found = all.run(&facts).unwrap();
    let mut compared = 0;
    for association in &found.associations {
        let parts: Vec<(f64, f64)> = own
            .iter()
            .filter_map(|site| {
                site.associations
                    .iter()
                    .find(|other| other.key == association.key)
            })
            .filter(|own| own.counts.called >= 20 && own.counts.minor_allele_count() >= 5)
            .filter(|own| {
                own.counts
                    .minor_allele_count_in_cases()
                    .is_none_or(|count| count >= 2)
            })
            .map(|own| (own.standard_error.powi(-2), own.beta))
            .collect();
        let Some(baseline) = association.baseline else {
            assert!(parts.len() < 3, "{} lacks a baseline", association.key);
            continue;
        };
        assert_eq!((parts.len(), baseline.sites), (3, 3));
        let weight: f64 = parts.iter().map(|(weight, _)| weight).sum();
        let beta = parts
            .iter()
            .map(|(weight, beta)| weight * beta)
            .sum::<f64>()
            / weight;
        assert!(
            (baseline.beta - beta).abs() * weight.sqrt() < 1e-5,
            "{}",
            association.key
        );
        assert!(
            (baseline.standard_error * weight.sqrt() - 1.0).abs() < 1e-5,
            "{}",
            association.key
        );
        // The federated estimate is near it, and not it.
        let distance = (baseline.beta - association.beta).abs() / association.standard_error;
        assert!(
            distance > 0.0 && distance < 1.0,
            "{}: {distance} SE",
            association.key
        );
        compared += 1;
    }
    assert!(compared >= 5, "{compared} compared");
}

#[test]
fn the_baseline_is_the_meta_analysis_of_the_sites_own_linear_results() {
    check_baseline(Family::Linear);
}

#[test]
fn the_baseline_is_the_meta_analysis_of_the_sites_own_logistic_results() {
    check_baseline(Family::Logistic);
}

#[test]
fn a_linear_study_of_a_disease_counts_cases_and_finds_the_same() {
    let (people, _) = random(11, 700, 12);
    let quantitative = Plan {
        trait_name: name("t2d"),
        ..plan(Family::Linear, &["age", "marker"])
    };
    let binary = Plan {
        two_values: true,
        ..quantitative.clone()
    };
    let sites = three(&people);
    let found = |plan: &Plan| {
        let mut sites = Sites::new(plan, &sites, 2);
        let facts = sites.facts(12, 3);
        sites.run(&facts).unwrap()
    };
    let (counted, plain) = (found(&binary), found(&quantitative));
    let values = &people.phenotypes.variable(&name("t2d")).unwrap().values;
    let complete = complete_in(&people.phenotypes, binary.variables()).unwrap();
    let cases = complete
        .iter()
        .filter(|person| values[**person as usize] == Some(1.0))
        .count() as u64;
    assert_eq!(
        (counted.people.cases, plain.people.cases),
        (Some(cases), None)
    );
    assert!(counted.associations.len() > 5);
    for (one, other) in counted.associations.iter().zip(&plain.associations) {
        assert!(
            one.counts
                .cases
                .is_some_and(|of| of.called > 0 && of.called <= cases),
            "{}",
            one.key
        );
        assert_eq!(
            (one.beta.to_bits(), one.p_value.to_bits()),
            (other.beta.to_bits(), other.p_value.to_bits())
        );
        assert_eq!(one.test, Test::Linear);
    }
}

#[test]
fn no_baseline_is_asked_for_where_too_few_sites_contribute() {
    let (people, _) = random(3, 300, 6);
    let plan = plan(Family::Linear, &["age"]);
    let sites = three(&people);
    let mut sites = Sites::new(&plan, &sites[..2], 1);
    let facts = sites.facts(6, 3);
    let found = sites.run(&facts).unwrap();
    assert!(
        found
            .associations
            .iter()
            .all(|association| association.baseline.is_none())
    );
    assert!(sites.asked.contains(&"baseline-presence") && !sites.asked.contains(&"baseline"));
}

#[test]
fn a_site_with_the_trait_in_another_unit_is_not_the_baseline() {
    for (unit, contributors) in [(1.0, 3), (0.01, 2), (100.0, 1)] {
        let (mut people, _) = random(11, 700, 12);
        let plan = plan(Family::Linear, &["age"]);
        // The people of the first site, in order.
        let first = people.count() / 4;
        let ldl = people
            .phenotypes
            .variables
            .iter_mut()
            .find(|variable| variable.name == plan.trait_name)
            .unwrap();
        ldl.values[..first]
            .iter_mut()
            .flatten()
            .for_each(|value| *value *= unit);
        let sites = three(&people);
        for fewest in [1, 3] {
            let mut sites = Sites::new(&plan, &sites, 1);
            let facts = sites.facts(12, fewest);
            let found = sites.run(&facts).unwrap();
            let most = found
                .associations
                .iter()
                .filter_map(|found| found.baseline)
                .map(|of| of.sites)
                .max();
            let expected = (fewest <= contributors).then_some(contributors);
            assert_eq!(most, expected, "unit {unit}, at least {fewest} sites");
        }
    }
}

#[test]
fn statistics_are_asked_only_for_variants_that_passed() {
    let people = committed();
    let plan = plan(Family::Linear, &["age", "arm", "pc"]);
    let sites = three(&people);
    let mut sites = Sites::new(&plan, &sites, 1);
    sites.gate = 40;
    let facts = sites.facts(29, 0);
    let found = sites.run(&facts).unwrap();
    assert_eq!(found.associations.len() + found.unreported.len(), 29);
    assert!(
        found
            .associations
            .iter()
            .all(|association| association.counts.minor_allele_count() >= 40)
    );
    let gated: Vec<&VariantKey> = found
        .unreported
        .iter()
        .filter(|other| other.reason == Reason::Gate(GateRule::MinorAlleleCount))
        .map(|other| &other.key)
        .collect();
    assert_eq!(gated, [&key(11), &key(12), &key(27), &key(28)]);
}

#[test]
fn variants_without_calls_or_carriers_are_constant() {
    let mut people = committed();
    people.calls[0].fill(None);
    people.calls[1] = vec![Some(1); people.count()];
    for (family, covariates) in [(Family::Linear, &["age"][..]), (Family::Logistic, &[])] {
        let plan = plan(family, covariates);
        let sites = three(&people);
        let mut sites = Sites::new(&plan, &sites, 1);
        let facts = sites.facts(29, 0);
        let found = sites.run(&facts).unwrap();
        for variant in [0, 1, 27] {
            let other = found
                .unreported
                .iter()
                .find(|other| other.key == key(variant));
            assert_eq!(
                other.map(|other| other.reason),
                Some(Reason::Constant),
                "variant {variant}"
            );
        }
        assert!(found.lambda > 0.0);
    }
}

#[test]
fn constant_and_collinear_covariates_are_named() {
    let mut people = committed();
    let column = |text: &str| {
        people
            .phenotypes
            .variable(&name(text))
            .unwrap()
            .values
            .clone()
    };
    let (age, pc) = (column("age"), column("pc"));
    let both = age
        .iter()
        .zip(&pc)
        .map(|(age, pc)| Some((*age)? - 3.0 * (*pc)?))
        .collect();
    let months = age.iter().map(|age| age.map(|age| 12.0 * age)).collect();
    let count = people.count();
    people.phenotypes.variables.extend([
        variable("both", None, both),
        variable("months", None, months),
        variable("country", None, vec![Some(46.0); count]),
    ]);
    for family in [Family::Linear, Family::Logistic] {
        let collinear = |covariates: &[&str]| match failure(&people, &plan(family, covariates)) {
            RunError::Collinear(names) => names,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            collinear(&["age", "arm", "months"]),
            ["age", "months"].map(name)
        );
        assert_eq!(
            collinear(&["arm", "age", "pc", "both"]),
            ["age", "pc", "both"].map(name)
        );
        let constant = failure(&people, &plan(family, &["age", "country"]));
        assert!(matches!(constant, RunError::Constant(variable) if variable == name("country")));
    }
}

#[test]
fn a_trait_without_spread_is_named() {
    let mut people = committed();
    for variable in &mut people.phenotypes.variables[3..] {
        variable
            .values
            .iter_mut()
            .for_each(|value| *value = value.map(|_| 1.0));
    }
    for family in [Family::Linear, Family::Logistic] {
        let plan = plan(family, &["age"]);
        let failure = failure(&people, &plan);
        assert!(matches!(failure, RunError::Constant(variable) if variable == plan.trait_name));
    }
}

#[test]
fn covariates_that_separate_the_cases_end_the_run() {
    let mut people = committed();
    let t2d = people
        .phenotypes
        .variable(&name("t2d"))
        .unwrap()
        .values
        .clone();
    let treated = t2d
        .iter()
        .enumerate()
        .map(|(i, case)| case.map(|case| 9.0 * case + (i % 7) as f64))
        .collect();
    people
        .phenotypes
        .variables
        .push(variable("treated", None, treated));
    let failure = failure(&people, &plan(Family::Logistic, &["treated"]));
    assert!(matches!(failure, RunError::Separated), "{failure:?}");
}

#[test]
fn too_few_people_end_the_run() {
    let mut people = committed();
    let count = people.count();
    let few = (0..count)
        .map(|person| (person % 100 == 0).then_some(person as f64))
        .collect();
    people.phenotypes.variables.push(variable("few", None, few));
    let failure = failure(&people, &plan(Family::Linear, &["few", "age"]));
    assert!(
        matches!(failure, RunError::TooFewIndividuals { parameters: 4, .. }),
        "{failure:?}"
    );
}

#[test]
fn a_rare_disease_with_a_strong_effect_converges() {
    // Half of the carriers are cases, one in a hundred of the others: a full first Newton step
    // overshoots.
    let count = 4000;
    let carrier: Vec<Option<u8>> = (0..count)
        .map(|person| Some(u8::from(person < 40)))
        .collect();
    let case = |person: usize| {
        if person < 40 {
            person.is_multiple_of(2)
        } else {
            person % 100 == 50
        }
    };
    let cases = (0..count)
        .map(|person| Some(f64::from(u8::from(case(person)))))
        .collect();
    let t2d = variable("t2d", Some(BinaryCoding::ZeroOne), cases);
    let people = People {
        phenotypes: ligate_model::Phenotypes {
            variables: vec![t2d],
        },
        calls: vec![carrier],
    };
    let plan = plan(Family::Logistic, &[]);
    let sites = three(&people);
    let mut sites = Sites::new(&plan, &sites, 1);
    let facts = sites.facts(1, 0);
    let found = sites.run(&facts).unwrap();
    let association = &found.associations[0];
    // The closed form of a 2 x 2 table.
    let in_others = (40..count).filter(|person| case(*person)).count() as f64;
    let controls = 3960.0 - in_others;
    assert_eq!(association.test, Test::Wald);
    // People who are alike round alike: a millionth of a standard error.
    assert!(
        (association.beta - (controls / in_others).ln()).abs() < 1e-6 * association.standard_error
    );
    let variance = 1.0 / 20.0 + 1.0 / 20.0 + 1.0 / in_others + 1.0 / controls;
    assert!((association.standard_error - variance.sqrt()).abs() < 1e-7);
}

#[test]
fn progress_ends_every_stage() {
    let people = committed();
    let plan = plan(Family::Logistic, &["age"]);
    let sites = three(&people);
    let mut sites = Sites::new(&plan, &sites, 1);
    let facts = sites.facts(29, 3);
    let last: RefCell<Vec<RunProgress>> = RefCell::default();
    run(&plan, &facts, &mut sites, &|step| {
        let mut last = last.borrow_mut();
        assert!(step.done <= step.total);
        match last.last_mut().filter(|before| before.stage == step.stage) {
            Some(before) => *before = step,
            None => last.push(step),
        }
    })
    .unwrap();
    let last = last.into_inner();
    assert!(last.iter().all(|step| step.done == step.total));
    let stages: Vec<Stage> = last.iter().map(|step| step.stage).collect();
    let expected = [
        Stage::People,
        Stage::Scale,
        Stage::Null,
        Stage::Account,
        Stage::Counts,
        Stage::Association,
        Stage::Wald,
        Stage::Baseline,
    ];
    assert_eq!(stages, expected);
}

#[test]
fn offers_that_do_not_fit_the_plan_are_refused() {
    let plan = plan(Family::Linear, &["age"]);
    let sites = three(&committed());
    let mut sites = Sites::new(&plan, &sites, 1);
    let good = sites.facts(5, 0);
    let unsorted = PublishedFacts {
        keys: vec![key(1), key(0)],
        ..good.clone()
    };
    let short = PublishedFacts {
        exponents: vec![3],
        ..good
    };
    assert!(matches!(
        sites.run(&unsorted),
        Err(RunError::PublishedFacts)
    ));
    assert!(matches!(sites.run(&short), Err(RunError::PublishedFacts)));
}

/// A source that leaves out the last key, or splits it off into blocks of another shape.
struct Short<'a>(Reader<'a>);

impl GenotypeSource for Short<'_> {
    type Error = Infallible;

    fn scan(
        &mut self,
        keys: &[VariantKey],
        visit: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<(), Infallible> {
        self.0.scan(&keys[..keys.len() - 1], visit)
    }
}

#[test]
fn a_node_refuses_malformed_asks_and_incomplete_genotypes() {
    let plan = plan(Family::Linear, &["age"]);
    let site = committed().pooled();
    let people = complete_in(&site.phenotypes, plan.variables()).unwrap();
    let cohort = cohort_of(&site, &plan, &people, None);
    let ask = Ask::Counts {
        two_values: false,
        keys: vec![key(1), key(0)],
    };
    let refused = local(&ask, &plan, &cohort, &mut Reader(&site), &OWN_GATE, 1);
    assert!(matches!(refused, Err(LocalError::Ask(InvalidAsk::Order))));
    let ask = Ask::Scale {
        exponents: vec![1, 1],
    };
    let refused = local(&ask, &plan, &cohort, &mut Reader(&site), &OWN_GATE, 1);
    assert!(
        matches!(refused, Err(LocalError::Ask(InvalidAsk::Number))),
        "ages do not fit 2^1"
    );
    let ask = Ask::Counts {
        two_values: false,
        keys: keys(5),
    };
    let refused = local(
        &ask,
        &plan,
        &cohort,
        &mut Short(Reader(&site)),
        &OWN_GATE,
        1,
    );
    assert!(matches!(refused, Err(LocalError::Batch)));
    let other = committed().site(&(0..399).collect::<Vec<_>>(), &[], 9);
    let refused = local(&ask, &plan, &cohort, &mut Reader(&other), &OWN_GATE, 1);
    assert!(matches!(refused, Err(LocalError::Batch)));
}
