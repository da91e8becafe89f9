//! A profile for a disease of which no row is left: what its nearest relatives have. Relatives are
//! the other diseases of its genes, and the other members of its name series ("Developmental and
//! epileptic encephalopathy 96"). The profile is marked as borrowed. Diseases that have rows of
//! their own never borrow: pooling made them worse.

use std::collections::{BTreeSet, HashMap};

use ligate_knowledge::{
    DiseaseIndex,
    ontology::{Ontology, Term},
};
use ligate_model::Pmid;

use crate::phenotype::{
    annotations::{Annotated, Annotations, Edit, Profile},
    name_series::stem,
    risen::{Risen, Riser},
};

impl Annotations<'_> {
    /// The mean of F over the disease's gene relatives and of F over its name series, each where
    /// there are any with rows left after the publications are taken out; `None` where there are
    /// none.
    pub fn borrowed(&self, disease: DiseaseIndex, without: &[Pmid]) -> Option<Profile> {
        let groups = [self.gene_relatives(disease), self.series_relatives(disease)];
        let means: Vec<Risen> = groups
            .iter()
            .filter_map(|group| self.mean(group, without))
            .collect();
        if means.is_empty() {
            return None;
        }
        let mean = average(&means);
        let terms = most_specific(&self.knowledge().ontology, &mean);
        Some(Profile {
            terms,
            absent: Vec::new(),
            borrowed: true,
        })
    }

    fn gene_relatives(&self, disease: DiseaseIndex) -> BTreeSet<DiseaseIndex> {
        let knowledge = self.knowledge();
        let genes = knowledge.disease(disease).genes.iter();
        let relatives = genes.flat_map(|gene| knowledge.gene(*gene).diseases.iter().copied());
        relatives
            .filter(|other| *other != disease && knowledge.disease(*other).candidate)
            .collect()
    }

    fn series_relatives(&self, disease: DiseaseIndex) -> BTreeSet<DiseaseIndex> {
        let members = self
            .series()
            .get(&stem(&self.knowledge().disease(disease).name));
        members
            .into_iter()
            .flatten()
            .copied()
            .filter(|other| *other != disease)
            .collect()
    }

    /// Mean F of the relatives that have frequencies.
    fn mean(&self, relatives: &BTreeSet<DiseaseIndex>, without: &[Pmid]) -> Option<Risen> {
        let mut riser = Riser::new(&self.knowledge().ontology);
        let risen = relatives.iter().map(|relative| {
            if without
                .iter()
                .any(|publication| self.naming(*publication).contains(relative))
            {
                riser.rise(&self.edited(
                    *relative,
                    &Edit {
                        without,
                        ..Edit::default()
                    },
                ))
            } else {
                riser.rise(self.profile(*relative))
            }
        });
        let risen: Vec<Risen> = risen.filter(|risen| !risen.is_empty()).collect();
        (!risen.is_empty()).then(|| average(&risen))
    }
}

/// Mean by term, 0 where one has nothing.
fn average(all: &[Risen]) -> Risen {
    let mut sums: HashMap<Term, f64> = HashMap::new();
    for (term, f) in all.iter().flat_map(Risen::iter) {
        *sums.entry(term).or_default() += f;
    }
    let mut mean: Vec<(Term, f64)> = sums
        .into_iter()
        .map(|(term, sum)| (term, sum / all.len() as f64))
        .collect();
    mean.sort_unstable_by_key(|(term, _)| *term);
    Risen::of(mean)
}

/// The terms from which a risen profile can be raised again: those above all their children.
fn most_specific(ontology: &Ontology, risen: &Risen) -> Vec<Annotated> {
    let below = |child: &Term, f: f64| risen.frequency(*child) < f;
    let above_children = risen.iter().filter(|(term, f)| {
        ontology
            .children(*term)
            .iter()
            .all(|child| below(child, *f))
    });
    above_children
        .map(|(term, f)| Annotated {
            term,
            f,
            counts: None,
        })
        .collect()
}
