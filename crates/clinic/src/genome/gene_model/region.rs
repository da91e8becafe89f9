//! Where a change lies in one transcript.

use super::TranscriptStructure;
use crate::genome::SmallVariant;

/// What a structure shows, hardest hit first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// One of the two intron bases beside an exon.
    SpliceSite,
    /// Inserted or deleted coding bases that are no multiple of three.
    Frameshift,
    /// A base of the start codon.
    StartCodon,
    /// Inserted or deleted coding bases, a multiple of three.
    InframeIndel,
    /// A base change in the coding part: silent, missense or nonsense, which structures cannot
    /// tell.
    Coding,
    /// The last three bases of an exon's side of a splice site, or bases 3 to 8 of the intron's.
    SpliceRegion,
    FivePrimeUtr,
    ThreePrimeUtr,
    Intron,
}

/// Bases beyond the first two of an intron that still belong to its splice region.
const SPLICE_REGION_INTRON: u32 = 8;
/// Last bases of an exon that belong to a splice region.
const SPLICE_REGION_EXON: u32 = 3;

/// A variant as the bases that it touches, from 1: those replaced or deleted, or the two around an
/// insertion.
pub(super) struct Change {
    pub first: u32,
    pub last: u32,
    insertion: bool,
    growth: i64,
}

impl Change {
    pub fn of(variant: &SmallVariant) -> Self {
        let (position, length) = (variant.place.position, variant.reference.len() as u32);
        let (growth, anchored) = (
            variant.growth(),
            variant.reference.as_bytes()[0] == variant.alternate.as_bytes()[0],
        );
        let insertion = anchored && length == 1;
        match (insertion, anchored) {
            (true, _) => Self {
                first: position,
                last: position + 1,
                insertion,
                growth,
            },
            (_, true) => Self {
                first: position + 1,
                last: position + length - 1,
                insertion,
                growth,
            },
            _ => Self {
                first: position,
                last: position + length - 1,
                insertion,
                growth,
            },
        }
    }

    /// Whether a changed base, or the point of an insertion, lies within `first..=last`.
    fn within(&self, first: u32, last: u32) -> bool {
        if first > last {
            return false;
        }
        if self.insertion {
            // Between two bases that are both within.
            self.first >= first && self.last <= last
        } else {
            self.last >= first && self.first <= last
        }
    }

    /// As `within`, an insertion at either edge included: it may as well be read as a repeat of the
    /// bases inside.
    fn touches(&self, first: u32, last: u32) -> bool {
        self.last >= first && self.first <= last
    }
}

/// The hardest that the change hits the transcript; `None` outside of it.
pub(super) fn of(transcript: &TranscriptStructure, change: &Change) -> Option<Region> {
    if !change.touches(transcript.start(), transcript.end()) {
        return None;
    }
    let exons = &transcript.exons;
    let begin = exons.partition_point(|exon| exon.1 + SPLICE_REGION_INTRON < change.first);
    let near = exons.iter().enumerate().skip(begin);
    near.take_while(|(_, exon)| exon.0 <= change.last + SPLICE_REGION_INTRON)
        .map(|(at, _)| beside(transcript, at, change))
        .chain([Region::Intron])
        .min()
}

fn beside(transcript: &TranscriptStructure, at: usize, change: &Change) -> Region {
    let (start, end) = transcript.exons[at];
    let (before, after) = (at > 0, at + 1 < transcript.exons.len());
    let splice = (before && change.within(start.saturating_sub(2), start - 1))
        || (after && change.within(end + 1, end + 2));
    if splice {
        return Region::SpliceSite;
    }
    let exonic = exonic(transcript, (start, end), change);
    let region = (before
        && change.touches(
            start.saturating_sub(SPLICE_REGION_INTRON),
            start + SPLICE_REGION_EXON - 1,
        ))
        || (after
            && change.touches(
                (end + 1).saturating_sub(SPLICE_REGION_EXON),
                end + SPLICE_REGION_INTRON,
            ));
    match exonic {
        Some(exonic) if !region => exonic,
        Some(exonic) => exonic.min(Region::SpliceRegion),
        None if region => Region::SpliceRegion,
        None => Region::Intron,
    }
}

fn exonic(
    transcript: &TranscriptStructure,
    (start, end): (u32, u32),
    change: &Change,
) -> Option<Region> {
    if !change.touches(start, end) {
        return None;
    }
    let (coding_start, coding_end) = transcript.coding.unwrap_or((u32::MAX, 0));
    let (first, last) = (start.max(coding_start), end.min(coding_end));
    // An insertion at the edge of the coding part is read as coding only where the exon goes on or
    // ends there too.
    let coding = first <= last && change.touches(first, last);
    if coding {
        return Some(coding_region(
            transcript,
            (coding_start, coding_end),
            change,
        ));
    }
    let ahead = change.last < coding_start;
    Some(if ahead == transcript.forward {
        Region::FivePrimeUtr
    } else {
        Region::ThreePrimeUtr
    })
}

fn coding_region(
    transcript: &TranscriptStructure,
    (start, end): (u32, u32),
    change: &Change,
) -> Region {
    if change.growth % 3 != 0 {
        return Region::Frameshift;
    }
    let codon = if transcript.forward {
        (start, start + 2)
    } else {
        (end.saturating_sub(2), end)
    };
    if change.within(codon.0, codon.1) {
        return Region::StartCodon;
    }
    if change.growth != 0 {
        Region::InframeIndel
    } else {
        Region::Coding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::{Chromosome, Place, gene_model::ModelGene};

    /// Exons 101-200, 301-400, 501-600; coding 151-550.
    fn transcript(forward: bool) -> TranscriptStructure {
        let exons = [(101, 200), (301, 400), (501, 600)].into();
        TranscriptStructure {
            gene: ModelGene(0),
            forward,
            canonical: true,
            exons,
            coding: Some((151, 550)),
        }
    }

    fn check(
        position: u32,
        reference: &str,
        alternate: &str,
        forward: bool,
        expected: Option<Region>,
    ) {
        let place = Place {
            chromosome: Chromosome::X,
            position,
        };
        let variant = SmallVariant::new(place, reference, alternate).unwrap();
        let found = of(&transcript(forward), &Change::of(&variant));
        assert_eq!(found, expected, "{position} {reference}>{alternate}");
    }

    #[test]
    fn base_changes() {
        for (position, expected) in [
            (100, None),
            (101, Some(Region::FivePrimeUtr)),
            (151, Some(Region::StartCodon)),
            (154, Some(Region::Coding)),
            (198, Some(Region::Coding)),
            (201, Some(Region::SpliceSite)),
            (202, Some(Region::SpliceSite)),
            (203, Some(Region::SpliceRegion)),
            (208, Some(Region::SpliceRegion)),
            (209, Some(Region::Intron)),
            (292, Some(Region::Intron)),
            (293, Some(Region::SpliceRegion)),
            (299, Some(Region::SpliceSite)),
            (300, Some(Region::SpliceSite)),
            (550, Some(Region::Coding)),
            (551, Some(Region::ThreePrimeUtr)),
            (601, None),
        ] {
            check(position, "A", "C", true, expected);
        }
        check(101, "A", "C", false, Some(Region::ThreePrimeUtr));
        check(548, "A", "C", false, Some(Region::StartCodon));
        check(151, "A", "C", false, Some(Region::Coding));
    }

    #[test]
    fn indels() {
        check(160, "A", "AC", true, Some(Region::Frameshift));
        check(160, "A", "ACCC", true, Some(Region::InframeIndel));
        check(160, "ACG", "A", true, Some(Region::Frameshift));
        check(160, "ACGT", "A", true, Some(Region::InframeIndel));
        // Between the last exon base and the first intron base: a repeat of exon bases may be
        // written so.
        check(200, "A", "AC", true, Some(Region::Frameshift));
        check(201, "G", "GC", true, Some(Region::SpliceSite));
        check(199, "ACG", "A", true, Some(Region::SpliceSite));
        check(210, "A", "AC", true, Some(Region::Intron));
        check(101, "A", "AC", true, Some(Region::FivePrimeUtr));
    }
}
