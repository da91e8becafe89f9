//! The table of genes: HGNC's, and those that only a link names.

use std::collections::HashMap;

use super::{
    Disease, DiseaseIndex, Gene, GeneIndex, Note, Notes, distinct,
    gene_names::{GeneNames, NameKind, NameList, ensembl_number},
};
use crate::sources::{gene_links::GeneLink, gene_tables::HgncGene};

/// Genes on their way: in HGNC's order, pseudogenes included, so that a name which one of them has
/// is not taken for another gene's.
pub(super) struct GeneTable {
    genes: Vec<Gene>,
    /// Which genes are kept although nothing links them.
    kept: Vec<bool>,
    names: NameList,
    by_entrez: HashMap<u32, GeneIndex>,
}

impl GeneTable {
    /// HGNC's genes, then linked genes that HGNC does not have.
    pub(super) fn of(hgnc: &[HgncGene], links: &[GeneLink], notes: &mut Notes) -> Self {
        let mut table = Self {
            genes: Vec::with_capacity(hgnc.len()),
            kept: Vec::with_capacity(hgnc.len()),
            names: NameList::default(),
            by_entrez: HashMap::new(),
        };
        for record in hgnc.iter().filter(|record| record.is_approved) {
            let gene = table.push(approved(record), &*record.locus_group != "pseudogene");
            record
                .previous_symbols
                .iter()
                .for_each(|name| table.names.add(name, NameKind::Previous, gene));
            record
                .aliases
                .iter()
                .for_each(|name| table.names.add(name, NameKind::Alias, gene));
        }
        for link in links {
            if table.linked(link).is_none() {
                notes.add(Note::GeneWithoutHgnc, || {
                    format!("{} (NCBIGene:{})", link.symbol, link.entrez)
                });
                table.push(unknown(link), true);
            }
        }
        table
    }

    fn push(&mut self, gene: Gene, kept: bool) -> GeneIndex {
        let index = GeneIndex(self.genes.len() as u32);
        self.names.add(&gene.symbol, NameKind::Symbol, index);
        gene.entrez
            .map(|id| self.by_entrez.entry(id).or_insert(index));
        self.genes.push(gene);
        self.kept.push(kept);
        index
    }

    /// The gene of a link: by its Entrez id, else by its symbol.
    pub(super) fn linked(&self, link: &GeneLink) -> Option<GeneIndex> {
        let by_id = self.by_entrez.get(&link.entrez).copied();
        by_id.or_else(|| self.names.find(&link.symbol).filter(|_| link.symbol != "-"))
    }

    pub(super) fn add_disease(&mut self, gene: GeneIndex, disease: DiseaseIndex) {
        self.genes[gene.index()].diseases.push(disease);
    }

    /// The genes that are kept, ordered by symbol, and their names. Genes change their places here;
    /// those of the diseases are changed with them.
    pub(super) fn finish(self, diseases: &mut [Disease]) -> (Vec<Gene>, GeneNames) {
        let Self {
            genes, kept, names, ..
        } = self;
        let mut order: Vec<usize> = (0..genes.len())
            .filter(|&at| kept[at] || !genes[at].diseases.is_empty())
            .collect();
        order.sort_by(|&a, &b| genes[a].symbol.cmp(&genes[b].symbol));
        let mut moved: Vec<Option<GeneIndex>> = vec![None; genes.len()];
        for (to, &from) in order.iter().enumerate() {
            moved[from] = Some(GeneIndex(to as u32));
        }
        let place = |gene: GeneIndex| moved.get(gene.index()).copied().flatten();
        for disease in diseases {
            disease.genes = distinct(disease.genes.iter().copied().filter_map(place).collect());
        }
        let (names, named) = names.finish(place);
        let mut genes: Vec<Option<Gene>> = genes.into_iter().map(Some).collect();
        let mut genes: Vec<Gene> = order
            .iter()
            .filter_map(|&from| genes[from].take())
            .collect();
        for gene in &mut genes {
            gene.diseases = distinct(std::mem::take(&mut gene.diseases));
        }
        let names = GeneNames::of(names, named, &genes);
        (genes, names)
    }
}

fn approved(record: &HgncGene) -> Gene {
    Gene {
        symbol: record.symbol.to_string(),
        protein_coding: &*record.locus_group == "protein-coding gene",
        hgnc: Some(record.hgnc_id),
        entrez: record.entrez_id,
        ensembl: record.ensembl_id.as_deref().and_then(ensembl_number),
        diseases: Vec::new(),
        constraint: None,
    }
}

/// A gene of a link alone. Where the release writes a dash for its symbol, its id is its name.
fn unknown(link: &GeneLink) -> Gene {
    let has_symbol = !matches!(link.symbol.as_str(), "" | "-");
    Gene {
        symbol: if has_symbol {
            link.symbol.clone()
        } else {
            format!("NCBIGene:{}", link.entrez)
        },
        protein_coding: false,
        hgnc: None,
        entrez: Some(link.entrez),
        ensembl: None,
        diseases: Vec::new(),
        constraint: None,
    }
}
