//! A list of genes to look at: one to a line, symbols or ids. What lies outside it is said, never
//! dropped silently.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result, bail};
use ligate_knowledge::{DiseaseIndex, GeneIndex, Knowledge};

/// Genes of a panel at the most.
const GENES_MAX: usize = 30_000;

/// The genes of a panel file.
pub struct GenePanel {
    pub name: String,
    pub genes: HashSet<GeneIndex>,
    /// Lines that name no known gene.
    pub unknown: Vec<String>,
}

impl GenePanel {
    /// Reads a panel. The first column counts; `#` begins a comment; a header `gene` or `symbol` is
    /// passed over.
    pub fn read(path: &Path, knowledge: &Knowledge) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the panel {}", path.display()))?;
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut panel = Self {
            name,
            genes: HashSet::new(),
            unknown: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            panel.line(number, line, knowledge);
            if panel.genes.len() + panel.unknown.len() > GENES_MAX {
                bail!(
                    "{} has more than {GENES_MAX} lines; a panel has one gene to a line",
                    path.display()
                );
            }
        }
        if panel.genes.is_empty() {
            bail!(
                "{} names no known gene; write one symbol or HGNC id to a line",
                path.display()
            );
        }
        Ok(panel)
    }

    fn line(&mut self, number: usize, line: &str, knowledge: &Knowledge) {
        let content = line.split('#').next().unwrap_or_default();
        let Some(word) = content
            .split(['\t', ',', ';', ' '])
            .map(str::trim)
            .find(|word| !word.is_empty())
        else {
            return;
        };
        let header = number == 0
            && ["gene", "symbol", "gene_symbol"].contains(&word.to_lowercase().as_str());
        match knowledge.find_gene(word) {
            Some(gene) => {
                self.genes.insert(gene);
            }
            None if header => {}
            None => self.unknown.push(word.chars().take(40).collect()),
        }
    }

    /// Whether one of the disease's genes is in the panel.
    pub fn holds(&self, knowledge: &Knowledge, disease: DiseaseIndex) -> bool {
        knowledge
            .disease(disease)
            .genes
            .iter()
            .any(|gene| self.genes.contains(gene))
    }
}
