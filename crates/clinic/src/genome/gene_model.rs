//! Gene structures of GRCh38 and what they show of a variant: the exon, coding part, splice site,
//! untranslated region or intron it lies in, and whether an indel keeps the reading frame.
//!
//! Refuses to say more: without the reference sequence a base change in a coding exon may be
//! silent, missense or nonsense. Positions count from 1, intervals include both ends.

mod build;
mod encoding;
mod names;
mod region;
#[cfg(test)]
pub(super) mod sample;

use super::{Chromosome, SmallVariant};

pub use build::Unplaced;
pub use names::GeneNames;
pub use region::Region;

/// A gene's place in the model: dense, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelGene(pub u32);

/// A protein-coding gene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneStructure {
    pub symbol: Box<str>,
    /// The number behind ENSG.
    pub ensembl: Option<u64>,
    pub chromosome: Chromosome,
    /// Coding bases of the union of its transcripts.
    pub coding_bases: u32,
    /// Coding exons of the union of its transcripts.
    pub coding_exons: u32,
}

/// A transcript: exons ascending; the coding part runs from the first to the last base of `coding`
/// through them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TranscriptStructure {
    pub gene: ModelGene,
    pub forward: bool,
    pub canonical: bool,
    pub exons: Box<[(u32, u32)]>,
    pub coding: Option<(u32, u32)>,
}

impl TranscriptStructure {
    fn start(&self) -> u32 {
        self.exons.first().map_or(0, |exon| exon.0)
    }

    fn end(&self) -> u32 {
        self.exons.last().map_or(0, |exon| exon.1)
    }
}

/// All structures, indexed by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneModel {
    genes: Vec<GeneStructure>,
    /// By chromosome, then start.
    transcripts: Vec<TranscriptStructure>,
    index: Vec<ChromosomeIndex>,
}

/// Transcripts of one chromosome, in the order of their starts, and where exons and splice regions
/// are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ChromosomeIndex {
    transcripts: std::ops::Range<usize>,
    /// Largest end of this transcript and those before it.
    reach: Vec<u32>,
    /// Exons with [`MARGIN`] bases to each side, merged, ascending.
    exonic: Vec<(u32, u32)>,
}

/// Bases beside an exon that still count as near it: the splice region and what calling may shift.
pub const MARGIN: u32 = 20;

/// What a variant does to one gene, by the transcript that it hits hardest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub gene: ModelGene,
    pub region: Region,
    /// Whether the gene's canonical transcript is hit as hard.
    pub canonical: bool,
}

impl GeneModel {
    pub fn genes(&self) -> &[GeneStructure] {
        &self.genes
    }

    pub fn gene(&self, gene: ModelGene) -> Option<&GeneStructure> {
        self.genes.get(gene.0 as usize)
    }

    /// Whether a base lies in an exon or within [`MARGIN`] bases of one.
    pub fn is_near_exon(&self, chromosome: Chromosome, position: u32) -> bool {
        self.touches_exon(chromosome, position, position)
    }

    /// The same of any base of `first..=last`.
    pub fn touches_exon(&self, chromosome: Chromosome, first: u32, last: u32) -> bool {
        let Some(index) = self.index.get(chromosome.index()) else {
            return false;
        };
        let after = index.exonic.partition_point(|(start, _)| *start <= last);
        after > 0 && index.exonic[after - 1].1 >= first
    }

    /// Whether any changed base lies in an exon.
    pub fn is_in_exon(&self, variant: &SmallVariant) -> bool {
        let change = region::Change::of(variant);
        let (first, last) = (change.first, change.last);
        self.overlapping(variant.place.chromosome, first, last)
            .any(|transcript| {
                transcript
                    .exons
                    .iter()
                    .any(|exon| exon.0 <= last && exon.1 >= first)
            })
    }

    /// What the variant does to each gene it lies in, hardest hit first, each gene once.
    pub fn hits(&self, variant: &SmallVariant) -> Vec<Hit> {
        let change = region::Change::of(variant);
        let mut hits: Vec<Hit> = Vec::new();
        for transcript in self.overlapping(variant.place.chromosome, change.first, change.last) {
            let Some(region) = region::of(transcript, &change) else {
                continue;
            };
            add(
                &mut hits,
                Hit {
                    gene: transcript.gene,
                    region,
                    canonical: transcript.canonical,
                },
            );
        }
        hits.sort_by_key(|hit| (hit.region, hit.gene));
        hits
    }

    fn overlapping(
        &self,
        chromosome: Chromosome,
        first: u32,
        last: u32,
    ) -> impl Iterator<Item = &TranscriptStructure> {
        let index = self.index.get(chromosome.index());
        let (range, reach) = index.map_or((0..0, &[][..]), |index| {
            (index.transcripts.clone(), &index.reach)
        });
        let transcripts = &self.transcripts[range];
        let after = transcripts.partition_point(|transcript| transcript.start() <= last);
        // Walking back ends where no earlier transcript reaches the place.
        let near = (0..after)
            .rev()
            .take_while(move |at| reach[*at] >= first)
            .map(|at| &transcripts[at]);
        near.filter(move |transcript| transcript.end() >= first)
    }
}

fn add(hits: &mut Vec<Hit>, hit: Hit) {
    match hits.iter_mut().find(|known| known.gene == hit.gene) {
        Some(known) if hit.region < known.region => *known = hit,
        Some(known) => known.canonical |= hit.canonical && hit.region == known.region,
        None => hits.push(hit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::Place;

    #[test]
    fn a_section_is_read_as_it_was_written() {
        let model = sample::model(&[300, 900, 30]);
        assert_eq!(GeneModel::decode(&model.encode()).unwrap(), model);
        let bytes = model.encode();
        for cut in [0, 1, 10, bytes.len() - 1] {
            assert!(GeneModel::decode(&bytes[..cut]).is_err());
        }
        let more = [bytes, vec![0]].concat();
        assert!(GeneModel::decode(&more).is_err());
    }

    #[test]
    fn places_find_their_genes() {
        let model = sample::model(&[300, 900]);
        let place = |position| Place {
            chromosome: model.genes()[0].chromosome,
            position,
        };
        let hits = |position| model.hits(&SmallVariant::new(place(position), "A", "C").unwrap());
        assert_eq!(hits(2_000_500)[0].gene, ModelGene(1));
        assert_eq!(hits(1_000_299)[0].region, Region::Coding);
        assert_eq!((hits(1_000_300), hits(500)), (vec![], vec![]));
        let near = |position| model.is_near_exon(place(position).chromosome, position);
        assert!(near(1_000_300 + MARGIN - 1) && !near(1_000_300 + MARGIN) && !near(999_000));
        assert_eq!(
            (model.genes()[1].coding_bases, model.genes()[1].coding_exons),
            (900, 1)
        );
    }
}
