//! Calls that change, and variants that come and go, from one load to the next: each test mounts an
//! attack on the people whom it would be about, over real processes, and sees which rule stops it.

mod support;

use std::{collections::BTreeMap, fs};

use support::{
    Draw, Network,
    cohorts::{Cohort, network, permit, released},
    succeed, table, text,
};

const PEOPLE: [(&str, usize); 3] = [("north", 130), ("centre", 110), ("south", 90)];

fn three(variants: usize) -> Vec<Cohort> {
    PEOPLE
        .iter()
        .zip(1..)
        .map(|((name, people), seed)| Cohort::new(name, *people, variants, seed))
        .collect()
}

/// A postcard integer at `place`, and the place after it.
fn integer(bytes: &[u8], place: usize) -> Option<(u64, usize)> {
    let length = bytes
        .get(place..)?
        .iter()
        .take(9)
        .position(|byte| byte & 0x80 == 0)?
        + 1;
    let parts = bytes[place..place + length].iter().zip((0..).step_by(7));
    Some((
        parts.fold(0, |sum, (byte, shift)| {
            sum | u64::from(byte & 0x7f) << shift
        }),
        place + length,
    ))
}

/// A peer's fetched table, read by whoever has the file: by position copies and called alleles.
fn fetched(network: &Network) -> BTreeMap<u64, (u64, u64)> {
    succeed(&["knowledge", "fetch", "--dir", text(&network.path("centre"))]);
    let bytes =
        fs::read(network.path("centre/registry/peers/north.alleles")).expect("a fetched table");
    let row = |start: usize| {
        let (position, alleles) = integer(&bytes, start + 2)?;
        let found =
            bytes[start..].starts_with(b"\x011") && bytes[alleles..].starts_with(b"\x01A\x01G");
        let (copies, next) = integer(&bytes, alleles + 4).filter(|_| found)?;
        Some((position, (copies, integer(&bytes, next)?.0)))
    };
    (0..bytes.len()).filter_map(row).collect()
}

#[test]
fn own_counts_of_people_who_left_and_came_back_with_other_calls() {
    let mut cohorts = three(60);
    let network = network(&cohorts);
    let north = network.path("north");
    let settings = north.join("ligate.toml");
    let written = fs::read_to_string(&settings).expect("settings");
    fs::write(
        &settings,
        written.replace("alleles_for = []", "alleles_for = [\"centre\"]"),
    )
    .expect("settings");
    let release = || {
        succeed(&[
            "registry",
            "alleles",
            "--dir",
            text(&north),
            "--dataset",
            "cohort",
        ])
    };
    release();
    let first = fetched(&network);
    assert!(first.len() > 40, "{}", first.len());
    // Ten leave; they come back, and in every variant the call of one of them is another one.
    let everybody = cohorts[0].clone();
    (0..10).for_each(|_| cohorts[0].remove(120));
    cohorts[0].load(&network, "cohort");
    let mut back = everybody.clone();
    back.genotypes[125]
        .iter_mut()
        .for_each(|call| *call = call.map(|dosage| (dosage + 1) % 3));
    back.load(&network, "cohort");
    release();
    let second = fetched(&network);
    assert!(second.len() > 40, "{}", second.len());
    // The tables differ by all ten, as they were: nothing tells what was corrected.
    let dosage = |person: usize, position: u64| {
        u64::from(everybody.genotypes[person][(position / 1_000_000 - 1) as usize].expect("a call"))
    };
    for (position, (copies, called)) in second {
        let ten: u64 = (120..130).map(|person| dosage(person, position)).sum();
        assert_eq!((copies + ten, called + 20), first[&position], "{position}");
    }
}

/// By position why a variant of the last study has no result.
fn suppressed(network: &Network, trait_name: &str) -> BTreeMap<u64, String> {
    let (_, rows) = table(&network.path(&format!("results/{trait_name}.suppressed.tsv.gz")));
    rows.into_iter()
        .map(|row| (row[1].parse().expect("a position"), row[4].clone()))
        .collect()
}

/// What the gate says where a site has no calls of a variant that can be shown, for whichever
/// reason.
const NOT_EVERY_SITE: &str = "not every site has calls that can be shown";

/// Cohorts of rare variants, of which the first one's files list what somebody there carries; the
/// person who is alone in carrying most of them, and their positions.
fn called_sites() -> (Vec<Cohort>, usize, Vec<u64>) {
    const VARIANTS: usize = 240;
    let mut cohorts: Vec<Cohort> = [("north", 130), ("centre", 700), ("south", 700)]
        .iter()
        .zip(1..)
        .map(|((name, people), seed)| Cohort::new(name, *people, VARIANTS, seed))
        .collect();
    cohorts[0].called_sites = true;
    for (cohort, seed) in cohorts.iter_mut().zip(50..) {
        let mut draw = Draw::new(seed);
        for calls in &mut cohort.genotypes {
            for (variant, call) in calls.iter_mut().enumerate() {
                let elsewhere = if cohort.called_sites { 0.0 } else { 0.012 };
                let frequency = elsewhere + 0.004 + 0.006 * (variant as f64 / VARIANTS as f64);
                let mut allele = || u8::from(draw.uniform() < frequency);
                *call = Some(allele() + allele());
            }
        }
        cohort.trait_with_missing("ldl", 0.0, 1000 + seed);
        cohort.trait_with_missing("hdl", 0.0, 2000 + seed);
    }
    let carried = |person: usize, variant: usize| cohorts[0].genotypes[person][variant] > Some(0);
    let alone = |person: usize| -> Vec<u64> {
        let others =
            |variant: usize| (0..130).any(|other| other != person && carried(other, variant));
        let own = (0..VARIANTS).filter(|variant| carried(person, *variant) && !others(*variant));
        own.map(|variant| 1_000_000 * (variant as u64 + 1))
            .collect()
    };
    let victim = (0..130)
        .max_by_key(|person| alone(*person).len())
        .expect("a person");
    let own = alone(victim);
    (cohorts, victim, own)
}

#[test]
fn a_person_who_leaves_takes_no_variant_along() {
    let (mut cohorts, victim, own) = called_sites();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    let shown = released(&network, "ldl");
    let shown_own = own
        .iter()
        .filter(|position| shown.contains_key(position))
        .count();
    assert!(
        shown_own >= 2,
        "the attack is about released variants: {shown_own} of {own:?}"
    );
    cohorts[0].remove(victim);
    cohorts[0].load(&network, "cohort");
    network.released(&permit, &["--trait", "hdl"]);
    // Nothing that was shown is missing at north now: what only this person carried counts as
    // nobody's. Only rules on counts may withhold it, and these do not speak of sites.
    let why = suppressed(&network, "hdl");
    let lost: Vec<_> = shown
        .keys()
        .filter_map(|position| Some((position, why.get(position)?)))
        .collect();
    assert!(
        lost.iter().all(|(_, why)| !why.contains("site")),
        "{lost:?}, of his own {own:?}"
    );
    // Nor do fewer people have a call of it.
    let counts: Vec<String> = released(&network, "hdl")
        .into_values()
        .map(|row| row["n"].clone())
        .collect();
    assert!(
        counts.len() > 20 && counts.windows(2).all(|pair| pair[0] == pair[1]),
        "{counts:?}"
    );
    // The files' own view is as it was: the variant is not there.
    let query = format!("SELECT count(*) FROM cohort.sites WHERE pos = {}", own[0]);
    let said = succeed(&["sql", "--dir", text(&network.path("north")), &query]);
    assert!(said.contains('0') && !said.contains('1'), "{said}");
}

#[test]
fn a_person_who_joins_is_not_told_by_the_reasons_for_what_is_not_shown() {
    let (mut cohorts, victim, own) = called_sites();
    let everybody = cohorts[0].clone();
    cohorts[0].remove(victim);
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    let before = suppressed(&network, "ldl");
    let told = |why: &BTreeMap<u64, String>| -> Vec<u64> {
        why.iter()
            .filter(|(_, why)| why.contains(NOT_EVERY_SITE))
            .map(|(position, _)| *position)
            .collect()
    };
    assert!(
        own.iter()
            .filter(|position| told(&before).contains(position))
            .count()
            >= 2,
        "{before:?}"
    );
    everybody.load(&network, "cohort");
    network.released(&permit, &["--trait", "hdl"]);
    assert_eq!(told(&suppressed(&network, "hdl")), told(&before));
}

#[test]
fn two_large_changes_that_leave_one_person() {
    let mut cohorts = three(30);
    for (cohort, seed) in cohorts.iter_mut().zip(1..) {
        cohort.trait_with_missing("ldl", 0.0, 1000 + seed);
    }
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &["--trait", "ldl"]);
    assert!(released(&network, "ldl").len() > 20);
    let first = cohorts[0].clone();
    let mut changed = first.clone();
    for calls in &mut changed.genotypes[..60] {
        calls
            .iter_mut()
            .for_each(|call| *call = call.map(|dosage| (dosage + 1) % 3));
    }
    // Calls that are put back for everybody tell nothing.
    changed.load(&network, "cohort");
    first.load(&network, "cohort");
    network.released(&permit, &["--trait", "ldl", "--covariates", "sex"]);
    assert!(released(&network, "ldl").len() > 20);
    // Put back for all but one person: each load changed many, both together one person's.
    changed.load(&network, "cohort");
    let mut but_one = first.clone();
    but_one.genotypes[7] = changed.genotypes[7].clone();
    but_one.load(&network, "cohort");
    network.released(&permit, &["--trait", "ldl", "--covariates", "age"]);
    assert!(released(&network, "ldl").is_empty());
    let why = suppressed(&network, "ldl");
    assert!(
        why.len() > 20 && why.values().all(|why| why.contains(NOT_EVERY_SITE)),
        "{why:?}"
    );
}
