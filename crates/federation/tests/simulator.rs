//! Whole runs from a seed: messages are dropped, delayed, duplicated and reordered, nodes die at
//! any step and come back with their journal alone. Either the sum of exactly the survivors'
//! vectors is opened, or none.
//!
//! `LIGATE_SIMULATOR_SEEDS` sets the number of seeds.

mod cluster;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;
use cluster::{CONTEXT, identities, members, read, rng, signed};
use ligate_access::Identity;
use ligate_federation::{
    Answer, Coordinator, FromNode, Handled, Journal, MemoryJournal, NodeSet, Participant, Progress,
    Refusal, Roster, RoundAnswer, RoundMessage, SignedRoster, Step, ToNode,
};
use rand_chacha::{ChaCha20Rng, rand_core::RngCore};

const WORDS: usize = 3;
const DEADLINE: u64 = 1000;
const ROUNDS: u64 = 3;

/// One chance in `n`.
fn one_in(rng: &mut ChaCha20Rng, n: u64) -> bool {
    rng.next_u64().is_multiple_of(n)
}

fn below(rng: &mut ChaCha20Rng, n: u64) -> u64 {
    rng.next_u64() % n
}

struct Node {
    identity: Arc<Identity>,
    journal: Arc<MemoryJournal>,
    participant: Option<Participant>,
}

impl Node {
    fn start(&mut self, roster: &SignedRoster) {
        let journal: Arc<dyn Journal> = Arc::<MemoryJournal>::clone(&self.journal);
        let participant = Participant::new(Arc::clone(&self.identity), roster.clone(), journal);
        self.participant = Some(participant.unwrap_or_else(|refusal| panic!("{refusal}")));
    }
}

/// A call as the transport knows it: an answer that comes after its step is nobody's any more.
type Call = (u64, &'static str);

enum Event {
    Request {
        node: usize,
        call: Call,
        body: Bytes,
    },
    Response {
        node: usize,
        call: Call,
        body: Bytes,
    },
    Resend {
        call: Call,
    },
    Deadline {
        call: Call,
    },
    Death {
        node: usize,
    },
    Rebirth {
        node: usize,
    },
}

/// How bad the network of a run is: one chance in so many.
struct Weather {
    drop: u64,
    duplicate: u64,
    death: u64,
}

struct World {
    rng: ChaCha20Rng,
    roster: Arc<SignedRoster>,
    nodes: Vec<Node>,
    weather: Weather,
    now: u64,
    /// Times and numbers of the events to come.
    sent: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: HashMap<u64, Event>,
    /// What was revealed in each round about each node: who revealed a share of its seed, who of
    /// its mask key.
    revealed: BTreeMap<(u64, usize), [NodeSet; 2]>,
}

/// What became of one run: the survivors of each opened round.
#[derive(Default)]
struct Outcome {
    opened: Vec<NodeSet>,
    members: usize,
}

impl World {
    fn new(seed: u64, roster: &Arc<SignedRoster>, identities: &[Arc<Identity>]) -> Self {
        let mut rng = rng(seed);
        let weather = Weather {
            drop: [4, 20, 100, u64::MAX][below(&mut rng, 4) as usize],
            duplicate: [2, 10, u64::MAX][below(&mut rng, 3) as usize],
            death: [3, 10, 40, u64::MAX][below(&mut rng, 4) as usize],
        };
        let node = |identity: &Arc<Identity>| {
            let (identity, journal) = (Arc::clone(identity), Arc::new(MemoryJournal::new()));
            let mut node = Node {
                identity,
                journal,
                participant: None,
            };
            node.start(roster);
            node
        };
        let nodes = identities.iter().map(node).collect();
        let (queue, events) = (BinaryHeap::new(), HashMap::new());
        let roster = Arc::clone(roster);
        Self {
            rng,
            roster,
            nodes,
            weather,
            now: 0,
            sent: 0,
            queue,
            events,
            revealed: BTreeMap::new(),
        }
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.sent += 1;
        self.events.insert(self.sent, event);
        self.queue.push(Reverse((self.now + delay, self.sent)));
    }

    /// Delivers within the deadline mostly, sometimes late, sometimes twice, sometimes never.
    fn send(&mut self, event: impl Fn() -> Event) {
        let copies = 1 + u64::from(one_in(&mut self.rng, self.weather.duplicate));
        for _ in 0..copies {
            if !one_in(&mut self.rng, self.weather.drop) {
                let slow = if one_in(&mut self.rng, 30) {
                    5 * DEADLINE
                } else {
                    DEADLINE / 4
                };
                let delay = 1 + below(&mut self.rng, slow);
                self.at(delay, event());
            }
        }
    }

    fn run(&mut self) -> Outcome {
        let mut outcome = Outcome {
            members: self.nodes.len(),
            ..Outcome::default()
        };
        let mut invited = self.roster.roster().everybody();
        for round in 0..ROUNDS {
            if let Some(survivors) = self.round(round, invited) {
                outcome.opened.push(survivors);
                invited = survivors;
            }
            if outcome.opened.len() == 2 {
                break;
            }
        }
        self.check_reveals();
        outcome
    }

    /// One round as the driver runs it; the survivors if a sum was opened.
    fn round(&mut self, round: u64, invited: NodeSet) -> Option<NodeSet> {
        let ask = Bytes::from(format!("ask {round}"));
        let roster = Arc::clone(&self.roster);
        let mut coordinator = Coordinator::new(roster, invited, round, ask, WORDS).ok()?;
        loop {
            self.step(round, &mut coordinator);
            match coordinator.advance() {
                Ok(Progress::Next(next)) => coordinator = next,
                Ok(Progress::Opened { sum, survivors }) => {
                    self.check_sum(round, survivors, &read(sum));
                    return Some(survivors);
                }
                Err(_) => return None,
            }
        }
    }

    fn check_sum(&self, round: u64, survivors: NodeSet, sum: &[u64]) {
        assert!(survivors.len() >= 3 && survivors.len() >= self.roster.roster().minimum());
        let mut expected = vec![0_u64; WORDS];
        for node in survivors.iter() {
            for (sum, word) in expected.iter_mut().zip(vector(round, node)) {
                *sum = sum.wrapping_add(word);
            }
        }
        assert_eq!(sum, expected, "the sum of {survivors:?}");
    }

    /// Plays one step until everybody answered or its deadline.
    fn step(&mut self, round: u64, coordinator: &mut Coordinator) {
        let call: Call = (round, name(coordinator.step()));
        self.ask(coordinator, call);
        self.at(DEADLINE / 2, Event::Resend { call });
        self.at(DEADLINE, Event::Deadline { call });
        for node in 0..self.nodes.len() {
            if one_in(&mut self.rng, self.weather.death) {
                let delay = below(&mut self.rng, DEADLINE);
                self.at(delay, Event::Death { node });
            }
        }
        while !coordinator.waiting().is_empty() {
            let Some(Reverse((time, id))) = self.queue.pop() else {
                return;
            };
            self.now = time;
            match self.events.remove(&id) {
                Some(Event::Deadline { call: of }) if of == call => return,
                Some(Event::Resend { call: of }) if of == call => self.ask(coordinator, call),
                Some(Event::Response {
                    node,
                    call: of,
                    body,
                }) if of == call => {
                    if let Ok(FromNode::Round(answer)) = FromNode::decode(&body) {
                        let _ = coordinator.receive(node, answer);
                    }
                }
                Some(event) => self.happen(event),
                None => {}
            }
        }
    }

    fn ask(&mut self, coordinator: &Coordinator, call: Call) {
        for (node, message) in coordinator.messages() {
            if coordinator.waiting().contains(node) {
                let body = Bytes::from(ToNode::Round(message).encode());
                self.send(|| Event::Request {
                    node,
                    call,
                    body: body.clone(),
                });
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Request { node, call, body } => self.request(node, call, &body),
            Event::Death { node } => {
                self.nodes[node].participant = None;
                let delay = below(&mut self.rng, 3 * DEADLINE);
                self.at(delay, Event::Rebirth { node });
            }
            Event::Rebirth { node } if self.nodes[node].participant.is_none() => {
                self.nodes[node].start(&self.roster);
            }
            Event::Rebirth { .. }
            | Event::Response { .. }
            | Event::Resend { .. }
            | Event::Deadline { .. } => {}
        }
    }

    fn request(&mut self, place: usize, call: Call, body: &Bytes) {
        let Some(mut participant) = self.nodes[place].participant.take() else {
            return;
        };
        let answer = serve(&mut participant, place, body, &mut self.rng);
        self.nodes[place].participant = Some(participant);
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => Answer::refused(&refusal),
        };
        self.note(place, body, &answer);
        let body = answer.bytes();
        self.send(|| Event::Response {
            node: place,
            call,
            body: body.clone(),
        });
    }

    fn note(&mut self, holder: usize, request: &Bytes, answer: &Answer) {
        let (Ok(ToNode::Round(to)), Ok(FromNode::Round(RoundAnswer::Revealed(reveal)))) =
            (ToNode::decode(request), FromNode::decode(&answer.bytes()))
        else {
            return;
        };
        for (kind, nodes) in [reveal.seeds_of(), reveal.mask_keys_of()]
            .into_iter()
            .enumerate()
        {
            for of in nodes.iter() {
                let seen = self.revealed.entry((to.round, of)).or_default();
                seen[kind] = seen[kind].with(holder);
            }
        }
    }

    /// Nobody's seed and mask key are both known, not even with every share that left a node.
    fn check_reveals(&self) {
        for ((round, of), [seeds, mask_keys]) in &self.revealed {
            let both = seeds.bits() & mask_keys.bits();
            assert_eq!(
                both, 0,
                "round {round}: both kinds of share of node {of} from one holder"
            );
            let threshold = self.roster.roster().threshold();
            assert!(
                seeds.len() < threshold || mask_keys.len() < threshold,
                "round {round}: node {of} is bare"
            );
        }
    }
}

/// What a node's program does with a message.
fn serve(
    participant: &mut Participant,
    place: usize,
    body: &Bytes,
    rng: &mut ChaCha20Rng,
) -> Result<Answer, Refusal> {
    let Ok(ToNode::Round(message)) = ToNode::decode(body) else {
        panic!("a message of a round")
    };
    let round = message.round;
    match participant.handle(message, rng)? {
        Handled::Answer(answer) => Ok(answer),
        Handled::WantsVector { words } => {
            assert_eq!(participant.ask(), Some(format!("ask {round}").as_bytes()));
            assert_eq!(words, WORDS);
            participant.contribute(vector(round, place))
        }
    }
}

fn vector(round: u64, node: usize) -> Vec<u64> {
    let mut rng = rng(round << 32 | node as u64);
    (0..WORDS).map(|_| rng.next_u64()).collect()
}

fn name(step: Step) -> &'static str {
    ["advertise", "share", "mask", "sign", "reveal"][step as usize]
}

/// Small rosters more often: they are faster, and where the rules bite.
fn count_of(seed: u64) -> usize {
    [3, 4, 3, 5, 3, 4, 3, 3, 4, 3, 6, 3, 4, 3, 5, 3, 4, 3, 3, 7][(seed % 20) as usize]
}

fn simulate(seeds: Range<u64>) {
    let rosters: Vec<_> = (0..=7)
        .map(|count| {
            let identities = identities(count);
            let roster = Roster::new(CONTEXT, members(&identities)).ok();
            roster.map(|roster| (Arc::new(signed(roster, &identities)), identities))
        })
        .collect();
    let (mut opened, mut failed, mut dropped) = (0_u32, 0_u32, 0_u32);
    for seed in seeds.clone() {
        let (roster, identities) = rosters[count_of(seed)]
            .as_ref()
            .expect("three nodes or more");
        let outcome = World::new(seed, roster, identities).run();
        // The roster is final with the first opened sum.
        assert!(
            outcome.opened.windows(2).all(|two| two[0] == two[1]),
            "seed {seed}: {:?}",
            outcome.opened
        );
        opened += outcome.opened.len() as u32;
        failed += u32::from(outcome.opened.is_empty());
        dropped += u32::from(
            outcome
                .opened
                .first()
                .is_some_and(|first| first.len() < outcome.members),
        );
    }
    let runs = (seeds.end - seeds.start) as u32;
    println!(
        "{runs} runs: {opened} rounds opened, {dropped} runs with fewer nodes, {failed} runs without a sum"
    );
    assert!(
        opened > runs / 2 && failed > runs / 20 && dropped > runs / 50,
        "the weather is too good or too bad"
    );
}

fn seeds() -> u64 {
    std::env::var("LIGATE_SIMULATOR_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2000)
}

#[test]
fn seeds_of_the_first_half() {
    simulate(0..seeds() / 2);
}

#[test]
fn seeds_of_the_second_half() {
    simulate(seeds() / 2..seeds());
}

/// A coordinator that shows every node other lists, at random, and uses whatever signatures it got:
/// it never brings the nodes to reveal shares for two lists, and never for fewer than the minimum.
#[test]
fn a_coordinator_that_contradicts_itself_gets_one_list_at_most() {
    let (mut revealed, mut refused) = (0, 0);
    for seed in 0..seeds() / 20 {
        let mut rng = rng(seed);
        let count = 4 + (seed % 3) as usize;
        let mut nodes = cluster::Nodes::new(count);
        nodes.up_to_masked(0);
        let mut signatures: BTreeMap<u64, Vec<(usize, ligate_access::Signature)>> = BTreeMap::new();
        let some_list = |rng: &mut ChaCha20Rng| match below(rng, 3) {
            0 => NodeSet::first(count),
            1 => NodeSet::first(count - 1),
            _ => NodeSet::from_bits(rng.next_u64() & NodeSet::first(count).bits()),
        };
        for _ in 0..3 * count {
            let (node, list) = (below(&mut rng, count as u64) as usize, some_list(&mut rng));
            match nodes.answer(node, 0, RoundMessage::Survivors(list)) {
                Ok(RoundAnswer::Signed(signature)) => {
                    let signatures = signatures.entry(list.bits()).or_default();
                    signatures.retain(|(place, _)| *place != node);
                    signatures.push((node, signature));
                }
                Ok(_) => panic!("not a signature"),
                Err(_) => refused += 1,
            }
        }
        let mut opened = None;
        for (list, mut signatures) in signatures {
            signatures.sort_by_key(|(place, _)| *place);
            for node in 0..count {
                if let Ok(RoundAnswer::Revealed(reveal)) =
                    nodes.answer(node, 0, RoundMessage::Unmask(signatures.clone()))
                {
                    assert_eq!(reveal.seeds_of().bits(), list);
                    assert!(reveal.seeds_of().len() >= nodes.roster.roster().minimum());
                    assert_eq!(*opened.get_or_insert(list), list, "seed {seed}: two lists");
                    revealed += 1;
                }
            }
        }
    }
    assert!(revealed > 0 && refused > 0);
}
