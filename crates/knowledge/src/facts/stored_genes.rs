//! Genes in a knowledge file, column by column. Their diseases are those that name them.

use serde::{Deserialize, Serialize};

use super::{Constraint, Gene, GeneIndex, gene_names::GeneNames};
use crate::ontology::{StoredWords, Words};

/// Section `genes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredGenes {
    symbols: StoredWords,
    /// Bit 0: protein-coding; bits 1 to 4: has an HGNC id, Entrez id, Ensembl id, constraint.
    flags: Vec<u8>,
    hgnc: Vec<u32>,
    entrez: Vec<u32>,
    ensembl: Vec<u64>,
    /// pLI, LOEUF and missense z of each gene that has them.
    constraint: Vec<f32>,
    names: StoredWords,
    named: Vec<u32>,
}

impl StoredGenes {
    pub(super) fn of(genes: &[Gene], names: &GeneNames) -> Self {
        let flags = |gene: &Gene| {
            u8::from(gene.protein_coding)
                | u8::from(gene.hgnc.is_some()) << 1
                | u8::from(gene.entrez.is_some()) << 2
                | u8::from(gene.ensembl.is_some()) << 3
                | u8::from(gene.constraint.is_some()) << 4
        };
        let scores =
            |constraint: Constraint| [constraint.pli, constraint.loeuf, constraint.missense_z];
        let (words, named) = names.names();
        Self {
            symbols: genes
                .iter()
                .map(|gene| &gene.symbol)
                .collect::<Words>()
                .stored(),
            flags: genes.iter().map(flags).collect(),
            hgnc: genes.iter().filter_map(|gene| gene.hgnc).collect(),
            entrez: genes.iter().filter_map(|gene| gene.entrez).collect(),
            ensembl: genes.iter().filter_map(|gene| gene.ensembl).collect(),
            constraint: genes
                .iter()
                .filter_map(|gene| gene.constraint)
                .flat_map(scores)
                .collect(),
            names: words.stored(),
            named: named.iter().map(|gene| gene.0).collect(),
        }
    }

    /// The genes without their diseases, and their names.
    pub(super) fn restore(self) -> Option<(Vec<Gene>, GeneNames)> {
        let symbols = self
            .symbols
            .restore()
            .filter(|symbols| symbols.len() == self.flags.len())?;
        let (mut hgnc, mut entrez) = (self.hgnc.into_iter(), self.entrez.into_iter());
        let (mut ensembl, mut scores) = (self.ensembl.into_iter(), self.constraint.into_iter());
        let mut genes = Vec::with_capacity(self.flags.len());
        for (symbol, flags) in symbols.iter().zip(self.flags) {
            let has = |bit: u8| flags >> bit & 1 == 1;
            genes.push(Gene {
                symbol: symbol.to_owned(),
                protein_coding: has(0),
                hgnc: if has(1) { Some(hgnc.next()?) } else { None },
                entrez: if has(2) { Some(entrez.next()?) } else { None },
                ensembl: if has(3) { Some(ensembl.next()?) } else { None },
                diseases: Vec::new(),
                constraint: if has(4) {
                    Some(constraint(&mut scores)?)
                } else {
                    None
                },
            });
        }
        let used = hgnc.len() + entrez.len() + ensembl.len() + scores.len() == 0;
        let names = self
            .names
            .restore()
            .filter(|names| used && names.len() == self.named.len())?;
        let sound = self.named.iter().all(|&gene| (gene as usize) < genes.len())
            && names.iter().is_sorted_by(|a, b| a < b);
        let named = self.named.into_iter().map(GeneIndex).collect();
        sound
            .then(|| (GeneNames::of(names, named, &genes), genes))
            .map(|(names, genes)| (genes, names))
    }
}

fn constraint(scores: &mut impl Iterator<Item = f32>) -> Option<Constraint> {
    let (pli, loeuf, missense_z) = (scores.next()?, scores.next()?, scores.next()?);
    let sound = pli.is_finite() && loeuf.is_finite() && missense_z.is_finite();
    sound.then_some(Constraint {
        pli,
        loeuf,
        missense_z,
    })
}
