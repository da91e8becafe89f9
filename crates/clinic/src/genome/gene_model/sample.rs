//! A small model for tests: genes of one coding exon each on chromosome 1, a million bases apart.

use super::{GeneModel, GeneStructure, ModelGene, TranscriptStructure};
use crate::genome::Chromosome;

/// Genes `G0`, `G1`, ... with exons of these lengths.
pub(in crate::genome) fn model(lengths: &[u32]) -> GeneModel {
    let one = Chromosome::from_number(1).expect("chromosome 1");
    let structure = |at: usize| GeneStructure {
        symbol: format!("G{at}").into(),
        ensembl: None,
        chromosome: one,
        coding_bases: 0,
        coding_exons: 0,
    };
    let transcript = |(at, length): (usize, &u32)| {
        let start = 1_000_000 * (at as u32 + 1);
        let exon = (start, start + length - 1);
        TranscriptStructure {
            gene: ModelGene(at as u32),
            forward: true,
            canonical: true,
            exons: [exon].into(),
            coding: Some(exon),
        }
    };
    let genes = (0..lengths.len()).map(structure).collect();
    GeneModel::assemble(genes, lengths.iter().enumerate().map(transcript).collect())
}
