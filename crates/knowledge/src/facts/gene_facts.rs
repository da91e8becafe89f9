//! What other sources know of genes: gnomAD's constraint and the modes of inheritance of the
//! Clinical Genomic Database. Joined by id, else by name.

use std::collections::BTreeMap;

use ligate_model::TermId;

use super::{Builder, Constraint, GeneIndex, Knowledge, KnowledgeError, Note, Notes, distinct};
use crate::{
    ontology::{Ontology, Term},
    sources::gene_tables::{Constraint as GeneConstraint, GeneInheritance, InheritanceMode},
};

/// Facts of genes that may be added to knowledge at any time.
#[derive(Clone, Debug, Default)]
pub struct GeneFacts {
    /// CGD's.
    pub inheritance: Vec<GeneInheritance>,
    pub inheritance_version: String,
    /// gnomAD's.
    pub constraint: Vec<GeneConstraint>,
    pub constraint_version: String,
}

impl Knowledge {
    /// This knowledge with more facts of its genes; facts that it has already stay.
    pub fn with_gene_facts(mut self, facts: &GeneFacts) -> Result<(Self, Notes), KnowledgeError> {
        let mut notes = Notes::default();
        if !facts.constraint.is_empty() {
            self.add_constraint(&facts.constraint, &mut notes);
            self.version
                .sources
                .constraint
                .clone_from(&facts.constraint_version);
        }
        if !facts.inheritance.is_empty() {
            self.add_inheritance(&facts.inheritance, &mut notes);
            self.version
                .sources
                .inheritance
                .clone_from(&facts.inheritance_version);
        }
        self.version.digest = Builder::of(&self)?.digest()?;
        Ok((self, notes))
    }

    fn add_constraint(&mut self, records: &[GeneConstraint], notes: &mut Notes) {
        for record in records {
            let Some(gene) = self
                .find_gene(&record.gene_id)
                .or_else(|| self.find_gene(&record.gene))
            else {
                notes.add(Note::FactWithoutGene, || record.gene.to_string());
                continue;
            };
            let scores = (record.pli, record.loeuf, record.missense_z);
            if let (Some(pli), Some(loeuf), Some(missense_z)) = scores {
                let (pli, loeuf, missense_z) = (pli as f32, loeuf as f32, missense_z as f32);
                self.genes[gene.index()]
                    .constraint
                    .get_or_insert(Constraint {
                        pli,
                        loeuf,
                        missense_z,
                    });
            }
        }
    }

    /// Gives diseases without a stated mode of inheritance those that CGD states for their genes.
    fn add_inheritance(&mut self, records: &[GeneInheritance], notes: &mut Notes) {
        let mut modes: BTreeMap<GeneIndex, Vec<Term>> = BTreeMap::new();
        for record in records {
            let by_id = record.hgnc_id.and_then(|id| self.gene_names.by_hgnc(id));
            let Some(gene) = by_id.or_else(|| self.find_gene(&record.gene)) else {
                notes.add(Note::FactWithoutGene, || record.gene.to_string());
                continue;
            };
            let terms = record
                .modes
                .iter()
                .filter_map(|&mode| mode_term(mode, &self.ontology));
            modes.entry(gene).or_default().extend(terms);
        }
        for disease in self
            .diseases
            .iter_mut()
            .filter(|disease| disease.inheritance.is_empty())
        {
            let terms = disease
                .genes
                .iter()
                .filter_map(|gene| modes.get(gene))
                .flatten()
                .copied();
            disease.inheritance = distinct(terms.collect());
        }
    }
}

/// HPO's term for a mode.
fn mode_term(mode: InheritanceMode, ontology: &Ontology) -> Option<Term> {
    let number = match mode {
        InheritanceMode::AutosomalDominant => 6,
        InheritanceMode::AutosomalRecessive => 7,
        InheritanceMode::XLinked => 1_417,
        InheritanceMode::YLinked => 1_450,
        InheritanceMode::Mitochondrial => 1_427,
        InheritanceMode::Digenic => 10_984,
        InheritanceMode::Multigenic => 10_982,
        InheritanceMode::BloodGroup | InheritanceMode::Other => return None,
    };
    TermId::from_number(number).and_then(|id| ontology.term(id))
}
