//! Diseases as the genome part needs them: genes by place in the model, and modes of inheritance.

use ligate_knowledge::{
    Disease, Gene, GeneIndex, Knowledge,
    ontology::{Ontology, Term},
};
use ligate_model::TermId;

use crate::genome::{
    Chromosome,
    burden::{Mode, Tolerance},
    gene_model::{GeneModel, GeneNames, ModelGene},
};

/// Modes that a disease is known to follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownModes {
    pub dominant: bool,
    pub recessive: bool,
    pub x_linked: bool,
    pub x_dominant: bool,
    pub x_recessive: bool,
    pub mitochondrial: bool,
}

/// Chance that a stated mode is incomplete: another disease of the gene, or of the other mode, was
/// merged or unknown.
const OTHER_MODE: f64 = 0.05;

impl KnownModes {
    /// Modes to hold a gene's variants against, with weights that sum to 1. The gene's chromosome
    /// decides between autosomal and sex-linked modes; nothing stated means all that the chromosome
    /// allows.
    pub fn weights(self, chromosome: Chromosome) -> Vec<(Mode, f64)> {
        if chromosome == Chromosome::MITOCHONDRION {
            return vec![(Mode::Mitochondrial, 1.0)];
        }
        let (one, two, stated_one, stated_two) =
            if matches!(chromosome, Chromosome::X | Chromosome::Y) {
                let one = self.x_dominant || self.dominant;
                let two = self.x_recessive || self.recessive;
                let both = self.x_linked && !one && !two;
                (Mode::XDominant, Mode::XRecessive, one || both, two || both)
            } else {
                (
                    Mode::Dominant,
                    Mode::Recessive,
                    self.dominant,
                    self.recessive,
                )
            };
        let share = match (stated_one, stated_two) {
            (true, false) => 1.0 - OTHER_MODE,
            (false, true) => OTHER_MODE,
            _ => 0.5,
        };
        vec![(one, share), (two, 1.0 - share)]
    }
}

/// A disease's genes and modes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneticDisease {
    /// Genes that have structures.
    pub genes: Vec<ModelGene>,
    /// Known genes without structures here, as those of RNAs.
    pub genes_without_structure: u32,
    pub modes: KnownModes,
}

impl GeneticDisease {
    /// Whether any gene is known.
    pub fn has_gene(&self) -> bool {
        !self.genes.is_empty() || self.genes_without_structure > 0
    }

    /// The chromosome of a gene.
    pub(super) fn chromosome(model: &GeneModel, gene: ModelGene) -> Chromosome {
        model
            .gene(gene)
            .map_or(Chromosome::X, |gene| gene.chromosome)
    }
}

/// Everything that the genome part takes from the knowledge, by place in the gene model.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// By the knowledge's disease index.
    pub diseases: Vec<GeneticDisease>,
    /// By gene of the model; empty where no constraint is known at all.
    pub tolerances: Vec<Tolerance>,
    /// The knowledge's gene of each gene of the model.
    pub genes: Vec<Option<GeneIndex>>,
}

impl Catalogue {
    /// Finds the knowledge's genes in the model, by Ensembl id, else by symbol. Adds the
    /// knowledge's symbols to `names`.
    pub fn of(knowledge: &Knowledge, model: &GeneModel, names: &mut GeneNames) -> Self {
        let mut places: Vec<Option<ModelGene>> = Vec::with_capacity(knowledge.genes().len());
        let mut genes = vec![None; model.genes().len()];
        let mut tolerances = vec![Tolerance::default(); model.genes().len()];
        for (at, gene) in knowledge.genes().iter().enumerate() {
            let place = find(gene, names);
            places.push(place);
            let Some(place) = place else { continue };
            names.add_symbol(&gene.symbol, place);
            genes[place.0 as usize] = Some(GeneIndex(at as u32));
            let bases = model.gene(place).map_or(0, |gene| gene.coding_bases);
            if let Some(constraint) = gene.constraint {
                tolerances[place.0 as usize] = Tolerance::of(constraint, bases);
            }
        }
        let modes = ModeTerms::of(&knowledge.ontology);
        let diseases = knowledge
            .diseases()
            .iter()
            .map(|disease| genetic(disease, &places, &modes, knowledge));
        Self {
            diseases: diseases.collect(),
            tolerances,
            genes,
        }
    }
}

fn find(gene: &Gene, names: &GeneNames) -> Option<ModelGene> {
    let by_id = gene.ensembl.and_then(|number| names.ensembl(number));
    by_id.or_else(|| names.find(Some(&gene.symbol), None))
}

fn genetic(
    disease: &Disease,
    places: &[Option<ModelGene>],
    modes: &ModeTerms,
    knowledge: &Knowledge,
) -> GeneticDisease {
    let found: Vec<Option<ModelGene>> = disease
        .genes
        .iter()
        .map(|gene| places.get(gene.index()).copied().flatten())
        .collect();
    GeneticDisease {
        genes: found.iter().flatten().copied().collect(),
        genes_without_structure: found.iter().filter(|place| place.is_none()).count() as u32,
        modes: modes.known(&disease.inheritance, &knowledge.ontology),
    }
}

/// HPO's terms for modes of inheritance.
struct ModeTerms([Option<Term>; 7]);

impl ModeTerms {
    fn of(ontology: &Ontology) -> Self {
        // Autosomal dominant, autosomal recessive, X-linked, X-linked dominant, X-linked recessive,
        // mitochondrial, semidominant.
        let numbers = [6, 7, 1417, 1423, 1419, 1427, 32113];
        Self(numbers.map(|number| ontology.term(TermId::from_number(number)?)))
    }

    fn known(&self, terms: &[Term], ontology: &Ontology) -> KnownModes {
        let is = |at: usize| {
            self.0[at].is_some_and(|mode| terms.iter().any(|term| ontology.is_a(*term, mode)))
        };
        KnownModes {
            dominant: is(0) || is(6),
            recessive: is(1) || is(6),
            x_linked: is(2),
            x_dominant: is(3),
            x_recessive: is(4),
            mitochondrial: is(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_follow_the_chromosome() {
        let dominant = KnownModes {
            dominant: true,
            ..KnownModes::default()
        };
        let one = Chromosome::parse("1").unwrap();
        assert_eq!(
            dominant.weights(one),
            [
                (Mode::Dominant, 0.95),
                (Mode::Recessive, 0.050000000000000044)
            ]
        );
        let unknown = KnownModes::default();
        assert_eq!(
            unknown.weights(one),
            [(Mode::Dominant, 0.5), (Mode::Recessive, 0.5)]
        );
        let x = KnownModes {
            x_recessive: true,
            ..KnownModes::default()
        };
        assert_eq!(x.weights(Chromosome::X)[1], (Mode::XRecessive, 0.95));
        assert_eq!(
            unknown.weights(Chromosome::MITOCHONDRION),
            [(Mode::Mitochondrial, 1.0)]
        );
    }
}
