//! The two subtractions of the design, mounted: on opened sums, which only the coordinator has,
//! they give one person's data away; what another site, the network or the coordinator sees of a
//! site is under fresh masks and gives nothing. This is why the coordinator is inside the trust
//! boundary and why opened sums are personal data.

mod cluster;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cluster::{Nodes, read, rng, sent};
use ligate_federation::{
    Coordinator, FromNode, Handled, Progress, RoundAnswer, RoundMessage, ToNode,
};

/// Intercept, two covariates and the trait of one person, as quantised words.
type Person = [i64; 4];

/// One site's people with their calls of two variants; `None` is a missing call of the second.
struct Site {
    people: Vec<(Person, i64, Option<i64>)>,
}

const VICTIM_SITE: usize = 1;
const VICTIM: usize = 4;

/// The two variants differ in the victim's call alone; or the second is missing for the victim
/// alone.
fn sites(missing: bool) -> Vec<Site> {
    let person = |site: i64, i: i64| -> Person {
        let x = (site * 7919 + i * 104_729) * 15_485_863;
        [
            1 << 30,
            x % (1 << 30),
            (x / 3) % (1 << 29),
            -(x % 982_451_653),
        ]
    };
    let site = |site: usize| {
        let people = (0..10).map(|i| {
            let call = i as i64 % 3;
            let victim = site == VICTIM_SITE && i == VICTIM;
            let second = match (victim, missing) {
                (true, true) => None,
                (true, false) => Some((call + 1) % 3),
                (false, _) => Some(call),
            };
            (person(site as i64, i as i64), call, second)
        });
        Site {
            people: people.collect(),
        }
    };
    (0..3).map(site).collect()
}

/// What a site adds: g'[C, y] of both variants, then the downdate sum of [C, y]'[C, y] over the
/// second's missing.
fn vector(site: &Site) -> Vec<u64> {
    let mut words = vec![0_i64; 4 + 4 + 16];
    for (person, first, second) in &site.people {
        for (i, value) in person.iter().enumerate() {
            words[i] = words[i].wrapping_add(first * value);
            words[4 + i] = words[4 + i].wrapping_add(second.unwrap_or(0) * value);
        }
        if second.is_none() {
            for (i, word) in words[8..].iter_mut().enumerate() {
                *word = word.wrapping_add((person[i / 4] >> 15) * (person[i % 4] >> 15));
            }
        }
    }
    words.into_iter().map(|word| word as u64).collect()
}

/// What was seen in a run: the opened sum, each site's masked vector, and all that was sent to the
/// other sites.
struct Seen {
    opened: Vec<u64>,
    masked: Vec<Vec<u64>>,
    by_sites: Vec<Bytes>,
}

fn run(sites: &[Site], round: u64, nodes: &mut Nodes) -> Seen {
    let (roster, everybody) = (
        Arc::new(nodes.roster.clone()),
        nodes.roster.roster().everybody(),
    );
    let mut coordinator = Coordinator::new(roster, everybody, round, b"ask".as_slice().into(), 24)
        .ok()
        .unwrap();
    let (masked, by_sites) = (Mutex::new(vec![Vec::new(); 3]), Mutex::new(Vec::new()));
    loop {
        for (node, message) in coordinator.messages() {
            by_sites
                .lock()
                .unwrap()
                .push(ToNode::Round(message.clone()).encode().into());
            let answer = answer(nodes, node, &message.message, round, &sites[node]);
            if let RoundAnswer::Masked(vector) = &answer {
                masked.lock().unwrap()[node] = vector.words().collect();
            }
            coordinator.receive(node, answer).unwrap();
        }
        match coordinator.advance().ok().unwrap() {
            Progress::Next(next) => coordinator = next,
            Progress::Opened { sum, .. } => {
                let (masked, by_sites) =
                    (masked.into_inner().unwrap(), by_sites.into_inner().unwrap());
                return Seen {
                    opened: read(sum),
                    masked,
                    by_sites,
                };
            }
        }
    }
}

fn answer(
    nodes: &mut Nodes,
    node: usize,
    message: &RoundMessage,
    round: u64,
    site: &Site,
) -> RoundAnswer {
    let message = sent(&nodes.to(round, message.clone()));
    let answer = match nodes.participants[node]
        .handle(message, &mut rng(round * 10 + node as u64))
        .unwrap()
    {
        Handled::Answer(answer) => answer,
        Handled::WantsVector { .. } => nodes.participants[node].contribute(vector(site)).unwrap(),
    };
    match FromNode::decode(&answer.bytes()) {
        Ok(FromNode::Round(answer)) => answer,
        _ => panic!("no answer"),
    }
}

fn difference(words: &[u64]) -> Vec<i64> {
    (0..4)
        .map(|i| words[4 + i].wrapping_sub(words[i]) as i64)
        .collect()
}

fn victim(sites: &[Site]) -> (Person, i64) {
    let (person, call, _) = sites[VICTIM_SITE].people[VICTIM];
    (person, call)
}

/// No plain word of the site with the victim is in any message to the sites.
fn assert_no_site_sees(seen: &Seen, site: &Site) {
    for word in vector(site).into_iter().filter(|word| *word != 0) {
        for body in &seen.by_sites {
            assert!(
                !body.windows(8).any(|bytes| bytes == word.to_le_bytes()),
                "a word of a site's own vector"
            );
        }
    }
}

#[test]
fn two_variants_that_differ_in_one_call() {
    let sites = sites(false);
    let (person, call) = victim(&sites);
    let step = (call + 1) % 3 - call;
    let expected: Vec<i64> = person.iter().map(|value| step * value).collect();
    let mut nodes = Nodes::new(3);
    let first = run(&sites, 0, &mut nodes);
    assert_eq!(
        difference(&first.opened),
        expected,
        "opened sums give the person away"
    );
    // The same subtraction on what the coordinator has of the site, or anybody who listens: noise,
    // and other noise in every round.
    let second = run(&sites, 1, &mut nodes);
    assert_eq!(first.opened, second.opened);
    assert_ne!(difference(&first.masked[VICTIM_SITE]), expected);
    assert_ne!(
        difference(&first.masked[VICTIM_SITE]),
        difference(&second.masked[VICTIM_SITE])
    );
    let changed = first.masked[VICTIM_SITE]
        .iter()
        .zip(&second.masked[VICTIM_SITE])
        .filter(|(a, b)| a != b);
    assert_eq!(changed.count(), 24, "no word has the same mask twice");
    assert_no_site_sees(&first, &sites[VICTIM_SITE]);
}

#[test]
fn a_downdate_for_one_missing_person() {
    let sites = sites(true);
    let (person, _) = victim(&sites);
    let scaled: Vec<i64> = person.iter().map(|value| value >> 15).collect();
    let mut nodes = Nodes::new(3);
    let seen = run(&sites, 0, &mut nodes);
    // The first row of the opened downdate is the person's covariates and trait, times the
    // intercept.
    let row: Vec<i64> = seen.opened[8..12]
        .iter()
        .map(|word| *word as i64 / scaled[0])
        .collect();
    assert_eq!(row, scaled, "the opened downdate gives the person away");
    // The other sites add zeros, and still their masked vectors are no zeros and the site's is not
    // its own.
    for (node, masked) in seen.masked.iter().enumerate() {
        assert!(masked[8..].iter().all(|word| *word != 0), "node {node}");
        assert_ne!(masked[8..], seen.opened[8..], "node {node}");
    }
    assert_no_site_sees(&seen, &sites[VICTIM_SITE]);
}
