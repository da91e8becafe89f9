//! From gene tables to the model: protein-coding transcripts of genes on chromosomes, indexed.

use ligate_formats::chain::Strand;
use ligate_knowledge::sources::gene_tables;

use super::{ChromosomeIndex, GeneModel, GeneStructure, MARGIN, ModelGene, TranscriptStructure};
use crate::genome::Chromosome;

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Transcripts that are not protein-coding, by their biotype.
    pub not_coding: usize,
    /// Transcripts of genes on contigs other than 1-22, X, Y and MT, or without exons.
    pub elsewhere: usize,
}

impl GeneModel {
    /// Builds the model of protein-coding transcripts.
    pub fn build(
        genes: &[gene_tables::Gene],
        transcripts: &[gene_tables::Transcript],
    ) -> (Self, Unplaced) {
        let mut unplaced = Unplaced::default();
        let mut places: Vec<Option<ModelGene>> = vec![None; genes.len()];
        let (mut structures, mut kept) = (Vec::new(), Vec::new());
        for transcript in transcripts {
            if transcript.biotype != gene_tables::Biotype::ProteinCoding {
                unplaced.not_coding += 1;
                continue;
            }
            let found = genes.get(transcript.gene).and_then(|gene| {
                Some((gene, Chromosome::from_contig(&gene.contig)?))
                    .filter(|_| !transcript.exons.is_empty())
            });
            let Some((gene, chromosome)) = found else {
                unplaced.elsewhere += 1;
                continue;
            };
            let place = *places[transcript.gene].get_or_insert_with(|| {
                structures.push(structure(gene, chromosome));
                ModelGene(structures.len() as u32 - 1)
            });
            kept.push(placed(transcript, place));
        }
        (Self::assemble(structures, kept), unplaced)
    }

    /// Puts transcripts in order and indexes them.
    pub(super) fn assemble(
        mut genes: Vec<GeneStructure>,
        mut transcripts: Vec<TranscriptStructure>,
    ) -> Self {
        let chromosome = |gene: ModelGene| genes[gene.0 as usize].chromosome;
        transcripts.sort_by(|a, b| {
            let key = |t: &TranscriptStructure| (chromosome(t.gene), t.start(), t.end(), t.gene);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.exons.cmp(&b.exons))
                .then(a.coding.cmp(&b.coding))
        });
        let mut index = Vec::with_capacity(Chromosome::COUNT);
        let mut at = 0;
        for number in 0..Chromosome::COUNT {
            let length =
                transcripts[at..].partition_point(|t| chromosome(t.gene).index() <= number);
            index.push(indexed(&transcripts, at..at + length));
            at += length;
        }
        measure(&mut genes, &transcripts);
        Self {
            genes,
            transcripts,
            index,
        }
    }
}

fn structure(gene: &gene_tables::Gene, chromosome: Chromosome) -> GeneStructure {
    let ensembl = gene
        .ensembl_id
        .strip_prefix("ENSG")
        .and_then(|number| number.parse().ok());
    GeneStructure {
        symbol: gene.symbol.clone(),
        ensembl,
        chromosome,
        coding_bases: 0,
        coding_exons: 0,
    }
}

fn placed(transcript: &gene_tables::Transcript, gene: ModelGene) -> TranscriptStructure {
    let exons = transcript
        .exons
        .iter()
        .map(|exon| (exon.start.get(), exon.end.get()))
        .collect();
    let coding = match (transcript.coding.first(), transcript.coding.last()) {
        (Some(first), Some(last)) => Some((first.start.get(), last.end.get())),
        _ => None,
    };
    let forward = transcript.strand == Strand::Plus;
    TranscriptStructure {
        gene,
        forward,
        canonical: transcript.is_first,
        exons,
        coding,
    }
}

fn indexed(all: &[TranscriptStructure], range: std::ops::Range<usize>) -> ChromosomeIndex {
    let transcripts = &all[range.clone()];
    let mut furthest = 0;
    let reach = transcripts.iter().map(|transcript| {
        furthest = furthest.max(transcript.end());
        furthest
    });
    let reach = reach.collect();
    let exons = transcripts
        .iter()
        .flat_map(|transcript| transcript.exons.iter());
    let exonic = merged(
        exons
            .map(|(start, end)| (start.saturating_sub(MARGIN), end + MARGIN))
            .collect(),
    );
    ChromosomeIndex {
        transcripts: range,
        reach,
        exonic,
    }
}

/// Coding bases and exons of each gene's transcripts together.
fn measure(genes: &mut [GeneStructure], transcripts: &[TranscriptStructure]) {
    let mut coding: Vec<Vec<(u32, u32)>> = vec![Vec::new(); genes.len()];
    for transcript in transcripts {
        let Some((first, last)) = transcript.coding else {
            continue;
        };
        let parts = transcript
            .exons
            .iter()
            .map(|(start, end)| ((*start).max(first), (*end).min(last)));
        coding[transcript.gene.0 as usize].extend(parts.filter(|(start, end)| start <= end));
    }
    for (gene, intervals) in genes.iter_mut().zip(coding) {
        let merged = merged(intervals);
        gene.coding_exons = merged.len() as u32;
        gene.coding_bases = merged.iter().map(|(start, end)| end - start + 1).sum();
    }
}

fn merged(mut intervals: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    intervals.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (start, end) in intervals {
        match merged.last_mut() {
            Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}
