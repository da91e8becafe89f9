//! The rules against disclosure do not stop honest work: many traits, missing values, people who leave, small registries,
//! several data users. Real processes; every study must be released.

mod support;

use support::{
    Network,
    cohorts::{Cohort, network, permit},
    succeed, text,
};

/// Studies each trait once and says how many people took part in the last one.
#[track_caller]
fn study_all(network: &Network, permit: &std::path::Path, traits: &[String], more: &[&str]) -> u64 {
    let mut people = 0;
    for name in traits {
        let args = [&["--trait", name, "--covariates", "sex,age", "--json"][..], more].concat();
        let said: serde_json::Value = serde_json::from_str(&network.released(permit, &args)).expect("JSON");
        people = said["individuals"].as_u64().expect("a number");
        eprintln!("{name}: {people} people");
    }
    people
}

/// Cohorts with traits, of which 0.2 to 3% of people have no value.
fn with_traits(sizes: &[(&str, usize)], traits: &[String]) -> Vec<Cohort> {
    let mut cohorts: Vec<Cohort> =
        sizes.iter().zip(1..).map(|((name, people), seed)| Cohort::new(name, *people, 12, seed)).collect();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        for (number, name) in traits.iter().enumerate() {
            let missing = 0.002 + 0.028 * (number as f64 / traits.len() as f64);
            cohort.trait_with_missing(name, missing, 100 * number as u64 + place as u64);
        }
    }
    cohorts
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("trait{number}")).collect()
}

#[test]
fn twenty_traits_over_three_registries_of_sixty_people() {
    let traits = names(20);
    let cohorts = with_traits(&[("north", 60), ("centre", 60), ("south", 60)], &traits);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    assert_eq!(study_all(&network, &permit, &traits, &[]), 180);
}

#[test]
fn a_small_registry_goes_on_after_somebody_left() {
    let traits = names(8);
    let mut cohorts = with_traits(&[("north", 60), ("centre", 60), ("south", 60)], &traits);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    assert_eq!(study_all(&network, &permit, &traits[..4], &[]), 180);
    cohorts[0].remove(17);
    cohorts[0].load(&network, "cohort");
    let people = study_all(&network, &permit, &traits[4..], &[]);
    assert!((120..=163).contains(&people), "{people} people");
}

#[test]
fn people_leave_again_and_again_and_a_second_user_comes() {
    let traits = names(12);
    let mut cohorts = with_traits(&[("north", 300), ("centre", 250), ("south", 200)], &traits);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let mut people = study_all(&network, &permit, &traits[..2], &[]);
    for (leaver, name) in traits[2..].iter().enumerate() {
        let cohort = &mut cohorts[leaver % 3];
        cohort.remove(7 + 5 * leaver);
        cohort.load(&network, "cohort");
        people = study_all(&network, &permit, std::slice::from_ref(name), &[]);
    }
    assert!(people > 450, "{people} of 750 people are still used after ten have left");
    // Somebody else studies the same traits with the same covariates.
    for file in ["user.key", "user.pub"] {
        std::fs::rename(network.path(file), network.path(&format!("first.{file}"))).expect("a file");
    }
    succeed(&["key", "--out", text(&network.path("user.key"))]);
    let other =
        network.permit(&["--user", "another", "--variables", &format!("sex,age,{}", traits.join(","))]);
    // He leaves out whom the first one left out, so that neither's exports are a small difference to the other.
    let of_other = study_all(&network, &other, &traits[..3], &[]);
    assert!((600..740).contains(&of_other), "{of_other} people");
}
