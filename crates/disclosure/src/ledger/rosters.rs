//! The span rule over nodes: a result is a sum over the nodes of its roster, so results of several rosters can be taken
//! apart into the sum of one node, whatever people it has. From ABC + ADE - BCDE follows 2A.

use std::collections::BTreeSet;

use ligate_model::Digest;

use crate::span::{Limits, Rows, judge};

/// The share of a combination above which it is one node's.
const SHARE: f64 = 0.95;

/// The node of which the results of `rosters` would give the sum away, if there is one: to everybody, or to one of the
/// nodes `readers`, who can subtract their own part. A node that published its own counts, as a roster of one, is
/// known to everybody. One roster alone is for the gate, which counts the nodes that published nothing.
pub fn isolated_node(rosters: &[Vec<Digest>], readers: &BTreeSet<Digest>) -> Option<Digest> {
    let known: BTreeSet<Digest> =
        rosters.iter().filter(|roster| roster.len() == 1).flatten().copied().collect();
    let distinct: BTreeSet<&Vec<Digest>> = rosters.iter().filter(|roster| roster.len() > 1).collect();
    if distinct.len() < 2 {
        return None;
    }
    let nodes: BTreeSet<Digest> = distinct
        .iter()
        .flat_map(|roster| roster.iter().copied())
        .filter(|node| !known.contains(node))
        .collect();
    let of_reader = |reader: Option<&Digest>| {
        let hidden: Vec<Digest> = nodes.iter().filter(|node| Some(*node) != reader).copied().collect();
        most_isolated(&distinct, &hidden)
    };
    std::iter::once(None).chain(readers.iter().map(Some)).find_map(of_reader)
}

/// The node among `hidden` that a combination of the rosters isolates.
fn most_isolated(rosters: &BTreeSet<&Vec<Digest>>, hidden: &[Digest]) -> Option<Digest> {
    let column = |roster: &&Vec<Digest>| -> Vec<f64> {
        hidden.iter().map(|node| f64::from(u8::from(roster.contains(node)))).collect()
    };
    let columns: Vec<Vec<f64>> = rosters.iter().map(column).collect();
    let rows = Rows::from_columns(&columns);
    let gram = rows.gram(1);
    let isolates = |place: &usize| {
        let limits = Limits { leverage: SHARE, share: 1.0, group: 1 };
        let mut alone = Rows::zeros(1, rows.columns());
        (0..rows.columns()).for_each(|column| {
            alone.set_column(column, std::iter::once((0, rows.row(*place)[column])));
        });
        !judge(&alone, &gram, limits, 1.0, 1).passes()
    };
    (0..rows.people()).find(isolates).map(|place| hidden[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(letter: char) -> Digest {
        Digest::from_bytes([letter as u8; 32])
    }

    fn found(rosters: &[&str], readers: &str) -> Option<char> {
        let rosters: Vec<Vec<Digest>> =
            rosters.iter().map(|roster| roster.chars().map(node).collect()).collect();
        isolated_node(&rosters, &readers.chars().map(node).collect()).map(|node| node.as_bytes()[0] as char)
    }

    #[test]
    fn results_of_rosters_are_not_taken_apart() {
        assert_eq!(found(&["ABC"], "ABC"), None);
        assert_eq!(found(&["ABCDE", "ABCDEFGH"], "ABCDEFGH"), None);
        // Two nodes differ: each of them knows the other, nobody else does.
        assert_eq!(found(&["ABC", "ABCDE"], ""), None);
        assert_eq!(found(&["ABC", "ABCDE"], "D"), Some('E'));
        assert_eq!(found(&["ABCD", "ABCDE"], ""), Some('E'));
        assert_eq!(found(&["ABC", "ADE"], "ABCDE"), None);
        assert_eq!(found(&["ABC", "ADE", "BCDE"], ""), Some('A'));
        // The same rosters again say nothing new.
        assert_eq!(found(&["ABC", "ABC", "ABC"], "ABC"), None);
    }

    #[test]
    fn who_published_hides_nobody() {
        assert_eq!(found(&["A", "ABCD"], "BCD"), None);
        assert_eq!(found(&["ABCD", "ABCDEF"], ""), None);
        assert_eq!(found(&["F", "ABCD", "ABCDEF"], ""), Some('E'));
        assert_eq!(found(&[], "A"), None);
    }
}
