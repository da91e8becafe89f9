//! How long a secure sum of a million words takes over nodes in this process, against the same sum
//! without masks.
//!
//!     cargo run --release -p ligate-federation --example secure_sum_speed [-- WORDS REPEATS]
//!
//! Both sums carry their vectors as encoded messages and add them up on one thread of the
//! coordinator; the vectors themselves are made beforehand. Prints medians in milliseconds.

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use ligate_access::Identity;
use ligate_federation::{
    LocalLink, Member, MemoryJournal, Roster, RoundOptions, RunContext, SignedRoster, agree,
    secure_sum,
};
use ligate_model::{Digest, NodeName};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

type Failure = Box<dyn std::error::Error>;

const OPTIONS: RoundOptions = RoundOptions {
    deadline: Duration::from_secs(120),
    roster_final: false,
};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let words = arguments
        .next()
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let repeats = arguments.next().map_or(Ok(9), |text| text.parse())?;
    println!("{words} words, medians of {repeats} sums, ms");
    println!("nodes\tmasked\tplain\tratio");
    for nodes in [3, 7] {
        let masked = masked(nodes, words, repeats).await?;
        let plain = plain(nodes, words, repeats).await?;
        println!("{nodes}\t{masked:.1}\t{plain:.1}\t{:.2}", masked / plain);
    }
    Ok(())
}

fn vector(node: usize, words: usize) -> Vec<u64> {
    (0..words as u64)
        .map(|word| {
            word.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .wrapping_add(node as u64)
        })
        .collect()
}

async fn masked(nodes: usize, words: usize, repeats: u64) -> Result<f64, Failure> {
    let (links, roster) = run(nodes, words).await?;
    let mut times = Vec::new();
    for round in 0..repeats {
        let start = Instant::now();
        let opened = secure_sum(&links, &roster, round, b"ask".to_vec(), words, OPTIONS).await?;
        times.push(start.elapsed());
        assert_eq!(opened.survivors.len(), nodes);
    }
    Ok(median(times))
}

async fn run(
    nodes: usize,
    words: usize,
) -> Result<(Vec<LocalLink<ChaCha20Rng>>, SignedRoster), Failure> {
    let (mut links, mut members) = (Vec::new(), Vec::new());
    for node in 0..nodes {
        let mut rng = ChaCha20Rng::seed_from_u64(node as u64);
        let identity = Arc::new(Identity::generate(&mut rng));
        let name = NodeName::new(format!("node-{node}"))?;
        members.push(Member {
            node: name.clone(),
            key: identity.public(),
            country: "SE".parse()?,
            dataset: "cohort".parse()?,
            snapshot: Digest::of("snapshot", &[]),
        });
        let plain = vector(node, words);
        let journal = Arc::new(MemoryJournal::new());
        links.push(LocalLink::new(name, identity, journal, rng, move |_| {
            plain.clone()
        }));
    }
    let context = RunContext {
        permit: Digest::of("permit", &[]),
        job: Digest::of("job", &[]),
    };
    let agreement = agree(&links, Roster::new(context, members)?, OPTIONS.deadline).await?;
    Ok((links, agreement.roster))
}

/// The same data path without the protocol: every node encodes its vector on a thread of its own,
/// the coordinator reads the words and adds them up.
async fn plain(nodes: usize, words: usize, repeats: u64) -> Result<f64, Failure> {
    let vectors: Vec<Arc<Vec<u64>>> = (0..nodes)
        .map(|node| Arc::new(vector(node, words)))
        .collect();
    let mut times = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        let encoding: Vec<_> = vectors
            .iter()
            .map(|vector| {
                let vector = Arc::clone(vector);
                tokio::task::spawn_blocking(move || encode(&vector.to_vec()))
            })
            .collect();
        let mut sum = vec![0_u64; words];
        for body in encoding {
            for (sum, word) in sum.iter_mut().zip(body.await?.as_chunks().0) {
                *sum = sum.wrapping_add(u64::from_le_bytes(*word));
            }
        }
        times.push(start.elapsed());
        assert_eq!(sum[0], (nodes * (nodes - 1) / 2) as u64);
    }
    Ok(median(times))
}

fn encode(words: &[u64]) -> Vec<u8> {
    let mut bytes = vec![0; words.len() * 8];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    bytes
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}
