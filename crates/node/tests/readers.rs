//! What can be read out of exported effects by somebody who knows a lot already, over real
//! processes: a reader who knows every value of everybody looks for the carriers of a variant, and
//! one who holds genomes guesses traits. Each attack is mounted on what lies inside, too, where it
//! succeeds.

#[path = "readers/knowledge.rs"]
mod knowledge;
#[path = "readers/linear_program.rs"]
mod linear_program;
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use knowledge::{Row, Values, column, correlation, dosages, rows};
use linear_program::fewest_copies;
use support::{
    Draw, Network,
    cohorts::{Cohort, network},
    researchers::{Researcher, public},
    table,
};

const NODES: [&str; 3] = ["north", "centre", "south"];

fn three(people: usize, variants: usize, traits: &[String]) -> Vec<Cohort> {
    let cohort = |(name, seed): (&&str, u64)| Cohort::new(name, people, variants, seed);
    let mut cohorts: Vec<Cohort> = NODES.iter().zip(1..).map(cohort).collect();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        for (number, name) in traits.iter().enumerate() {
            cohort.trait_with_missing(name, 0.0, 100 * number as u64 + place as u64 + 7);
        }
    }
    cohorts
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("trait{number}")).collect()
}

fn researcher(network: &Network, name: &str, traits: &[String], more: &[&str]) -> Researcher {
    let variables = format!("sex,age,{}", traits.join(","));
    Researcher::new(
        network,
        name,
        &NODES,
        &[&["--variables", &variables], more].concat(),
    )
}

/// Tables of one data user: by trait, the rows by position.
type Tables = BTreeMap<String, BTreeMap<u64, Row>>;

const PEOPLE_PER_NODE: usize = 75;
/// The first variants have ten carriers each, with two copies, as in an isolated population: the
/// fewest that are shown.
const RARE: usize = 6;
const CARRIERS: usize = 10;

/// Gives the first variants their carriers, and the rest frequencies from 0.1 to 0.5.
fn draw_genotypes(cohorts: &mut [Cohort]) {
    let mut draw = Draw::new(11);
    let variants = cohorts[0].genotypes[0].len();
    for variant in 0..variants {
        let mut carriers = BTreeSet::new();
        while carriers.len() < CARRIERS {
            carriers.insert((draw.uniform() * (NODES.len() * PEOPLE_PER_NODE) as f64) as usize);
        }
        // At least ten copies at one node: a variant that is rarer at every node is not offered.
        let carriers: Vec<usize> = carriers
            .into_iter()
            .enumerate()
            .map(|(number, carrier)| {
                if number < 5 {
                    carrier % PEOPLE_PER_NODE
                } else {
                    carrier
                }
            })
            .collect();
        let frequency = 0.1 + 0.4 * variant as f64 / variants as f64;
        for (place, cohort) in cohorts.iter_mut().enumerate() {
            for (person, calls) in cohort.genotypes.iter_mut().enumerate() {
                let mut copy = || u8::from(draw.uniform() < frequency);
                let drawn = copy() + copy();
                let carries = carriers.contains(&(place * PEOPLE_PER_NODE + person));
                calls[variant] = Some(if variant < RARE {
                    2 * u8::from(carries)
                } else {
                    drawn
                });
            }
        }
    }
}

/// What a linear program makes of a variant's tables.
struct Reading {
    /// How the dosages that it finds go together with the true ones.
    correlation: f64,
    /// Of as many people as there are carriers, those with the most copies: the share that are
    /// carriers.
    right: f64,
    /// The share of carriers among all people.
    chance: f64,
    /// Tables that have the variant.
    tables: usize,
}

fn read(known: &Values, tables: &Tables, cohorts: &[Cohort], variant: usize) -> Reading {
    let position = 1_000_000 * (variant as u64 + 1);
    let rows: Vec<(&str, Row)> = tables
        .iter()
        .filter_map(|(name, rows)| Some((name.as_str(), *rows.get(&position)?)))
        .collect();
    let truth = dosages(cohorts, variant);
    let found = fewest_copies(&known.conditions(&rows), truth.len());
    let carriers = truth.iter().filter(|dosage| **dosage > 0.0).count();
    let mut suspects: Vec<usize> = (0..truth.len()).collect();
    suspects.sort_by(|a, b| found[*b].total_cmp(&found[*a]));
    let named = suspects
        .iter()
        .take(carriers)
        .filter(|person| truth[**person] > 0.0)
        .count();
    Reading {
        correlation: correlation(&found, &truth),
        right: named as f64 / carriers as f64,
        chance: carriers as f64 / truth.len() as f64,
        tables: rows.len(),
    }
}

/// Studies trait after trait until the span rule ends it.
fn study_all(network: &Network, ada: &Researcher, traits: &[String]) -> Tables {
    let mut inside = Tables::new();
    for name in traits {
        let run = ada.study(network, name, &["--covariates", "sex,age"]);
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(said.contains("span rule"), "{said}");
            break;
        }
        let file = ada
            .result(network, name)
            .join(format!("{name}.gwas.tsv.gz"));
        inside.insert(name.clone(), rows(&file, false));
    }
    inside
}

/// Exports the studied traits one after another, as long as anything leaves; gives what left, and
/// the largest leverage with which it did.
fn export_all(network: &Network, ada: &Researcher, traits: &[String]) -> (Tables, f64) {
    let (mut outside, mut leverage) = (Tables::new(), 0.0_f64);
    for name in traits {
        let export = ada.export(network, name, &[]);
        if !export.status.success() {
            let said = String::from_utf8_lossy(&export.stderr).into_owned();
            assert!(said.contains("too rare (rule: variants)"), "{said}");
            break;
        }
        let folder = public(network, &ada.name, name);
        outside.insert(
            name.clone(),
            rows(&folder.join(format!("{name}.gwas.tsv.gz")), true),
        );
        let account =
            fs::read_to_string(folder.join(format!("{name}.export.json"))).expect("an account");
        let account: serde_json::Value = serde_json::from_str(&account).expect("JSON");
        let least = account["lowest_frequency"].as_f64().expect("a frequency");
        let variance = 2.0 * least * (1.0 - least);
        leverage = leverage.max(variance / (1.0 + variance));
    }
    (outside, leverage)
}

/// Who carries a variant (`bench/attacks/carriers.py` has larger figures).
#[test]
fn carriers_by_linear_programming() {
    let traits = names(38);
    let mut cohorts = three(PEOPLE_PER_NODE, 30, &traits);
    draw_genotypes(&mut cohorts);
    let network = network(&cohorts);
    let ada = researcher(&network, "ada", &traits, &[]);
    let known = Values::of(&cohorts, &["sex", "age"]);

    let inside = study_all(&network, &ada, &traits);
    let all_named = |tables: &Tables, variant: usize| {
        let reading = read(&known, tables, &cohorts, variant);
        eprintln!(
            "variant {variant}: {} tables, right in {:.0}%, chance {:.0}%, correlation {:.2}",
            reading.tables,
            100.0 * reading.right,
            100.0 * reading.chance,
            reading.correlation
        );
        reading.right == 1.0
    };
    let named = (0..RARE)
        .filter(|variant| all_named(&inside, *variant))
        .count();
    assert!(
        2 * named > RARE,
        "inside, all carriers of {named} of {RARE} variants follow from the tables"
    );

    let studied: Vec<String> = traits
        .iter()
        .filter(|name| inside.contains_key(*name))
        .cloned()
        .collect();
    let (outside, leverage) = export_all(&network, &ada, &studied);
    let held_back = ada
        .result(&network, &studied[0])
        .join(format!("{}.held-back.tsv.gz", studied[0]));
    let (_, held_back) = table(&held_back);
    for variant in 0..RARE {
        let position = (1_000_000 * (variant + 1)).to_string();
        let row = held_back
            .iter()
            .find(|row| row[1] == position)
            .expect("a rare variant is held back");
        assert!(row[4].contains("rule: variants"), "{row:?}");
    }
    assert!(
        outside.len() >= 5,
        "something left of {} traits",
        outside.len()
    );
    let (mut correlations, mut gains) = (Vec::new(), Vec::new());
    for variant in 0..cohorts[0].genotypes[0].len() {
        let reading = read(&known, &outside, &cohorts, variant);
        assert!(
            variant >= RARE || reading.tables == 0,
            "variant {variant} left"
        );
        if reading.tables > 0 {
            assert!(
                !all_named(&outside, variant),
                "all carriers of variant {variant} follow from what left"
            );
            correlations.push(reading.correlation);
            gains.push(reading.right - reading.chance);
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    eprintln!(
        "{} traits left, largest leverage {leverage:.2}",
        outside.len()
    );
    eprintln!(
        "mean correlation {:.2}, mean gain {:.2}",
        mean(&correlations),
        mean(&gains)
    );
    assert!(
        correlations.len() >= 5,
        "{} variants left",
        correlations.len()
    );
    // The best linear guess of a person's dosage goes together with it by the square root of the
    // person's leverage, which is columns / people on average: no more than that is promised.
    let limit = ((outside.len() + 3) as f64 / (NODES.len() * PEOPLE_PER_NODE) as f64).sqrt();
    assert!(
        mean(&correlations) <= limit,
        "{:.2}, where {limit:.2} is promised",
        mean(&correlations)
    );
}

/// The sum of effect times dosage, less its mean, of each person; `rows` by position.
fn guesses(rows: &BTreeMap<u64, Row>, cohorts: &[Cohort]) -> Vec<f64> {
    let guess = |calls: &[Option<u8>]| -> f64 {
        let of_variant = |(position, row): (&u64, &Row)| {
            let place = *position as usize / SPACING - 1;
            let dosage = f64::from(calls[place].expect("a call"));
            row.beta.value * (dosage - 2.0 * row.frequency.value)
        };
        rows.iter().map(of_variant).sum()
    };
    let people = cohorts.iter().flat_map(|cohort| &cohort.genotypes);
    people.map(|calls| guess(calls)).collect()
}

/// Bases from one variant to the next, where many must fit on a chromosome.
const SPACING: usize = 100_000;

/// Puts the variants nearer to each other.
fn draw_near(cohort: &mut Cohort) {
    cohort
        .positions
        .iter_mut()
        .zip(1..)
        .for_each(|(position, variant)| *position = SPACING * variant);
}

/// What a person's trait is (Im et al., AJHG 90:591 (2012); `bench/attacks/trait_guess.py` has
/// larger figures). No variant has a true effect, so that whatever is guessed right is due to
/// taking part.
#[test]
fn traits_by_holding_genomes() {
    let traits = names(5);
    let (people, variants) = (110, 2000);
    let mut cohorts = three(people, variants, &traits);
    cohorts.iter_mut().for_each(draw_near);
    let mut others: Vec<Cohort> = (0..3)
        .map(|number| Cohort::new("others", people, variants, 50 + number))
        .collect();
    for (place, cohort) in others.iter_mut().enumerate() {
        draw_near(cohort);
        for (number, name) in traits.iter().enumerate() {
            cohort.trait_with_missing(name, 0.0, 5000 + 10 * number as u64 + place as u64);
        }
    }
    let network = network(&cohorts);
    let ada = researcher(&network, "ada", &traits, &[]);
    let mut of_full_table = Vec::new();
    let (mut of_export, mut told, mut of_others) = (Vec::new(), Vec::new(), Vec::new());
    for name in &traits[..4] {
        ada.released(&network, name, &["--covariates", "sex,age"]);
        let inside = ada.result(&network, name);
        let full = rows(&inside.join(format!("{name}.gwas.tsv.gz")), false);
        let truth = column(&cohorts, name);
        of_full_table.push(correlation(&guesses(&full, &cohorts), &truth));
        ada.exported(&network, name);
        let left = rows(
            &public(&network, "ada", name).join(format!("{name}.gwas.tsv.gz")),
            true,
        );
        of_export.push(correlation(&guesses(&left, &cohorts), &truth));
        of_others.push(correlation(
            &guesses(&left, &others),
            &column(&others, name),
        ));
        told.push(guess_told(&network, "ada", name));
        let (_, held_back) = table(&inside.join(format!("{name}.held-back.tsv.gz")));
        let by_number = held_back
            .iter()
            .filter(|row| row[4].contains("rule: how many"))
            .count();
        assert!(
            by_number > 0 && left.len() + held_back.len() == full.len(),
            "{by_number} are too many"
        );
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    eprintln!(
        "inside: {of_full_table:.2?}; exported: {of_export:.2?}, told {told:.2?}; others {of_others:.2?}"
    );
    assert!(mean(&of_full_table) > 0.85, "the attack succeeds inside");
    assert!(
        mean(&of_export) < 0.35 && mean(&told) < 0.33,
        "exported: {of_export:?}, told: {told:?}"
    );
    assert!(
        mean(&of_others).abs() < 0.1,
        "nothing is known of people who took no part"
    );

    // A permit can let the full table leave; then the table bears the number.
    let bo = researcher(&network, "bo", &traits, &["--export-full-table"]);
    let name = &traits[4];
    bo.released(&network, name, &["--covariates", "sex,age"]);
    bo.exported(&network, name);
    let left = rows(
        &public(&network, "bo", name).join(format!("{name}.gwas.tsv.gz")),
        true,
    );
    let guessed = correlation(&guesses(&left, &cohorts), &column(&cohorts, name));
    let told = guess_told(&network, "bo", name);
    assert!(
        guessed > 0.85 && (guessed - told).abs() < 0.1,
        "{guessed} is guessed, {told} told"
    );
}

/// How well traits can be guessed, as an export tells.
fn guess_told(network: &Network, user: &str, name: &str) -> f64 {
    let account = public(network, user, name).join(format!("{name}.export.json"));
    let account = fs::read_to_string(account).expect("an account of the export");
    let account: serde_json::Value = serde_json::from_str(&account).expect("JSON");
    account["guess_of_trait"].as_f64().expect("a number")
}
