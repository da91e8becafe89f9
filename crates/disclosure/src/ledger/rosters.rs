//! The span rule over nodes: a result is a sum over the nodes of its roster, so results of several
//! rosters can be taken apart into the sum of one node, whatever people it has. From ABC + ADE -
//! BCDE follows 2A.

use std::collections::BTreeSet;

use ligate_model::Digest;

use super::LedgerRefusal;
use crate::span::{Limits, Rows, judge};

/// The share of a combination above which it is one node's.
const SHARE: f64 = 0.95;

/// Rosters of one question; more are refused, because the work grows with their number.
const ROSTERS_MAX: usize = 256;

/// Who reads the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observer<'a> {
    /// Somebody who knows no node's own sums.
    Outsider,
    /// He, or the steward of one of these nodes, who can subtract that node's own part.
    Nodes(&'a [Digest]),
    /// He, or the steward of any node.
    AnyNode,
}

/// Refuses rosters of which the results would give a single node's sum away. A node that published
/// its own counts, as a roster of one, is known to everybody. One roster alone is for the gate,
/// which counts the nodes that published nothing.
pub fn check(rosters: &[Vec<Digest>], reader: Observer<'_>) -> Result<(), LedgerRefusal> {
    let known: BTreeSet<Digest> = rosters
        .iter()
        .filter(|roster| roster.len() == 1)
        .flatten()
        .copied()
        .collect();
    let distinct: BTreeSet<&Vec<Digest>> =
        rosters.iter().filter(|roster| roster.len() > 1).collect();
    if distinct.len() > ROSTERS_MAX {
        return Err(LedgerRefusal::NodeIsolated);
    }
    let nodes: BTreeSet<Digest> = distinct
        .iter()
        .flat_map(|roster| roster.iter().copied())
        .filter(|node| !known.contains(node))
        .collect();
    let stewards: Vec<Digest> = match reader {
        _ if distinct.len() < 2 => return Ok(()),
        Observer::Outsider => Vec::new(),
        Observer::Nodes(stewards) => stewards.to_vec(),
        Observer::AnyNode => nodes.iter().copied().collect(),
    };
    let isolates = |steward: Option<&Digest>| {
        let hidden: Vec<Digest> = nodes
            .iter()
            .filter(|node| Some(*node) != steward)
            .copied()
            .collect();
        one_is_isolated(&distinct, &hidden)
    };
    if std::iter::once(None)
        .chain(stewards.iter().map(Some))
        .any(isolates)
    {
        return Err(LedgerRefusal::NodeIsolated);
    }
    Ok(())
}

/// Whether a combination of the rosters isolates one of the `hidden` nodes.
fn one_is_isolated(rosters: &BTreeSet<&Vec<Digest>>, hidden: &[Digest]) -> bool {
    let column = |roster: &&Vec<Digest>| -> Vec<f64> {
        hidden
            .iter()
            .map(|node| f64::from(u8::from(roster.contains(node))))
            .collect()
    };
    let columns: Vec<Vec<f64>> = rosters.iter().map(column).collect();
    let rows = Rows::from_columns(&columns);
    let limits = Limits {
        leverage: SHARE,
        share: 1.0,
        group: 1,
    };
    !judge(&rows, limits, 1).passes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(letters: &str) -> Vec<Digest> {
        letters
            .bytes()
            .map(|letter| Digest::from_bytes([letter; 32]))
            .collect()
    }

    fn passes(rosters: &[&str], reader: &str) -> bool {
        let rosters: Vec<Vec<Digest>> = rosters.iter().map(|roster| nodes(roster)).collect();
        let stewards = nodes(reader);
        let reader = match reader {
            "" => Observer::Outsider,
            "*" => Observer::AnyNode,
            _ => Observer::Nodes(&stewards),
        };
        check(&rosters, reader).is_ok()
    }

    #[test]
    fn results_of_rosters_are_not_taken_apart() {
        assert!(passes(&["ABC"], "*"));
        assert!(passes(&["ABCDE", "ABCDEFGH"], "*"));
        // Two nodes differ: each of them knows the other, nobody else does.
        assert!(passes(&["ABC", "ABCDE"], "") && passes(&["ABC", "ABCDE"], "ABC"));
        assert!(!passes(&["ABC", "ABCDE"], "D") && !passes(&["ABC", "ABCDE"], "*"));
        assert!(!passes(&["ABCD", "ABCDE"], ""));
        assert!(passes(&["ABC", "ADE"], "*") && passes(&["ABC", "BCDE"], ""));
        assert!(!passes(&["ABC", "ADE", "BCDE"], ""));
        // The same rosters again say nothing new.
        assert!(passes(&["ABC", "ABC", "ABC"], "*"));
    }

    #[test]
    fn who_published_hides_nobody() {
        assert!(passes(&["A", "ABCD"], "*"));
        assert!(passes(&["ABCD", "ABCDEF"], "") && !passes(&["F", "ABCD", "ABCDEF"], ""));
        assert!(passes(&[], "*"));
    }
}
