//! Calls that change, and variants that come and go, from one load to the next: each test mounts an attack on the people
//! whom it would be about, over real processes, and sees which rule stops it.

mod support;

use std::{collections::BTreeMap, fs};

use support::{
    Network,
    cohorts::{Cohort, network},
    succeed, text,
};

const PEOPLE: [(&str, usize); 3] = [("north", 130), ("centre", 110), ("south", 90)];

fn three(variants: usize) -> Vec<Cohort> {
    PEOPLE.iter().zip(1..).map(|((name, people), seed)| Cohort::new(name, *people, variants, seed)).collect()
}

/// A postcard integer at `place`, and the place after it.
fn integer(bytes: &[u8], place: usize) -> Option<(u64, usize)> {
    let length = bytes.get(place..)?.iter().take(9).position(|byte| byte & 0x80 == 0)? + 1;
    let parts = bytes[place..place + length].iter().zip((0..).step_by(7));
    Some((parts.fold(0, |sum, (byte, shift)| sum | u64::from(byte & 0x7f) << shift), place + length))
}

/// A peer's fetched table, read by whoever has the file: by position copies and called alleles.
fn fetched(network: &Network) -> BTreeMap<u64, (u64, u64)> {
    succeed(&["knowledge", "fetch", "--dir", text(&network.path("centre"))]);
    let bytes = fs::read(network.path("centre/registry/peers/north.alleles")).expect("a fetched table");
    let row = |start: usize| {
        let (position, alleles) = integer(&bytes, start + 2)?;
        let found = bytes[start..].starts_with(b"\x011") && bytes[alleles..].starts_with(b"\x01A\x01G");
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
    fs::write(&settings, written.replace("alleles_for = []", "alleles_for = [\"centre\"]"))
        .expect("settings");
    let release = || succeed(&["registry", "alleles", "--dir", text(&north), "--dataset", "cohort"]);
    release();
    let first = fetched(&network);
    assert!(first.len() > 40, "{}", first.len());
    // Ten leave; they come back, and in every variant the call of one of them is another one.
    let everybody = cohorts[0].clone();
    (0..10).for_each(|_| cohorts[0].remove(120));
    cohorts[0].load(&network, "cohort");
    let mut back = everybody.clone();
    back.genotypes[125].iter_mut().for_each(|call| *call = call.map(|dosage| (dosage + 1) % 3));
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
