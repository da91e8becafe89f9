//! Three registries add up how many people they have and how many of them are ill. Nobody sees the
//! numbers of one registry, and the sum is seen only if it passes the disclosure gate.
//!
//!     cargo run -p ligate-federation --example secure_sum
//!
//! The nodes of this example live in one process. `ligate_federation::transport` carries the same
//! messages between machines.

use std::{sync::Arc, time::Duration};

use ligate_access::Identity;
use ligate_disclosure::{Gate, Thresholds};
use ligate_federation::{
    LocalLink, Member, MemoryJournal, Roster, RoundOptions, RunContext, agree, secure_sum,
};
use ligate_model::{Digest, NodeName, PeopleCounts};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// A registry with its people and how many of them are ill.
type Registry = (&'static str, u64, u64);
type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let registries = [("oslo", 1200, 130), ("turin", 900, 80), ("gent", 1500, 95)];
    let people = count_together(registries).await?;
    println!(
        "{} people at {} sites, {} of them ill",
        people.individuals,
        people.sites,
        people.cases.unwrap_or_default()
    );
    Ok(())
}

async fn count_together(registries: [Registry; 3]) -> Result<PeopleCounts, Failure> {
    let (mut links, mut members) = (Vec::new(), Vec::new());
    for (place, (name, people, ill)) in registries.into_iter().enumerate() {
        // A node has its generator from the operating system; here the example shall repeat itself.
        let mut rng = ChaCha20Rng::seed_from_u64(place as u64);
        let identity = Arc::new(Identity::generate(&mut rng));
        let name = NodeName::new(name)?;
        members.push(Member {
            node: name.clone(),
            key: identity.public(),
            country: "NO".parse()?,
            dataset: "registry".parse()?,
            snapshot: Digest::of("snapshot", &[]),
        });
        // What a node answers when it is asked: two words.
        let vector = move |_ask: &[u8]| vec![people, ill];
        let journal = Arc::new(MemoryJournal::new());
        links.push(LocalLink::new(name, identity, journal, rng, vector));
    }

    // All nodes sign the same roster first: without it none of them answers.
    let context = RunContext {
        permit: Digest::of("permit", &[]),
        job: Digest::of("job", &[]),
    };
    let options = RoundOptions {
        deadline: Duration::from_secs(10),
        roster_final: false,
    };
    let agreement = agree(&links, Roster::new(context, members)?, options.deadline).await?;
    let ask = b"people and cases".to_vec();
    let opened = secure_sum(&links, &agreement.roster, 0, ask, 2, options).await?;

    // `opened.sum` cannot be printed or taken apart. The gate decides whether anybody sees it.
    let sites = opened.survivors.len() as u64;
    let decode = |sum: &[u64]| PeopleCounts {
        individuals: sum[0],
        cases: Some(sum[1]),
        unknown: 0,
        sites,
    };
    let parameters = 2;
    let gate = Gate::new(Thresholds::default())?;
    match gate.people(opened.sum, decode, parameters) {
        Ok((_released, cleared)) => Ok(*cleared.people()),
        Err(rule) => Err(format!("refused by the rule `{rule:?}`").into()),
    }
}

#[tokio::test]
async fn adds_up_what_three_registries_have() {
    let people = count_together([("a", 1200, 130), ("b", 900, 80), ("c", 1500, 95)]);
    let people = people.await.unwrap();
    assert_eq!(
        (people.individuals, people.cases, people.sites),
        (3600, Some(305), 3)
    );
}

#[tokio::test]
async fn refuses_a_sum_of_too_few_cases() {
    let people = count_together([("a", 1200, 1), ("b", 900, 1), ("c", 1500, 1)]);
    assert!(people.await.is_err());
}
