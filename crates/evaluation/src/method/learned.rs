//! Our learned ranking: each case is ranked by the fold of the model that has not seen its
//! publications.

use ligate_clinic::phenotype::{Model, Profile, Query, Ranking, Scorer, rank};
use ligate_knowledge::DiseaseIndex;

use super::{Judge, Judged, Method};
use crate::{calibration::Prediction, subject::Subject};

pub(super) struct Learned<'k, 'm> {
    scorer: Scorer<'k>,
    model: &'m Model,
}

impl<'k, 'm> Learned<'k, 'm> {
    pub fn new(scorer: Scorer<'k>, model: &'m Model) -> Self {
        Self { scorer, model }
    }

    fn ranking(&self, subject: &Subject, query: &Query) -> Ranking {
        rank(
            &self.scorer,
            self.model.for_case(&subject.publications),
            query,
        )
    }
}

impl Method for Learned<'_, '_> {
    fn borrows(&self) -> bool {
        true
    }

    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Judge + 'a> {
        Box::new(Learned {
            scorer: self.scorer.adjusted(changes.to_vec()),
            model: self.model,
        })
    }
}

impl Judge for Learned<'_, '_> {
    fn judge(&self, subject: &Subject, query: &Query) -> Judged {
        let ranking = self.ranking(subject, query);
        let prediction = (!subject.diseases.is_empty()).then(|| self.prediction(subject, &ranking));
        Judged {
            diseases: subject
                .diseases
                .iter()
                .map(|disease| ranking.rank_of((*disease)?))
                .collect(),
            genes: subject
                .genes
                .iter()
                .map(|gene| ranking.gene_rank_of((*gene)?))
                .collect(),
            prediction,
            ..Judged::default()
        }
    }

    fn first_ten(&self, query: &Query) -> usize {
        self.scorer.top(query, 10).len()
    }

    fn reranked(&self, subject: &Subject, query: &Query) -> Option<usize> {
        Some(self.ranking(subject, query).leading.len())
    }
}

impl Learned<'_, '_> {
    fn prediction(&self, subject: &Subject, ranking: &Ranking) -> Prediction {
        let known = subject.diseases.iter().flatten().copied();
        let truths = known
            .filter(|disease| self.scorer.position(*disease).is_some())
            .collect::<Vec<_>>();
        let first = ranking.leading.first();
        let set = &ranking.set90;
        let listed = |truth: &DiseaseIndex| {
            ranking
                .leading
                .iter()
                .any(|ranked| ranked.disease == *truth)
        };
        let hidden = !truths.iter().any(listed);
        let truth = truths
            .iter()
            .map(|disease| ranking.probability_of(*disease))
            .sum::<f64>();
        Prediction {
            first: first.map_or(0.0, |ranked| ranked.probability),
            correct: first.is_some_and(|ranked| truths.contains(&ranked.disease)),
            none: ranking.none_of_these,
            hidden,
            truth: if hidden { ranking.none_of_these } else { truth },
            in_set: if hidden {
                set.none
            } else {
                truths.iter().any(|truth| set.diseases.contains(truth))
            },
            set_size: set.diseases.len(),
            group: subject.group,
        }
    }
}
