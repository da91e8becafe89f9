//! One contig's bases and where they go, resolved once: every base belongs to the block of the
//! best-scoring chain that aligns it, so that a look-up is one binary search. Here positions count
//! from 0 and ends are excluded, as in the file.

use std::collections::BTreeMap;

use super::Strand;

/// Neighbouring bases that stay neighbours.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u32,
    end: u32,
    /// Which chain, and which of its unbroken stretches.
    chain: u32,
    query: u32,
    /// The query base, on the plus strand, of `start`; it falls from there on the minus strand.
    first: u32,
    strand: Strand,
}

/// A block of a chain, as the reader hands it over.
pub(super) struct Block {
    pub start: u32,
    pub length: u32,
    /// The query's plus-strand base of `start`.
    pub first: u32,
}

/// A chain with its blocks in ascending order.
pub(super) struct Alignment {
    pub score: u64,
    pub start: u32,
    pub end: u32,
    pub query: u32,
    pub strand: Strand,
    pub blocks: Vec<Block>,
}

/// What a look-up says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Contig by number, the lowest base on its plus strand.
    Aligned {
        query: u32,
        start: u32,
        strand: Strand,
    },
    Gap,
    Outside,
    Broken,
}

/// One contig.
pub(super) struct Map {
    segments: Vec<Segment>,
    /// Where any chain goes, gaps included; disjoint.
    spans: Vec<(u32, u32)>,
}

impl Map {
    pub fn new(mut alignments: Vec<Alignment>) -> Self {
        // A stable sort: of equal scores the first in the file decides.
        alignments.sort_by_key(|alignment| std::cmp::Reverse(alignment.score));
        let mut taken: BTreeMap<u32, Segment> = BTreeMap::new();
        for (chain, alignment) in alignments.iter().enumerate() {
            for block in &alignment.blocks {
                claim(&mut taken, chain as u32, alignment, block);
            }
        }
        let spans = union(
            alignments
                .iter()
                .map(|alignment| (alignment.start, alignment.end))
                .collect(),
        );
        Self {
            segments: taken.into_values().collect(),
            spans,
        }
    }

    /// The bases from `start` to before `end`.
    pub fn find(&self, start: u32, end: u32) -> Found {
        let at = self
            .segments
            .partition_point(|segment| segment.end <= start);
        let first = self.segments.get(at).filter(|segment| segment.start < end);
        let Some(first) = first else {
            return self.unaligned(start, end);
        };
        if first.start > start {
            return Found::Broken;
        }
        let mut last = first;
        for segment in &self.segments[at + 1..] {
            if last.end >= end {
                break;
            }
            if !last.goes_on_in(segment) {
                return Found::Broken;
            }
            last = segment;
        }
        if last.end < end {
            return Found::Broken;
        }
        let lowest = match first.strand {
            Strand::Plus => first.base(start),
            Strand::Minus => last.base(end - 1),
        };
        Found::Aligned {
            query: first.query,
            start: lowest,
            strand: first.strand,
        }
    }

    /// Deleted only if chains go over all the bases.
    fn unaligned(&self, start: u32, end: u32) -> Found {
        let at = self.spans.partition_point(|span| span.1 <= start);
        match self.spans.get(at) {
            Some(&(from, to)) if from <= start && end <= to => Found::Gap,
            _ => Found::Outside,
        }
    }
}

impl Segment {
    fn base(&self, target: u32) -> u32 {
        match self.strand {
            Strand::Plus => self.first + (target - self.start),
            Strand::Minus => self.first - (target - self.start),
        }
    }

    fn goes_on_in(&self, next: &Self) -> bool {
        let neighbours = match self.strand {
            Strand::Plus => self.base(self.end - 1) + 1 == next.first,
            Strand::Minus => next.first + 1 == self.base(self.end - 1),
        };
        self.chain == next.chain && self.end == next.start && neighbours
    }
}

/// Gives those bases of a block to its chain that no better chain has.
fn claim(taken: &mut BTreeMap<u32, Segment>, chain: u32, alignment: &Alignment, block: &Block) {
    let whole = Segment {
        start: block.start,
        end: block.start + block.length,
        chain,
        query: alignment.query,
        first: block.first,
        strand: alignment.strand,
    };
    let before = taken
        .range(..=whole.start)
        .next_back()
        .map_or(0, |(_, segment)| segment.end);
    let mut from = whole.start.max(before);
    let inside: Vec<(u32, u32)> = taken
        .range(whole.start..whole.end)
        .map(|(_, segment)| (segment.start, segment.end))
        .collect();
    for (start, end) in inside.into_iter().chain([(whole.end, whole.end)]) {
        if from < start {
            let first = whole.base(from);
            taken.insert(
                from,
                Segment {
                    start: from,
                    end: start,
                    first,
                    ..whole
                },
            );
        }
        from = from.max(end);
    }
}

fn union(mut spans: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    spans.sort_unstable();
    let mut all: Vec<(u32, u32)> = Vec::new();
    for (start, end) in spans {
        match all.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => all.push((start, end)),
        }
    }
    all
}
