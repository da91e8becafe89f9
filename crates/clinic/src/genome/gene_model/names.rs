//! Genes of the model by what files call them.

use std::collections::HashMap;

use super::{GeneModel, ModelGene};

/// Genes by Ensembl id and symbol; other names are added by the caller.
#[derive(Clone, Debug, Default)]
pub struct GeneNames {
    symbols: HashMap<Box<str>, ModelGene>,
    ensembl: HashMap<u64, ModelGene>,
}

impl GeneNames {
    pub fn of(model: &GeneModel) -> Self {
        let mut names = Self::default();
        for (at, gene) in model.genes().iter().enumerate() {
            let place = ModelGene(at as u32);
            names.symbols.entry(gene.symbol.clone()).or_insert(place);
            if let Some(number) = gene.ensembl {
                names.ensembl.entry(number).or_insert(place);
            }
        }
        names
    }

    /// Adds a previous or alternative symbol, unless a gene has it already.
    pub fn add_symbol(&mut self, symbol: &str, gene: ModelGene) {
        self.symbols.entry(symbol.into()).or_insert(gene);
    }

    /// The gene by its Ensembl id, else by its symbol.
    pub fn find(&self, symbol: Option<&str>, id: Option<&str>) -> Option<ModelGene> {
        let number = id.and_then(|id| id.split('.').next()?.strip_prefix("ENSG")?.parse().ok());
        let by_id = number.and_then(|number: u64| self.ensembl(number));
        by_id.or_else(|| self.symbols.get(symbol?).copied())
    }

    /// The gene by the number behind ENSG.
    pub fn ensembl(&self, number: u64) -> Option<ModelGene> {
        self.ensembl.get(&number).copied()
    }
}
