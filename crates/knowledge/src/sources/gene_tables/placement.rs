//! Where a gene's transcripts stand within it. The table of structures counts from the start of the
//! earliest transcript that it kept, which is the gene's start unless a transcript that was left
//! out (a non-coding one) begins before it. Where the transcripts end with the gene, their place is
//! certain. For the others, one gene in six, sites whose effect is known from elsewhere decide: the
//! transcripts are shifted to where most coding sites lie in coding parts, splice sites beside
//! exons and intronic sites outside.

use std::collections::HashMap;

use ligate_formats::consequence::SequenceOntologyTerm as Term;
use ligate_model::{Contig, Position};

use super::{Gene, Interval, Transcript};

/// How sure a transcript's place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// The transcripts of the gene end where the gene ends.
    Certain,
    /// Known sites agree with the place, to the base.
    Supported,
    /// Known sites agree with the place, give or take a few bases.
    Approximate,
    /// The gene's transcripts were taken to begin where it begins.
    Assumed,
}

/// What a known site says of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    Coding,
    /// One of the two bases beside an exon, within the transcript.
    Splice,
    Intronic,
}

/// Sites of GRCh38 whose effect on a gene is known, as from a frequency table lifted by a chain.
#[derive(Clone, Debug, Default)]
pub struct KnownSites {
    by_gene: HashMap<Box<str>, Vec<(Contig, u32, Evidence)>>,
}

impl KnownSites {
    /// Adds a site of one gene; terms that say nothing of a place are passed over. `length` is the
    /// number of bases of the reference allele: longer ones are passed over, as they can begin
    /// outside of what they change.
    pub fn add(
        &mut self,
        gene: &str,
        contig: &Contig,
        position: Position,
        length: usize,
        term: Term,
    ) {
        let evidence = match term {
            _ if length != 1 => return,
            Term::Missense
            | Term::Synonymous
            | Term::StopGained
            | Term::StartLost
            | Term::StopLost => Evidence::Coding,
            Term::SpliceDonor | Term::SpliceAcceptor => Evidence::Splice,
            Term::Intron => Evidence::Intronic,
            _ => return,
        };
        let site = (contig.clone(), position.get(), evidence);
        match self.by_gene.get_mut(gene) {
            Some(sites) => sites.push(site),
            None => {
                self.by_gene.insert(gene.into(), vec![site]);
            }
        }
    }
}

/// How many genes have which placement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlacementCounts {
    pub certain: usize,
    pub supported: usize,
    pub approximate: usize,
    pub assumed: usize,
    /// Of those supported, how many do not begin where their gene begins.
    pub moved: usize,
}

/// Fewest coding and splice sites that decide, and the share of them that must agree.
const FEWEST_SITES: usize = 5;
const AGREEING_SHARE: f64 = 0.8;

/// Votes by which another place must be better than the gene's start.
const FEWEST_BETTER: i64 = 3;

/// Moves the transcripts of genes whose place is not certain to where the known sites say.
pub fn settle_places(
    genes: &[Gene],
    transcripts: &mut [Transcript],
    sites: &KnownSites,
) -> PlacementCounts {
    let mut of_gene: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, transcript) in transcripts.iter().enumerate() {
        of_gene.entry(transcript.gene).or_default().push(place);
    }
    let mut counts = PlacementCounts::default();
    for (gene, members) in of_gene {
        let Some(gene) = genes.get(gene) else {
            continue;
        };
        let own: Vec<&Transcript> = members
            .iter()
            .filter_map(|place| transcripts.get(*place))
            .collect();
        let known = sites
            .by_gene
            .get(&gene.symbol)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let (shift, placement) = settle(gene, &own, known);
        counts.count(shift, placement);
        for place in members {
            if let Some(transcript) = transcripts.get_mut(place) {
                transcript.shift(shift);
                transcript.placement = placement;
            }
        }
    }
    counts
}

impl PlacementCounts {
    fn count(&mut self, shift: u32, placement: Placement) {
        match placement {
            Placement::Certain => self.certain += 1,
            Placement::Supported => self.supported += 1,
            Placement::Approximate => self.approximate += 1,
            Placement::Assumed => self.assumed += 1,
        }
        self.moved += usize::from(shift > 0);
    }
}

/// By how many bases the gene's transcripts go up.
fn settle(gene: &Gene, own: &[&Transcript], sites: &[(Contig, u32, Evidence)]) -> (u32, Placement) {
    let last = own
        .iter()
        .filter_map(|t| t.exons.last())
        .map(|exon| exon.end.get())
        .max();
    let room = gene.place.end.get().saturating_sub(last.unwrap_or(0)) as usize;
    if room == 0 || last.is_none() {
        return (0, Placement::Certain);
    }
    let mut votes = Votes::new(room);
    let mut deciding = 0;
    for (kind, weight) in [
        (Evidence::Coding, 1),
        (Evidence::Splice, 1),
        (Evidence::Intronic, -1),
    ] {
        // An intronic site speaks against the shifts that bring it into coding parts.
        let parts = merged(own, kind);
        for (_, position, _) in sites
            .iter()
            .filter(|(contig, _, of)| *of == kind && *contig == gene.contig)
        {
            deciding += usize::from(weight > 0);
            parts
                .iter()
                .for_each(|(from, to)| votes.add(*position, *from, *to, weight));
        }
    }
    votes.decide(deciding)
}

/// For each shift from 0, how many sites agree with it.
struct Votes {
    /// Differences between neighbouring shifts.
    steps: Vec<i64>,
}

impl Votes {
    fn new(room: usize) -> Self {
        Self {
            steps: vec![0; room + 2],
        }
    }

    /// A site at `position` agrees with every shift that brings it between `from` and `to`.
    fn add(&mut self, position: u32, from: u32, to: u32, weight: i64) {
        let most = self.steps.len() - 2;
        let first = position.saturating_sub(to) as usize;
        let Some(last) = position
            .checked_sub(from)
            .map(|last| (last as usize).min(most))
        else {
            return;
        };
        if first <= last {
            self.steps[first] += weight;
            self.steps[last + 1] -= weight;
        }
    }

    /// The best shift: of equally good ones none, else all that the gene leaves, else the middle
    /// one.
    fn decide(mut self, deciding: usize) -> (u32, Placement) {
        self.steps.pop();
        let mut sum = 0;
        let votes: Vec<i64> = self
            .steps
            .iter()
            .map(|step| {
                sum += step;
                sum
            })
            .collect();
        let (Some(best), Some(unmoved)) = (votes.iter().max().copied(), votes.first().copied())
        else {
            return (0, Placement::Assumed);
        };
        if deciding < FEWEST_SITES || (best as f64) < AGREEING_SHARE * deciding as f64 {
            return (0, Placement::Assumed);
        }
        if unmoved == best {
            return (0, Placement::Supported);
        }
        if best - unmoved < FEWEST_BETTER {
            return (0, Placement::Approximate);
        }
        if votes.last() == Some(&best) {
            return ((votes.len() - 1) as u32, Placement::Supported);
        }
        let equal: Vec<usize> = (0..votes.len())
            .filter(|shift| votes.get(*shift) == Some(&best))
            .collect();
        let middle = equal.get(equal.len() / 2).copied().unwrap_or(0);
        (
            middle as u32,
            if equal.len() == 1 {
                Placement::Supported
            } else {
                Placement::Approximate
            },
        )
    }
}

/// The coding parts of all transcripts, or the two bases beside their inner exon ends; disjoint.
fn merged(own: &[&Transcript], kind: Evidence) -> Vec<(u32, u32)> {
    let ends = |part: &Interval| (part.start.get(), part.end.get());
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for transcript in own {
        if kind != Evidence::Splice {
            parts.extend(transcript.coding.iter().map(ends));
        } else {
            for pair in transcript.exons.windows(2) {
                let ((_, before), (after, _)) = (ends(&pair[0]), ends(&pair[1]));
                parts.extend([
                    (before + 1, before + 2),
                    (after.saturating_sub(2), after.saturating_sub(1)),
                ]);
            }
        }
    }
    parts.sort_unstable();
    let mut all: Vec<(u32, u32)> = Vec::new();
    for (from, to) in parts {
        match all.last_mut() {
            Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}
