//! The rules against disclosure do not stop honest work: many traits, missing values, people who
//! leave, small registries, several data users. Real processes; every study must be released.

mod support;

use std::{fs, path::Path};

use support::{
    Draw, Network,
    cohorts::{Cohort, network, permit},
    researchers::{Researcher, public},
    succeed, text,
};

/// Studies each trait once and says how many people took part in the last one.
#[track_caller]
fn study_all(network: &Network, permit: &Path, traits: &[String], covariates: &str) -> u64 {
    let mut people = 0;
    for name in traits {
        let args = ["--trait", name, "--covariates", covariates, "--json"];
        let said: serde_json::Value =
            serde_json::from_str(&network.released(permit, &args)).expect("JSON");
        people = said["individuals"].as_u64().expect("a number");
        eprintln!("{name}: {people} people");
    }
    people
}

/// Cohorts with traits, of which 0.2 to 3% of people have no value.
fn with_traits(sizes: &[(&str, usize)], variants: usize, traits: &[String]) -> Vec<Cohort> {
    let cohort =
        |((name, people), seed): (&(&str, usize), u64)| Cohort::new(name, *people, variants, seed);
    let mut cohorts: Vec<Cohort> = sizes.iter().zip(1..).map(cohort).collect();
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
    let mut cohorts = with_traits(&[("north", 60), ("centre", 60), ("south", 60)], 12, &traits);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    assert_eq!(study_all(&network, &permit, &traits[..10], "sex,age"), 180);
    leave(&network, &mut cohorts, 3);
    let people = study_all(&network, &permit, &traits[10..], "sex,age");
    assert!((120..=163).contains(&people), "{people} people");
}

/// A hundred studies in a row, and before every tenth somebody leaves:
/// `cargo test -p ligate --test honest_work -- --ignored`
#[test]
#[ignore = "six minutes of processor time in a debug build"]
fn a_hundred_traits_with_ten_covariates_over_ten_thousand_people() {
    let traits = names(100);
    let sizes = [("north", 3333), ("centre", 3333), ("south", 3334)];
    let mut cohorts = with_traits(&sizes, 100, &traits);
    let more: Vec<String> = (1..=8).map(|number| format!("component{number}")).collect();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        for (number, name) in more.iter().enumerate() {
            cohort.trait_with_missing(name, 0.0, 90_000 + 10 * number as u64 + place as u64);
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let covariates = ["sex", "age"]
        .into_iter()
        .chain(more.iter().map(String::as_str))
        .collect::<Vec<_>>();
    let mut people = 0;
    for (stretch, traits) in traits.chunks(10).enumerate() {
        if stretch > 0 {
            leave(&network, &mut cohorts, stretch);
        }
        people = study_all(&network, &permit, traits, &covariates.join(","));
    }
    assert!(
        people > 9_000,
        "{people} of 10,000 people are still used after nine have left"
    );
}

/// Somebody leaves one of the nodes, which loads its data anew.
fn leave(network: &Network, cohorts: &mut [Cohort], number: usize) {
    let place = number % cohorts.len();
    cohorts[place].remove(7 + 5 * number);
    cohorts[place].load(network, "cohort");
}

const NODES: [&str; 3] = ["north", "centre", "south"];

/// Data users with a permit for all variables each.
fn researchers<const N: usize>(
    network: &Network,
    names: [&str; N],
    traits: &[String],
) -> [Researcher; N] {
    let variables = format!("sex,age,{}", traits.join(","));
    names.map(|name| Researcher::new(network, name, &NODES, &["--variables", &variables]))
}

/// Studies a trait inside and exports what may leave of it; says how many people took part and how
/// many variants left.
#[track_caller]
fn study_and_export(network: &Network, who: &Researcher, trait_name: &str) -> (u64, u64) {
    who.released(network, trait_name, &["--covariates", "sex,age"]);
    who.exported(network, trait_name);
    let account = public(network, &who.name, trait_name).join(format!("{trait_name}.export.json"));
    let account = fs::read_to_string(account).expect("an account of the export");
    let account: serde_json::Value = serde_json::from_str(&account).expect("JSON");
    let number = |name: &str| account[name].as_u64().expect("a number");
    eprintln!(
        "{}, {trait_name}: {} people; {} variants left, from a frequency of {}",
        who.name,
        number("people"),
        number("variants"),
        account["lowest_frequency"]
    );
    (number("people"), number("variants"))
}

#[test]
fn ten_departures_over_five_permits_through_both_doors() {
    let traits = names(15);
    let mut cohorts = with_traits(
        &[("north", 700), ("centre", 700), ("south", 600)],
        30,
        &traits,
    );
    let network = network(&cohorts);
    let users = researchers(&network, ["ada", "bo", "cleo", "dan", "eva"], &traits);
    for (departure, name) in traits[..10].iter().enumerate() {
        let (_, variants) = study_and_export(&network, &users[departure % 5], name);
        assert!(variants > 0, "something leaves of {name}");
        leave(&network, &mut cohorts, departure);
    }
    // After ten have left, each of the five goes on.
    for (user, name) in users.iter().zip(&traits[10..]) {
        let (people, variants) = study_and_export(&network, user, name);
        assert!(
            (1500..1990).contains(&people) && variants > 0,
            "{people} of 2,000 people, {variants} variants"
        );
    }
}

/// Diseases of which the covariates say little have nearly the same weights, before and after
/// somebody has left.
#[test]
fn diseases_with_the_same_covariates_after_people_left() {
    let more = ["bmi", "score", "dose"].map(str::to_owned);
    let mut cohorts = with_traits(
        &[("north", 700), ("centre", 700), ("south", 600)],
        20,
        &more,
    );
    let diseases: Vec<String> = (0..6).map(|number| format!("disease{number}")).collect();
    for (cohort, place) in cohorts.iter_mut().zip(0..) {
        for (name, number) in diseases.iter().zip(0..) {
            let share = [0.5, 0.3][number % 2];
            let ill = |_, draw: &mut Draw| u8::from(draw.uniform() < share).to_string();
            cohort.column(name, ill, 700 + 10 * number as u64 + place);
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for (departure, diseases) in diseases.chunks(2).enumerate() {
        if departure > 0 {
            leave(&network, &mut cohorts, departure);
        }
        let people = study_all(&network, &permit, diseases, "sex,age,bmi,score,dose");
        assert!((1700..=2000).contains(&people), "{people} people");
    }
}

#[test]
fn a_second_user_with_the_same_covariates() {
    let traits = names(6);
    let cohorts = with_traits(
        &[("north", 130), ("centre", 110), ("south", 90)],
        30,
        &traits,
    );
    let network = network(&cohorts);
    let [ada, bo] = researchers(&network, ["ada", "bo"], &traits);
    for name in &traits[..4] {
        study_and_export(&network, &ada, name);
    }
    // Two of the traits are hers: all that the second user is shown of them has left, so it costs
    // nothing of his account.
    for name in &traits[2..] {
        bo.released(&network, name, &["--covariates", "sex,age"]);
    }
    for name in &traits[4..] {
        bo.exported(&network, name);
    }
    let shown = succeed(&[
        "ledger",
        "show",
        "--json",
        "--dir",
        text(&network.path("north")),
    ]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    // 1 for everybody, sex, age, and each of the six traits once.
    assert_eq!(
        shown["exported"]["columns"].as_u64(),
        Some(9),
        "{}",
        shown["exported"]
    );
}
