//! What an ordinary data user can try with permits, unchanged programs and released tables: each
//! test mounts one attack over real processes, sees it fail, and reads which rule stopped it.

mod support;

use std::{os::unix::fs::PermissionsExt, sync::atomic::AtomicBool};

use ligate_lake::{HistoryKey, Lake, LoadRequest, VcfGroup};
use support::{
    Draw, Network,
    cohorts::{Cohort, network, permit, released},
    fail, ligate, succeed, text,
};

const PEOPLE: [(&str, usize); 3] = [("north", 130), ("centre", 110), ("south", 90)];

fn three() -> Vec<Cohort> {
    PEOPLE
        .iter()
        .zip(1..)
        .map(|((name, people), seed)| Cohort::new(name, *people, 30, seed))
        .collect()
}

/// A trait of normal values at each of the cohorts.
fn add_trait(cohorts: &mut [Cohort], name: &str, missing: f64, seed: u64) {
    for (cohort, number) in cohorts.iter_mut().zip(0..) {
        cohort.trait_with_missing(name, missing, 1000 * seed + number);
    }
}

/// A copy of a column under another name, changed for some people of each cohort.
fn copy_with(
    cohorts: &mut [Cohort],
    name: &str,
    copy: &str,
    change: impl Fn(usize, usize, &str) -> String,
) {
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        let values = cohort.values(name).clone();
        let changed = values
            .iter()
            .enumerate()
            .map(|(person, value)| change(place, person, value))
            .collect();
        cohort.columns.push((copy.to_owned(), changed));
    }
}

fn more(value: &str) -> String {
    format!("{:.2}", value.parse::<f64>().expect("a value") + 1.0)
}

#[track_caller]
fn stopped_by_the_span_rule(said: &str, variable: &str) {
    assert!(said.contains("span rule"), "{said}");
    assert!(said.contains(&format!("leave {variable} out")), "{said}");
}

#[test]
fn two_traits_that_differ_in_one_person_and_in_nine() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    copy_with(&mut cohorts, "ldl", "one", |place, person, value| {
        if place == 0 && person == 7 {
            more(value)
        } else {
            value.to_owned()
        }
    });
    copy_with(&mut cohorts, "ldl", "nine_here", |place, person, value| {
        if place == 1 && person < 9 {
            more(value)
        } else {
            value.to_owned()
        }
    });
    copy_with(&mut cohorts, "ldl", "nine_spread", |_, person, value| {
        if (40..43).contains(&person) {
            more(value)
        } else {
            value.to_owned()
        }
    });
    copy_with(&mut cohorts, "ldl", "many", |_, person, value| {
        if person % 3 == 0 {
            more(value)
        } else {
            value.to_owned()
        }
    });
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl", "--covariates", "sex,age"]);
    for variable in ["one", "nine_here"] {
        let said = network.refused(&permit, &["--trait", variable, "--covariates", "sex,age"]);
        stopped_by_the_span_rule(&said, variable);
    }
    let said = network.refused(
        &permit,
        &["--trait", "nine_spread", "--covariates", "sex,age"],
    );
    assert!(said.contains("span rule"), "{said}");
    network.released(&permit, &["--trait", "many", "--covariates", "sex,age"]);
}

#[test]
fn a_covariate_with_one_and_with_nine_carriers() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    let flag = |cohorts: &mut [Cohort], name: &str, carrier: &dyn Fn(usize, usize) -> bool| {
        for (place, cohort) in cohorts.iter_mut().enumerate() {
            cohort.column(
                name,
                |person, _| u8::from(carrier(place, person)).to_string(),
                0,
            );
        }
    };
    flag(&mut cohorts, "one", &|place, person| {
        place == 1 && person == 3
    });
    flag(&mut cohorts, "nine", &|place, person| {
        place == 1 && person < 9
    });
    flag(&mut cohorts, "nine_spread", &|_, person| person < 3);
    flag(&mut cohorts, "thirty_spread", &|_, person| person < 12);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for (variable, named) in [("one", true), ("nine", true), ("nine_spread", false)] {
        let said = network.refused(&permit, &["--trait", "ldl", "--covariates", variable]);
        assert!(said.contains("span rule"), "{variable}: {said}");
        assert!(!named || said.contains(variable), "{variable}: {said}");
    }
    network.released(
        &permit,
        &["--trait", "ldl", "--covariates", "thirty_spread"],
    );
}

#[test]
fn four_jobs_whose_people_differ_widely_in_pairs() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    // Twenty lack c1, twenty lack c2, one person lacks both.
    let lacks = |cohorts: &mut [Cohort], name: &str, from: usize| {
        for (place, cohort) in cohorts.iter_mut().enumerate() {
            let missing = |person: usize| place == 0 && (from..from + 20).contains(&person);
            cohort.column(
                name,
                |person, draw| {
                    let value = format!("{:.1}", draw.uniform() * 10.0);
                    if missing(person) {
                        "NA".to_owned()
                    } else {
                        value
                    }
                },
                77 + from as u64,
            );
        }
    };
    lacks(&mut cohorts, "c1", 10);
    lacks(&mut cohorts, "c2", 29);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let complete = |covariates: &str| {
        let mut args = vec!["--trait", "ldl", "--people", "complete"];
        if !covariates.is_empty() {
            args.extend(["--covariates", covariates]);
        }
        network.gwas(&permit, &args)
    };
    let outcomes: Vec<bool> = ["c1", "c2", "c1,c2", ""]
        .iter()
        .map(|c| complete(c).status.success())
        .collect();
    // Not all four with the very people that the attack needs: either one is refused, or the ledger
    // chose other people.
    let counts: Vec<u64> = {
        let shown = succeed(&[
            "ledger",
            "show",
            "--json",
            "--dir",
            text(&network.path("north")),
        ]);
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        let used = &shown["inside"][0]["used"];
        assert!(
            used["leverage"].as_f64().expect("a number") < 0.75,
            "{used}"
        );
        vec![used["columns"].as_u64().expect("a number")]
    };
    assert!(outcomes.iter().any(|done| *done) && counts[0] > 0);
}

#[test]
fn one_roster_for_a_data_user() {
    let mut cohorts: Vec<Cohort> = ["a", "b", "c", "d", "e"]
        .iter()
        .zip(1..)
        .map(|(name, seed)| Cohort::new(name, 80, 30, seed))
        .collect();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let with = |left_out: &[&str]| {
        let mut args = vec!["--trait", "ldl"];
        if left_out != ["d", "e"] {
            args.extend(["--covariates", "sex"]);
        }
        left_out
            .iter()
            .for_each(|node| args.extend(["--without", node]));
        network.gwas(&permit, &args)
    };
    let abc = with(&["d", "e"]);
    assert!(
        abc.status.success(),
        "{}",
        String::from_utf8_lossy(&abc.stderr)
    );
    for others in [&["b", "c"][..], &["a"], &["e"], &[]] {
        let said = String::from_utf8_lossy(&with(others).stderr).into_owned();
        assert!(said.contains("one roster"), "without {others:?}: {said}");
    }
    // Another key for the same researcher, and another permit.
    let other = network.path("other.key");
    succeed(&["key", "--out", text(&other)]);
    let second = network.path("second.jws");
    let key = network.path("other.pub");
    let mut issue = vec!["permit", "issue"];
    let hdab = network.path("hdab");
    issue.extend([
        "--dir",
        text(&hdab),
        "--user",
        "Researcher",
        "--user-key",
        text(&key),
    ]);
    for node in ["a/cohort", "d/cohort", "e/cohort"] {
        issue.extend(["--dataset", node]);
    }
    issue.extend([
        "--purpose",
        "research",
        "--about",
        "again",
        "--variables",
        "ldl",
        "--out",
        text(&second),
    ]);
    succeed(&issue);
    let said = network.refused(&second, &["--trait", "ldl", "--key", text(&other)]);
    assert!(said.contains("one roster"), "{said}");
    // The stewards' word.
    let nodes = [
        "--dataset",
        "cohort",
        "--data-user",
        "researcher",
        "--nodes",
        "a,d,e",
    ];
    for node in ["a", "d", "e"] {
        let dir = network.path(node);
        succeed(&[&["ledger", "allow", "--dir", text(&dir)][..], &nodes].concat());
    }
    network.released(&second, &["--trait", "ldl", "--key", text(&other)]);
}

/// The people of a run: the difference of two released counts of people.
fn people_of(network: &Network, trait_name: &str) -> u64 {
    let table = released(network, trait_name);
    table
        .values()
        .filter_map(|row| row["n"].parse::<u64>().ok())
        .max()
        .expect("a released variant")
}

#[test]
fn one_person_leaves_or_is_corrected() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.02, 1);
    add_trait(&mut cohorts, "bmi", 0.02, 2);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl", "--covariates", "sex,age"]);
    let before = people_of(&network, "ldl");
    assert_eq!(before, 330);
    let first = released(&network, "ldl");
    // One person of the north leaves; the same study under a new job, and another trait.
    cohorts[0].remove(11);
    cohorts[0].load(&network, "cohort");
    network.released(&permit, &["--trait", "bmi", "--covariates", "sex,age"]);
    let after = people_of(&network, "bmi");
    assert!(
        (before - 100..=before - 17).contains(&after),
        "{after} of {before} people"
    );
    // The attack: the difference of the allele counts is not that person's genotype.
    let second = released(&network, "bmi");
    let copies = |row: &std::collections::BTreeMap<String, String>| {
        let number = |name: &str| row[name].parse::<f64>().expect("a number");
        2.0 * number("n") * number("effect_allele_frequency")
    };
    let guesses = first.iter().filter(|(place, row)| {
        second
            .get(place)
            .is_some_and(|other| (0.0..=2.0).contains(&(copies(row) - copies(other)).round()))
    });
    assert!(
        guesses.count() <= 3,
        "differences that could be one genotype"
    );
    // A corrected value.
    let old = cohorts[0].values("bmi")[20].clone();
    cohorts[0].values("bmi")[20] = if old == "NA" {
        "5.00".to_owned()
    } else {
        more(&old)
    };
    cohorts[0].load(&network, "cohort");
    let run = network.gwas(&permit, &["--trait", "bmi", "--covariates", "age"]);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success() || said.contains("span rule"), "{said}");
    if run.status.success() {
        // He took part in neither, or others are left out with him than before, maybe as many.
        let third = released(&network, "bmi");
        let differences: Vec<f64> = second
            .iter()
            .filter_map(|(place, row)| {
                Some((copies(row) - copies(third.get(place)?)).round().abs())
            })
            .collect();
        let some = differences
            .iter()
            .filter(|difference| **difference > 0.0)
            .count();
        let few = differences
            .iter()
            .filter(|difference| **difference <= 2.0)
            .count();
        assert!(
            some == 0 || few < differences.len() * 4 / 5,
            "{differences:?} could be one person's"
        );
    }
}

#[test]
fn the_same_people_under_another_dataset_id() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    cohorts[0].remove(5);
    cohorts[0].load(&network, "copy");
    let second = network.path("second.jws");
    let (hdab, key) = (network.path("hdab"), network.path("user.pub"));
    let mut issue = vec![
        "permit",
        "issue",
        "--dir",
        text(&hdab),
        "--user",
        "researcher",
        "--user-key",
        text(&key),
    ];
    issue.extend([
        "--dataset",
        "north/copy",
        "--dataset",
        "centre/cohort",
        "--dataset",
        "south/cohort",
    ]);
    issue.extend([
        "--purpose",
        "research",
        "--about",
        "x",
        "--variables",
        "ldl,sex",
        "--out",
        text(&second),
    ]);
    succeed(&issue);
    let said = network.refused(&second, &["--trait", "ldl", "--covariates", "sex"]);
    assert!(said.contains("the same under every dataset id"), "{said}");
}

#[test]
fn a_large_node_cannot_subtract_its_own_people() {
    let mut cohorts = vec![
        Cohort::new("large", 900, 10, 1),
        Cohort::new("small", 40, 10, 2),
        Cohort::new("tiny", 30, 10, 3),
    ];
    let mut draw = Draw::new(5);
    // Enough traits that they are nothing for 970 people and everything for 70.
    for number in 0..30 {
        add_trait(
            &mut cohorts,
            &format!("t{number}"),
            0.0,
            10 + (draw.uniform() * 1e6) as u64,
        );
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let mut stopped = None;
    for number in 0..30 {
        let name = format!("t{number}");
        let run = network.gwas(&permit, &["--trait", &name, "--covariates", "sex,age"]);
        if !run.status.success() {
            stopped = Some((number, String::from_utf8_lossy(&run.stderr).into_owned()));
            break;
        }
    }
    let (number, said) = stopped.expect("the rule without the large node stops the user");
    assert!(
        said.contains("span rule") && number >= 8,
        "{number}: {said}"
    );
}

#[test]
fn decimals_that_spell_people() {
    let mut cohorts = three();
    for cohort in &mut cohorts {
        let sex = cohort.values("sex").clone();
        let coded = sex.iter().enumerate().map(|(person, value)| {
            let digit = (0..3).find(|digit| person == 10 * digit + 3);
            let code = digit.map_or(0.0, |digit| 1e-6 * 3.0_f64.powi(digit as i32));
            format!("{:.6}", value.parse::<f64>().expect("a value") + code)
        });
        let coded = coded.collect();
        cohort.columns.push(("coded".to_owned(), coded));
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "coded", "--family", "linear"]);
    let coded = released(&network, "coded");
    let digits = coded
        .values()
        .flat_map(|row| ["beta", "standard_error"].map(|name| row[name].clone()));
    for digit in digits {
        let mantissa = digit.split(['e', 'E']).next().unwrap_or_default();
        let significant = mantissa
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>();
        assert!(significant.trim_start_matches('0').len() <= 6, "{digit}");
    }
    // That values were rounded is said of the variable, not of whom or how many.
    let meta = std::fs::read_to_string(network.path("results/coded.gwas.tsv.gz-meta.yaml"))
        .expect("metadata");
    assert!(
        meta.contains("Values of coded off the step that the others keep to were rounded to it"),
        "{meta}"
    );
    // Without the code the same table comes out.
    let said = network.gwas(&permit, &["--trait", "sex", "--family", "linear"]);
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let meta = std::fs::read_to_string(network.path("results/sex.gwas.tsv.gz-meta.yaml"))
        .expect("metadata");
    assert!(!meta.contains("rounded"), "{meta}");
    let plain = released(&network, "sex");
    for (place, row) in &coded {
        assert_eq!(row["beta"], plain[place]["beta"], "at {place}");
    }
}

#[test]
fn small_counts_of_alleles_and_people() {
    let mut cohorts = three();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        cohort.column(
            "t2d",
            |_, draw| u8::from(draw.uniform() < 0.4).to_string(),
            90 + place as u64,
        );
        let ill: Vec<bool> = cohort
            .values("t2d")
            .iter()
            .map(|value| value == "1")
            .collect();
        for (person, calls) in cohort.genotypes.iter_mut().enumerate() {
            // Variant 0: one copy among the controls. 1: one homozygote. 2: no homozygote at all.
            let first_control = place == 0 && ill[..person].iter().all(|ill| *ill) && !ill[person];
            calls[0] = Some(u8::from((ill[person] && person % 2 == 0) || first_control));
            calls[1] = Some(if place == 0 && person == 9 {
                2
            } else {
                u8::from(person % 3 == 0)
            });
            calls[2] = Some(u8::from(person % 3 == 0));
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "t2d"]);
    let table = released(&network, "t2d");
    assert!(
        !table.contains_key(&1_000_000)
            && !table.contains_key(&2_000_000)
            && table.contains_key(&3_000_000)
    );
    let (names, rows) = support::table(&network.path("results/t2d.suppressed.tsv.gz"));
    let all = format!("{names:?}{rows:?}");
    assert!(
        all.contains("among controls") && all.contains("two copies"),
        "{all}"
    );
}

/// The thresholds among cases and controls, around which `--family linear` led: a disease has the
/// same ones in both families, and so has one to whose values a few people's decimals were added,
/// or that is written as 1 and 2.
#[test]
fn small_counts_among_cases_in_a_linear_study_of_a_disease() {
    let mut cohorts = three();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        cohort.column(
            "t2d",
            |_, draw| u8::from(draw.uniform() < 0.4).to_string(),
            90 + place as u64,
        );
        let ill: Vec<bool> = cohort
            .values("t2d")
            .iter()
            .map(|value| value == "1")
            .collect();
        let coded = |person: usize, _: &mut Draw| {
            let few = place == 0 && person < 3;
            format!(
                "{}{}",
                u8::from(ill[person]),
                if few { ".000001" } else { "" }
            )
        };
        cohort.column("coded", coded, 0);
        cohort.column(
            "status",
            |person, _| (1 + u8::from(ill[person])).to_string(),
            0,
        );
        let first = |wanted: bool| ill.iter().position(|ill| *ill == wanted);
        for (person, calls) in cohort.genotypes.iter_mut().enumerate() {
            // Variant 0: one copy among the controls. 1: none among the cases. 2: one carrier among
            // the cases.
            let [a_control, a_case] =
                [false, true].map(|ill| place == 0 && first(ill) == Some(person));
            calls[0] = Some(u8::from((ill[person] && person % 2 == 0) || a_control));
            calls[1] = Some(u8::from(!ill[person] && person % 3 == 0));
            calls[2] = Some(u8::from((!ill[person] && person % 3 == 0) || a_case));
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for name in ["t2d", "coded", "status"] {
        network.released(&permit, &["--trait", name, "--family", "linear"]);
        let table = released(&network, name);
        let left: Vec<u64> = table
            .keys()
            .copied()
            .filter(|place| *place <= 4_000_000)
            .collect();
        assert_eq!(left, [4_000_000], "{name}");
        let (_, rows) = support::table(
            &network
                .path("results")
                .join(format!("{name}.suppressed.tsv.gz")),
        );
        let rules = format!("{rows:?}");
        assert!(
            rules.contains("minor allele among controls"),
            "{name}: {rules}"
        );
        assert!(
            rules.contains("minor allele among cases"),
            "{name}: {rules}"
        );
    }
}

#[test]
fn a_study_in_another_detail() {
    let mut cohorts = three();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        cohort.column(
            "t2d",
            |_, draw| u8::from(draw.uniform() < 0.4).to_string(),
            90 + place as u64,
        );
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "t2d"]);
    let said = network.refused(&permit, &["--trait", "t2d", "--wald-below", "0.5"]);
    assert!(
        said.contains("--wald-below") && said.contains("one answer"),
        "{said}"
    );
}

#[test]
fn a_registrys_own_counts_against_a_study() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    cohorts[0].values("ldl")[4] = "NA".to_owned();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    // A study that lacks one person, and then the counts of all.
    network.released(&permit, &["--trait", "ldl", "--people", "complete"]);
    let north = network.path("north");
    let said = fail(&[
        "registry",
        "alleles",
        "--dir",
        text(&north),
        "--dataset",
        "cohort",
    ]);
    assert!(said.contains("rule: own counts"), "{said}");
}

#[test]
fn a_study_over_nodes_that_published_their_own_counts() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for node in ["north", "centre"] {
        let dir = network.path(node);
        succeed(&[
            "registry",
            "alleles",
            "--dir",
            text(&dir),
            "--dataset",
            "cohort",
        ]);
        let shown = succeed(&["ledger", "show", "--dir", text(&dir)]);
        assert!(
            shown.contains("exported, for everybody: 1 columns"),
            "{shown}"
        );
    }
    // The study, less what two have published, would be the third's own counts: nothing of it is
    // shown.
    network.released(&permit, &["--trait", "ldl"]);
    assert!(released(&network, "ldl").is_empty());
}

#[test]
fn own_counts_after_a_corrected_call() {
    let mut cohorts = three();
    let network = network(&cohorts);
    let dir = network.path("north");
    let release = || {
        succeed(&[
            "registry",
            "alleles",
            "--dir",
            text(&dir),
            "--dataset",
            "cohort",
        ])
    };
    let first = release();
    cohorts[0].genotypes[8][4] = cohorts[0].genotypes[8][4].map(|dosage| (dosage + 1) % 3);
    cohorts[0].load(&network, "cohort");
    let rows = |said: &str| {
        said.split(' ')
            .next()
            .and_then(|rows| rows.parse::<u32>().ok())
            .expect("a number")
    };
    assert_eq!(
        rows(&release()) + 1,
        rows(&first),
        "the corrected variant is withheld"
    );
}

#[test]
fn a_plan_says_what_a_study_would_use() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.02, 1);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let (dir, key) = (network.path("hdab"), network.path("user.key"));
    let plan = [
        "gwas",
        "--dir",
        text(&dir),
        "--permit",
        text(&permit),
        "--key",
        text(&key),
        "--plan",
        "--json",
    ];
    let args = [&plan[..], &["--trait", "ldl", "--covariates", "sex,age"]].concat();
    let said: serde_json::Value = serde_json::from_str(&succeed(&args)).expect("JSON");
    assert_eq!(
        (said["columns_shown"].as_u64(), said["columns_new"].as_u64()),
        (Some(0), Some(4))
    );
    assert!(
        said["leverage"]
            .as_f64()
            .is_some_and(|used| used > 0.0 && used < 0.5),
        "{said}"
    );
    let shown = succeed(&["ledger", "show", "--dir", text(&network.path("north"))]);
    assert!(
        shown.contains("planned") && !shown.contains("columns of people"),
        "{shown}"
    );
    network.released(&permit, &["--trait", "ldl", "--covariates", "sex,age"]);
    let after: serde_json::Value = serde_json::from_str(&succeed(&args)).expect("JSON");
    assert_eq!(after["columns_shown"].as_u64(), Some(4));
    assert!(
        !ligate(&["ledger", "show", "--dir", text(&dir)])
            .stdout
            .is_empty()
    );
}

#[test]
fn a_stored_release_after_a_veto() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    assert!(
        network
            .released(&permit, &["--trait", "ldl"])
            .contains("answered on")
    );
    let settings = network.path("centre").join("ligate.toml");
    let written = std::fs::read_to_string(&settings).expect("settings");
    std::fs::write(
        &settings,
        written.replace("variables = []", "variables = [\"ldl\"]"),
    )
    .expect("settings");
    let said = network.refused(&permit, &["--trait", "ldl"]);
    assert!(said.contains("steward refuses the variable ldl"), "{said}");
}

#[test]
fn calls_that_change_for_one_person() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    cohorts[0].genotypes[7][3] = None;
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    assert!(
        released(&network, "ldl").contains_key(&4_000_000)
            && released(&network, "ldl").contains_key(&5_000_000)
    );
    // A missing call is filled, another one corrected: of these two variants nothing more is shown.
    cohorts[0].genotypes[7][3] = Some(1);
    cohorts[0].genotypes[8][4] = cohorts[0].genotypes[8][4].map(|dosage| (dosage + 1) % 3);
    cohorts[0].load(&network, "cohort");
    network.released(&permit, &["--trait", "ldl", "--covariates", "age"]);
    let second = released(&network, "ldl");
    assert!(
        !second.contains_key(&4_000_000)
            && !second.contains_key(&5_000_000)
            && second.contains_key(&6_000_000)
    );
    let (_, rows) = support::table(&network.path("results/ldl.suppressed.tsv.gz"));
    assert_eq!(
        rows.iter()
            .filter(|row| format!("{row:?}").contains("calls have changed"))
            .count(),
        2,
        "{rows:?}"
    );
}

/// One person of the north leaves with a load after a study, and everybody is loaded again, with
/// `back` applied.
fn leaves_and_comes_back(leave: impl Fn(&Cohort, &Network), back: impl Fn(&mut Cohort)) {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    add_trait(&mut cohorts, "bmi", 0.0, 2);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    let (mut everybody, before) = (cohorts[0].clone(), people_of(&network, "ldl"));
    cohorts[0].remove(5);
    leave(&cohorts[0], &network);
    back(&mut everybody);
    everybody.load(&network, "cohort");
    network.released(&permit, &["--trait", "bmi"]);
    assert!(
        people_of(&network, "bmi") < before,
        "who came back takes part in no study"
    );
}

#[test]
fn somebody_who_leaves_and_comes_back_with_other_calls() {
    leaves_and_comes_back(
        |cohort, network| cohort.load(network, "cohort"),
        |back| back.genotypes[5][3] = back.genotypes[5][3].map(|dosage| (dosage + 1) % 3),
    );
}

/// A load that dies just after its snapshot came into force leaves that snapshot, and nobody has
/// noted who left.
#[test]
fn somebody_who_left_with_a_load_that_died_and_comes_back() {
    leaves_and_comes_back(load_and_die, |_| {});
}

/// Loads the cohort as far as a load comes that dies before the node notes anything.
fn load_and_die(cohort: &Cohort, network: &Network) {
    let (vcf, table) = cohort.write(network.dir.path());
    let request = LoadRequest {
        dataset: "cohort".parse().expect("an id"),
        groups: vec![VcfGroup {
            files: vec![vcf],
            id_prefix: None,
        }],
        phenotypes: vec![(table, None)],
        known_as: None,
        assembly: None,
        reference: None,
        threads: 1,
        memory_bytes: 1 << 30,
        one_block: false,
        history_key: HistoryKey::new([1; 32]),
    };
    let lake = Lake::open(&network.path(&cohort.name).join("datasets")).expect("datasets");
    lake.load(&request, &AtomicBool::new(false), &|_| {})
        .expect("a load");
}

/// Three cohorts with as many variants as it takes to know people again.
fn three_known_again() -> Vec<Cohort> {
    let mut cohorts: Vec<Cohort> = PEOPLE
        .iter()
        .zip(1..)
        .map(|((name, people), seed)| Cohort::new(name, *people, 80, seed))
        .collect();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    add_trait(&mut cohorts, "bmi", 0.0, 2);
    cohorts
}

/// Loads a cohort in which some have other ids than before: it is refused, and nothing changed,
/// until the node is told who they are by the table that it wrote itself.
fn load_renamed(cohort: &Cohort, network: &Network, said_first: &str) {
    let (node, (vcf, values)) = (network.path(&cohort.name), cohort.write(network.dir.path()));
    let ingest = [
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "cohort",
        "--vcf",
        text(&vcf),
    ];
    let ingest = [&ingest[..], &["--phenotypes", text(&values)]].concat();
    let loaded = || succeed(&["datasets", "--dir", text(&node), "--json"]);
    let before = loaded();
    let said = fail(&ingest);
    let table = node.join("same-people.tsv");
    assert!(
        said.contains(said_first) && said.contains("people are the same under every id"),
        "{said}"
    );
    assert!(
        said.contains(&format!("--known-as {}", text(&table))),
        "{said}"
    );
    assert_eq!(loaded(), before);
    let mode = std::fs::metadata(&table)
        .expect("a table")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    succeed(&[&ingest[..], &["--known-as", text(&table)]].concat());
}

/// Everybody of the north has another id, and one person left: as new people they would be in no
/// account, and the difference of two studies would be who left.
#[test]
fn one_person_leaves_with_a_change_of_pseudonyms() {
    let mut cohorts = three_known_again();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    let before = people_of(&network, "ldl");
    cohorts[0].remove(11);
    cohorts[0].ids = (0..cohorts[0].ids.len())
        .map(|person| format!("2027-{person}"))
        .collect();
    load_renamed(
        &cohorts[0],
        &network,
        "129 people of these files have the calls of people",
    );
    let log = network.log_of("north");
    assert!(
        log.contains("\"known_as\":129") && !log.contains("other_people"),
        "the log counts them"
    );
    network.released(&permit, &["--trait", "bmi"]);
    let after = people_of(&network, "bmi");
    assert!(
        (before - 100..=before - 10).contains(&after),
        "{after} of {before} people"
    );
    // What people are known by is in a backup.
    let (north, copy) = (network.path("north"), network.path("copy"));
    succeed(&["backup", "--dir", text(&north), "--to", text(&copy)]);
    let [book, copied] =
        [north, copy].map(|folder| std::fs::read(folder.join("datasets/.likeness")));
    assert!(book.expect("a book") == copied.expect("a copy"));
}

/// A dozen people of the north have other ids, and one call of one of them was corrected.
#[test]
fn a_call_that_changes_with_a_dozen_pseudonyms() {
    let mut cohorts = three_known_again();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    let before = people_of(&network, "ldl");
    cohorts[0].ids[20..32]
        .iter_mut()
        .for_each(|id| *id = format!("new-{id}"));
    cohorts[0].genotypes[25][4] = cohorts[0].genotypes[25][4].map(|dosage| (dosage + 1) % 3);
    load_renamed(
        &cohorts[0],
        &network,
        "12 people of these files have the calls of people",
    );
    network.released(&permit, &["--trait", "bmi"]);
    assert_eq!(people_of(&network, "bmi"), before);
    let second = released(&network, "bmi");
    assert!(second.contains_key(&4_000_000) && !second.contains_key(&5_000_000));
    let (_, rows) = support::table(&network.path("results/bmi.suppressed.tsv.gz"));
    assert!(
        format!("{rows:?}").contains("calls have changed"),
        "{rows:?}"
    );
}

#[test]
fn variants_that_a_known_part_of_the_people_was_called_for() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    for cohort in &mut cohorts {
        let people = cohort.genotypes.len();
        for (person, calls) in cohort.genotypes.iter_mut().enumerate() {
            // Variant 3: called for forty people at each node, whom a batch number names. Variant
            // 4: nine in ten.
            calls[3] = calls[3].filter(|_| person < 40);
            calls[4] = calls[4].filter(|_| person * 10 < people * 9);
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    let table = released(&network, "ldl");
    assert!(
        !table.contains_key(&4_000_000)
            && table.contains_key(&5_000_000)
            && table.contains_key(&6_000_000)
    );
    let (_, rows) = support::table(&network.path("results/ldl.suppressed.tsv.gz"));
    assert!(
        format!("{rows:?}").contains("nine people in ten"),
        "{rows:?}"
    );
}

#[test]
fn a_flag_of_a_centre_and_a_disease_of_one_node() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        let coin = |draw: &mut Draw| 1000 * u32::from(draw.uniform() < 0.5);
        cohort.column(
            "last_digit",
            |_, draw| (coin(draw) + u32::from(place == 0)).to_string(),
            3,
        );
        cohort.column("centre", |_, _| u8::from(place == 1).to_string(), 0);
        cohort.column(
            "rare",
            |_, draw| u8::from(place == 2 && draw.uniform() < 0.4).to_string(),
            5,
        );
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for study in [
        ["--trait", "ldl", "--covariates", "centre"],
        ["--trait", "rare", "--covariates", "sex"],
        ["--trait", "last_digit", "--covariates", "sex"],
    ] {
        let said = network.refused(&permit, &study);
        assert!(said.contains("one node among others"), "{study:?}: {said}");
    }
    network.released(&permit, &["--trait", "ldl", "--covariates", "sex"]);
}

/// A trait whose zero or unit one node has moved, beside the trait as it was: their difference is
/// that node's own sum.
#[test]
fn a_trait_that_one_node_measures_anew() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    add_trait(&mut cohorts, "hdl", 0.0, 2);
    copy_with(&mut cohorts, "ldl", "moved", |place, _, value| {
        if place == 0 {
            more(value)
        } else {
            value.to_owned()
        }
    });
    copy_with(&mut cohorts, "ldl", "doubled", |place, _, value| {
        let value: f64 = value.parse().expect("a value");
        format!("{:.2}", if place == 1 { 2.0 * value } else { value })
    });
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl", "--covariates", "sex,age"]);
    for name in ["moved", "doubled"] {
        let said = network.refused(&permit, &["--trait", name, "--covariates", "sex,age"]);
        assert!(
            said.contains("one node among others") && said.contains(&format!("leave {name} out")),
            "{said}"
        );
    }
    network.released(&permit, &["--trait", "hdl", "--covariates", "sex,age"]);
}

/// A disease d, and d2, which is d in another unit, that is half of it again at the north. A
/// quantitative trait, ldl.
fn with_a_disease_in_another_unit() -> Vec<Cohort> {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    for (cohort, seed) in cohorts.iter_mut().zip(40..) {
        cohort.column(
            "d",
            |_, draw| u8::from(draw.uniform() < 0.4).to_string(),
            seed,
        );
    }
    copy_with(&mut cohorts, "d", "d2", |place, _, value| {
        let ill = value == "1";
        (if ill {
            if place == 0 { 4 } else { 2 }
        } else {
            0
        })
        .to_string()
    });
    cohorts
}

#[track_caller]
fn stopped_as_one_nodes_own(said: &str, variable: &str) {
    assert!(said.contains("one node among others"), "{said}");
    assert!(said.contains(&format!("leave {variable} out")), "{said}");
}

/// d2 less twice d are the cases of the north. 1 and the standardised d2 each have no own sum that
/// follows.
#[test]
fn a_disease_that_one_node_writes_in_another_unit() {
    let cohorts = with_a_disease_in_another_unit();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "d", "--family", "linear"]);
    let said = network.refused(&permit, &["--trait", "d2", "--family", "linear"]);
    stopped_as_one_nodes_own(&said, "d2");
}

/// The same, with d2 as a covariate of another trait.
#[test]
fn a_covariate_that_one_node_writes_in_another_unit() {
    let cohorts = with_a_disease_in_another_unit();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "d", "--family", "linear"]);
    network.released(&permit, &["--trait", "ldl"]);
    let said = network.refused(&permit, &["--trait", "ldl", "--covariates", "d2"]);
    stopped_as_one_nodes_own(&said, "d2");
    network.released(&permit, &["--trait", "ldl", "--covariates", "d"]);
}

/// What a meta-analysis of the nodes' own results differs by from the federated study is the nodes'
/// counts, each times the node's share of cases: two diseases and the sum of all three nodes are
/// three equations.
#[test]
fn two_meta_analyses_of_the_nodes_own_results() {
    let mut cohorts = three();
    for (name, shares) in [("asthma", [0.3, 0.5, 0.4]), ("gout", [0.5, 0.35, 0.2])] {
        for ((cohort, share), seed) in cohorts.iter_mut().zip(shares).zip(50..) {
            cohort.column(
                name,
                |_, draw| u8::from(draw.uniform() < share).to_string(),
                seed,
            );
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "asthma", "--baseline"]);
    for study in [
        &["--trait", "gout", "--baseline"][..],
        &["--trait", "gout", "--baseline", "--plan"],
    ] {
        let said = network.refused(&permit, study);
        assert!(
            said.contains("one meta-analysis for a data user and dataset"),
            "{said}"
        );
        assert!(said.contains("without --baseline"), "{said}");
    }
    network.released(&permit, &["--trait", "gout"]);
}

/// A disease that goes with a group, so that the weights of its model are two numbers, and a
/// covariate that has nothing to do with the disease: in the group it is one person's, and outside
/// it everybody's.
fn with_a_covariate_made_for_two_weights() -> Vec<Cohort> {
    let mut cohorts = three();
    for (cohort, seed) in cohorts.iter_mut().zip(70..) {
        cohort.column(
            "group",
            |_, draw| u8::from(draw.uniform() < 0.4).to_string(),
            seed,
        );
        let group = cohort.values("group").clone();
        let rate = |person: usize| if group[person] == "1" { 0.75 } else { 0.25 };
        cohort.column(
            "gout",
            |person, draw| u8::from(draw.uniform() < rate(person)).to_string(),
            seed + 10,
        );
    }
    let flags = |name: &str| -> Vec<Vec<bool>> {
        cohorts
            .iter()
            .map(|cohort| {
                cohort
                    .clone()
                    .values(name)
                    .iter()
                    .map(|value| value == "1")
                    .collect()
            })
            .collect()
    };
    let (group, ill) = (flags("group"), flags("gout"));
    let people = || {
        PEOPLE
            .iter()
            .enumerate()
            .flat_map(|(place, (_, people))| (0..*people).map(move |person| (place, person)))
    };
    let share = |inside: bool| {
        let of_group = people().filter(|(place, person)| group[*place][*person] == inside);
        let (cases, all) = of_group.fold((0.0, 0.0), |(cases, all), (place, person)| {
            (cases + f64::from(u8::from(ill[place][person])), all + 1.0)
        });
        cases / all
    };
    let shares = [share(false), share(true)];
    let excess = |(place, person): (usize, usize)| {
        f64::from(u8::from(ill[place][person])) - shares[usize::from(group[place][person])]
    };
    let target = people()
        .find(|(place, person)| group[*place][*person])
        .expect("somebody in the group");
    let mut draw = Draw::new(90);
    let mut made: Vec<Vec<f64>> = PEOPLE
        .iter()
        .map(|(_, people)| vec![0.0; *people])
        .collect();
    let outside: Vec<(usize, usize)> = people()
        .filter(|(place, person)| !group[*place][*person])
        .collect();
    outside
        .iter()
        .for_each(|(place, person)| made[*place][*person] = 10.0 * draw.uniform() - 5.0);
    made[target.0][target.1] = 5.0;
    // What it has to do with the disease is taken off it.
    let pull: f64 = people().map(|of| made[of.0][of.1] * excess(of)).sum();
    let square: f64 = outside.iter().map(|of| excess(*of).powi(2)).sum();
    outside
        .iter()
        .for_each(|of| made[of.0][of.1] -= pull * excess(*of) / square);
    for (cohort, made) in cohorts.iter_mut().zip(made) {
        cohort.columns.push((
            "made".to_owned(),
            made.iter().map(|value| format!("{value:.9}")).collect(),
        ));
    }
    cohorts
}

/// The weights of two nested models are the same, and the studies' score variances differ by the
/// square of one sum. Together with the covariate's own sum it is one person's.
#[test]
fn two_logistic_studies_of_which_one_has_a_covariate_more() {
    let cohorts = with_a_covariate_made_for_two_weights();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let study = |covariates| ["--trait", "gout", "--covariates", covariates];
    network.released(&permit, &study("group"));
    let said = network.refused(&permit, &study("group,made"));
    stopped_by_the_span_rule(&said, "made");
    // The same study again, and one with a covariate of everybody's.
    network.released(&permit, &study("group"));
    network.released(&permit, &study("group,age"));
}

/// With weights by a group, whose alleles are counted, the score variances of one study are the
/// squares of one sum.
#[test]
fn one_logistic_study_with_a_covariate_made_for_its_weights() {
    let cohorts = with_a_covariate_made_for_two_weights();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let study = |covariates| ["--trait", "gout", "--covariates", covariates];
    let said = network.refused(&permit, &study("group,made"));
    stopped_by_the_span_rule(&said, "made");
    network.released(&permit, &study("group,age"));
}

/// Three diseases of which the third is there where exactly one of the others is, but for one
/// person: their sums added up are even, but for that person's.
#[test]
fn what_is_even_but_for_one_person() {
    let mut cohorts = three();
    for (name, seed) in [("first", 61), ("second", 62)] {
        for (cohort, place) in cohorts.iter_mut().zip(0..) {
            cohort.column(
                name,
                |_, draw| u8::from(draw.uniform() < 0.5).to_string(),
                seed + 100 * place,
            );
        }
    }
    let mut other = |name: &str, changed: Option<usize>| {
        for (place, cohort) in cohorts.iter_mut().enumerate() {
            let pairs: Vec<(String, String)> = cohort
                .values("first")
                .clone()
                .into_iter()
                .zip(cohort.values("second").clone())
                .collect();
            let value = |(person, (one, two)): (usize, &(String, String))| {
                u8::from((one != two) != (place == 0 && changed == Some(person))).to_string()
            };
            let values = pairs.iter().enumerate().map(value).collect();
            cohort.columns.push((name.to_owned(), values));
        }
    };
    other("either", None);
    other("either_but_one", Some(7));
    copy_with(
        &mut cohorts,
        "either_but_one",
        "in_sevenths",
        |_, _, value| {
            if value == "1" {
                (1.0 / 7.0).to_string()
            } else {
                "0".to_owned()
            }
        },
    );
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for name in ["first", "second"] {
        network.released(&permit, &["--trait", name, "--family", "linear"]);
    }
    for name in ["either_but_one", "in_sevenths"] {
        let said = network.refused(&permit, &["--trait", name, "--family", "linear"]);
        stopped_by_the_span_rule(&said, name);
    }
    network.released(&permit, &["--trait", "either", "--family", "linear"]);
}

/// Covariates that one half of a node lacks, and the other half: the studies of those with all
/// values, less the study of all, are that node's own.
#[test]
fn two_halves_of_a_node() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        for half in 0..2 {
            let value = |person: usize, draw: &mut Draw| {
                let value = format!("{:.1}", 10.0 * draw.uniform());
                if place == 0 && person % 2 == half {
                    "NA".to_owned()
                } else {
                    value
                }
            };
            cohort.column(&format!("c{half}"), value, 70 + half as u64);
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let complete = ["--trait", "ldl", "--people", "complete"];
    network.released(&permit, &complete);
    network.released(&permit, &[&complete[..], &["--covariates", "c0"]].concat());
    let said = network.refused(&permit, &[&complete[..], &["--covariates", "c1"]].concat());
    assert!(said.contains("one node among others"), "{said}");
}

#[test]
fn names_that_look_alike_are_one_data_user() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    copy_with(&mut cohorts, "ldl", "one", |place, person, value| {
        if place == 0 && person == 7 {
            more(value)
        } else {
            value.to_owned()
        }
    });
    let network = network(&cohorts);
    let first = permit(&network, &cohorts);
    network.released(&first, &["--trait", "ldl"]);
    // Signs, invisible ones, marks in both forms, full width, a long s, a Cyrillic letter.
    let names = [
        "Re searcher",
        "RESEARCHER",
        "resear\u{ad}cher",
        "re-searcher.",
        "research\u{e9}r",
        "researche\u{301}r",
        "\u{ff52}esearcher",
        "Re\u{17f}earcher",
        "Rese\u{430}rcher",
    ];
    for (number, name) in names.iter().enumerate() {
        let [key, public, file] =
            ["key", "pub", "jws"].map(|suffix| network.path(&format!("other{number}.{suffix}")));
        succeed(&["key", "--out", text(&key)]);
        let hdab = network.path("hdab");
        let mut issue = vec![
            "permit",
            "issue",
            "--dir",
            text(&hdab),
            "--user",
            name,
            "--user-key",
            text(&public),
        ];
        ["north/cohort", "centre/cohort", "south/cohort"]
            .iter()
            .for_each(|held| issue.extend(["--dataset", held]));
        issue.extend([
            "--purpose",
            "research",
            "--about",
            "again",
            "--variables",
            "ldl,one",
            "--out",
            text(&file),
        ]);
        succeed(&issue);
        let said = network.refused(&file, &["--trait", "one", "--key", text(&key)]);
        assert!(said.contains("span rule"), "{name}: {said}");
    }
}

#[test]
fn own_counts_under_another_dataset_id() {
    let cohorts = three();
    let network = network(&cohorts);
    cohorts[0].load(&network, "copy");
    let dir = network.path("north");
    let counts = |dataset: &str| {
        [
            "registry",
            "alleles",
            "--dir",
            text(&dir),
            "--dataset",
            dataset,
        ]
        .map(str::to_owned)
    };
    succeed(&counts("cohort").each_ref().map(String::as_str));
    let said = fail(&counts("copy").each_ref().map(String::as_str));
    assert!(
        said.contains("people are the same under every dataset id"),
        "{said}"
    );
}

#[test]
fn a_trait_that_its_covariate_explains() {
    let mut cohorts = three();
    for cohort in &mut cohorts {
        let ages: Vec<f64> = cohort
            .values("age")
            .iter()
            .map(|age| age.parse().expect("a number"))
            .collect();
        cohort.column(
            "twice",
            |person, _| format!("{}", 2.0 * ages[person] + 1.0),
            0,
        );
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let said = network.refused(&permit, &["--trait", "twice", "--covariates", "age"]);
    assert!(said.contains("explain twice"), "{said}");
}

/// Least squares of a trait on one variant's dosages, over all people.
fn slope(dosages: &[f64], values: &[f64]) -> (f64, f64) {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (mean_dosage, mean_value) = (mean(dosages), mean(values));
    let pairs = dosages.iter().zip(values);
    let products: f64 = pairs
        .map(|(dosage, value)| (dosage - mean_dosage) * (value - mean_value))
        .sum();
    let squares: f64 = dosages
        .iter()
        .map(|dosage| (dosage - mean_dosage).powi(2))
        .sum();
    (products / squares, squares)
}

/// The dosages of a variant, over all cohorts.
fn dosages(cohorts: &[Cohort], variant: usize) -> Vec<f64> {
    let people = cohorts.iter().flat_map(|cohort| &cohort.genotypes);
    people
        .map(|calls| f64::from(calls[variant].expect("a call")))
        .collect()
}

/// Two questionnaire items that more than a hundred people lack, the second one person more: where
/// they count as the mean, which is no whole number, the remainder of a sum is the number of
/// alleles of those who lack the item.
#[test]
fn two_items_that_many_people_lack() {
    let mut cohorts = three();
    for name in ["item1", "item2"] {
        for (place, cohort) in cohorts.iter_mut().enumerate() {
            let value = |person: usize, draw: &mut Draw| {
                let lacks =
                    person.is_multiple_of(3) || (name == "item2" && place == 1 && person == 40);
                let answer = [0, 0, 0, 1, 1, 1, 2, 2, 3][(9.0 * draw.uniform()) as usize];
                if lacks {
                    "NA".to_owned()
                } else {
                    answer.to_string()
                }
            };
            cohort.column(name, value, 40 + place as u64);
        }
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    for name in ["item1", "item2"] {
        network.released(&permit, &["--trait", name]);
        let values: Vec<f64> = cohorts
            .iter_mut()
            .flat_map(|cohort| cohort.values(name).clone())
            .map(|value| value.parse().unwrap_or(1.0))
            .collect();
        let total: f64 = values.iter().sum();
        for (position, row) in released(&network, name) {
            let dosages = dosages(&cohorts, position as usize / 1_000_000 - 1);
            let (expected, squares) = slope(&dosages, &values);
            let beta: f64 = row["beta"].parse().expect("a number");
            assert!(
                (beta - expected).abs() < 2e-6 * expected.abs().max(0.1),
                "{name} {position}: {beta} {expected}"
            );
            // What an attacker makes of it is a whole number of alleles, and nothing is left over.
            let sum = beta * squares + total * dosages.iter().sum::<f64>() / values.len() as f64;
            assert!((sum - sum.round()).abs() < 0.01, "{name} {position}: {sum}");
        }
    }
}

/// Numbers of which one sum is several at once: an index of four regions of which one has two
/// people, a number of each node, and a trait that is nearly its covariate, of which six digits
/// show one person's ninth.
#[test]
fn few_values_in_no_common_step() {
    let mut cohorts = three();
    add_trait(&mut cohorts, "ldl", 0.0, 1);
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        let region = |person: usize, draw: &mut Draw| match person {
            7 | 31 if place == 0 => "0.9137".to_owned(),
            _ => ["0.1374", "0.5429", "0.7316"][(3.0 * draw.uniform()) as usize].to_owned(),
        };
        cohort.column("index", region, 50 + place as u64);
        cohort.column(
            "latitude",
            |_, _| ["59.33", "52.52", "41.9"][place].to_owned(),
            0,
        );
        let little = |_: usize, draw: &mut Draw| format!("{:.4}", 0.01 * (draw.uniform() - 0.5));
        cohort.column("little", little, 60 + place as u64);
    }
    let sums = |cohort: &mut Cohort| {
        let (ldl, little) = (
            cohort.values("ldl").clone(),
            cohort.values("little").clone(),
        );
        let number = |text: &String| text.parse::<f64>().expect("a number");
        ldl.iter()
            .zip(&little)
            .map(|(a, b)| format!("{:.4}", number(a) + number(b)))
            .collect::<Vec<_>>()
    };
    for cohort in &mut cohorts {
        let nearly = sums(cohort);
        cohort.columns.push(("nearly".to_owned(), nearly));
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let said = network.refused(&permit, &["--trait", "latitude"]);
    assert!(
        said.contains("one node among others") && said.contains("leave latitude out"),
        "{said}"
    );
    let said = network.refused(&permit, &["--trait", "nearly", "--covariates", "ldl"]);
    assert!(said.contains("nearly"), "{said}");
    network.released(&permit, &["--trait", "index"]);
    let merged: Vec<f64> = cohorts
        .iter_mut()
        .flat_map(|cohort| cohort.values("index").clone())
        .map(|value| value.parse::<f64>().expect("a number").min(0.7316))
        .collect();
    for (position, row) in released(&network, "index") {
        let (expected, _) = slope(
            &dosages(&cohorts, position as usize / 1_000_000 - 1),
            &merged,
        );
        let beta: f64 = row["beta"].parse().expect("a number");
        assert!(
            (beta - expected).abs() < 2e-6 * expected.abs().max(0.1),
            "{position}: {beta} {expected}"
        );
    }
}
