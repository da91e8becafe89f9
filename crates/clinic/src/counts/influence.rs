//! What a ranking rests on: the ranks with all peers' counts, with none, and without each peer in
//! turn. A peer that invents counts shows here, because without it the rank is another one.

use ligate_model::NodeName;

use super::PeerCounts;

/// Ranks of the same candidates under different knowledge, in the candidates' order. `None`: cannot
/// be ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct Influence {
    pub with_all: Vec<Option<f64>>,
    pub with_none: Vec<Option<f64>>,
    /// Each peer, and the ranks without it.
    pub without: Vec<(NodeName, Vec<Option<f64>>)>,
}

impl Influence {
    /// The peers whose counts alone decide that a candidate is among the first `top`, or is not.
    pub fn deciding(&self, candidate: usize, top: f64) -> Vec<&NodeName> {
        let leads = |ranks: &[Option<f64>]| {
            ranks
                .get(candidate)
                .copied()
                .flatten()
                .is_some_and(|rank| rank <= top)
        };
        let with_all = leads(&self.with_all);
        self.without
            .iter()
            .filter(|(_, ranks)| leads(ranks) != with_all)
            .map(|(peer, _)| peer)
            .collect()
    }
}

/// Ranks with all `peers`, with none, and without each. `rank` gives the ranks of the caller's
/// candidates when these peers' counts are added ([`with_counts`](super::with_counts)); it is
/// called once for each choice of peers.
pub fn ranks_with_and_without(
    peers: &[PeerCounts],
    mut rank: impl FnMut(&[&PeerCounts]) -> Vec<Option<f64>>,
) -> Influence {
    let all: Vec<&PeerCounts> = peers.iter().collect();
    let without = |index: usize| -> Vec<&PeerCounts> {
        all.iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .map(|(_, peer)| *peer)
            .collect()
    };
    Influence {
        with_all: rank(&all),
        with_none: rank(&[]),
        without: peers
            .iter()
            .enumerate()
            .map(|(index, peer)| (peer.peer.clone(), rank(&without(index))))
            .collect(),
    }
}
