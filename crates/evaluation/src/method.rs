//! What is compared: our ranking, its floor (the likelihood ratio alone) and the published methods,
//! behind one question: where does this method put the truths of this case?

mod learned;

use learned::Learned;
use ligate_clinic::phenotype::{Annotations, Model, Profile, Query, Scorer, rank_of};
use ligate_knowledge::{DiseaseIndex, Knowledge};

use super::{
    calibration::Prediction,
    rivals::{Corpus, GeneRule, Kind, Lirical, Rival, Scores, Similarity},
    subject::Subject,
};

/// A method to evaluate.
#[derive(Clone, Copy)]
pub enum Chosen<'m> {
    /// The learned ranking. A case is ranked by the fold that has not seen its publication.
    Ligate(&'m Model),
    /// The likelihood ratio alone.
    Floor,
    Phenodigm,
    Lirical,
    Resnik,
    ResnikOneSided,
}

impl<'m> Chosen<'m> {
    /// The re-implemented methods.
    pub const RIVALS: [Chosen<'static>; 4] = [
        Chosen::Phenodigm,
        Chosen::Lirical,
        Chosen::Resnik,
        Chosen::ResnikOneSided,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ligate(_) => "ligate",
            Self::Floor => "floor",
            Self::Phenodigm => "phenodigm",
            Self::Lirical => "lirical",
            Self::Resnik => "resnik",
            Self::ResnikOneSided => "resnik-one-sided",
        }
    }

    /// The method over some candidates, ascending, with these annotations as its base.
    pub fn build<'k: 'b, 'b>(
        self,
        annotations: &Annotations<'k>,
        candidates: &[DiseaseIndex],
    ) -> Box<dyn Method + 'b>
    where
        'm: 'b,
    {
        let scorer = || Scorer::over(annotations, candidates.to_vec());
        let corpus = || Corpus::new(annotations, candidates);
        let similarity = |kind| {
            Box::new(Published::new(
                Similarity::new(kind, corpus()),
                annotations,
                candidates,
            ))
        };
        match self {
            Self::Ligate(model) => Box::new(Learned::new(scorer(), model)),
            Self::Floor => Box::new(Ratio { scorer: scorer() }),
            Self::Phenodigm => similarity(Kind::Phenodigm),
            Self::Resnik => similarity(Kind::ResnikSymmetric),
            Self::ResnikOneSided => similarity(Kind::ResnikOneSided),
            Self::Lirical => Box::new(Published::new(
                Lirical::new(corpus()),
                annotations,
                candidates,
            )),
        }
    }
}

/// A method over all candidates.
pub trait Method: Sync {
    /// Whether a disease without rows is ranked by what its relatives have.
    fn borrows(&self) -> bool {
        false
    }

    /// The method with some diseases changed against its base.
    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Judge + 'a>;
}

/// Where a method puts one case's truths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Ranks of the stated diseases, in order; `None` where there is nothing to rank by.
    pub diseases: Vec<Option<f64>>,
    /// Ranks of the stated genes, in order.
    pub genes: Vec<Option<f64>>,
    /// For methods that give probabilities.
    pub prediction: Option<Prediction>,
    /// Whether rows are left of a stated disease.
    pub rows_left: bool,
}

pub trait Judge {
    fn judge(&self, subject: &Subject, query: &Query) -> Judged;

    /// The work whose time is measured: all candidates scored and the first ten found. Answers how
    /// many were found.
    fn first_ten(&self, query: &Query) -> usize;

    /// The same with the re-ranking and its probabilities, for a method that has them.
    fn reranked(&self, _: &Subject, _: &Query) -> Option<usize> {
        None
    }
}

/// Scores of candidates, by position.
struct Scored<'a> {
    knowledge: &'a Knowledge,
    candidates: &'a [DiseaseIndex],
    rule: GeneRule,
    scores: Vec<f64>,
}

impl Scored<'_> {
    fn judge(&self, subject: &Subject) -> Judged {
        let rank = |disease: &Option<DiseaseIndex>| {
            rank_of(&self.scores, self.position(disease.as_ref()?)?)
        };
        let diseases = subject.diseases.iter().map(rank).collect();
        let genes = if subject.genes.is_empty() {
            Vec::new()
        } else {
            self.gene_ranks(subject)
        };
        Judged {
            diseases,
            genes,
            ..Judged::default()
        }
    }

    fn position(&self, disease: &DiseaseIndex) -> Option<usize> {
        self.candidates.binary_search(disease).ok()
    }

    /// Ranks among all genes that have a disease.
    fn gene_ranks(&self, subject: &Subject) -> Vec<Option<f64>> {
        let genes = self.knowledge.genes().iter();
        let scores = genes
            .map(|gene| self.gene_score(&gene.diseases))
            .collect::<Vec<_>>();
        subject
            .genes
            .iter()
            .map(|gene| rank_of(&scores, gene.as_ref()?.0 as usize))
            .collect()
    }

    /// A gene without a disease is no candidate; one whose diseases have nothing to be scored by
    /// comes last. Sums of probabilities stay logarithms: rounded to 1e-9, all but the leading ones
    /// would be equal.
    fn gene_score(&self, diseases: &[DiseaseIndex]) -> f64 {
        if diseases.is_empty() {
            return f64::NEG_INFINITY;
        }
        let scores = diseases
            .iter()
            .filter_map(|disease| Some(self.scores[self.position(disease)?]));
        let best = scores.clone().fold(f64::NEG_INFINITY, f64::max);
        match self.rule {
            _ if !best.is_finite() => f64::MIN,
            GeneRule::Best => best,
            GeneRule::Sum => {
                best + libm::log(scores.map(|score| libm::exp(score - best)).sum::<f64>())
            }
        }
    }
}

/// The likelihood ratio alone.
struct Ratio<'k> {
    scorer: Scorer<'k>,
}

impl Method for Ratio<'_> {
    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Judge + 'a> {
        Box::new(Ratio {
            scorer: self.scorer.adjusted(changes.to_vec()),
        })
    }
}

impl Judge for Ratio<'_> {
    fn judge(&self, subject: &Subject, query: &Query) -> Judged {
        let (knowledge, candidates) = (self.scorer.knowledge(), self.scorer.candidates());
        let scores = self.scorer.scores(query);
        Scored {
            knowledge,
            candidates,
            rule: GeneRule::Sum,
            scores,
        }
        .judge(subject)
    }

    fn first_ten(&self, query: &Query) -> usize {
        self.scorer.top(query, 10).len()
    }
}

/// A published method.
struct Published<'k, R> {
    rival: R,
    knowledge: &'k Knowledge,
    candidates: Vec<DiseaseIndex>,
}

impl<'k, R: Rival> Published<'k, R> {
    fn new(rival: R, annotations: &Annotations<'k>, candidates: &[DiseaseIndex]) -> Self {
        Self {
            rival,
            knowledge: annotations.knowledge(),
            candidates: candidates.to_vec(),
        }
    }
}

struct PublishedScores<'a> {
    scores: Box<dyn Scores + 'a>,
    knowledge: &'a Knowledge,
    candidates: &'a [DiseaseIndex],
    rule: GeneRule,
}

impl<R: Rival> Method for Published<'_, R> {
    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Judge + 'a> {
        let (scores, rule) = (self.rival.adjusted(changes), self.rival.gene_rule());
        Box::new(PublishedScores {
            scores,
            knowledge: self.knowledge,
            candidates: &self.candidates,
            rule,
        })
    }
}

impl Judge for PublishedScores<'_> {
    fn judge(&self, subject: &Subject, query: &Query) -> Judged {
        let (knowledge, candidates, rule) = (self.knowledge, self.candidates, self.rule);
        Scored {
            knowledge,
            candidates,
            rule,
            scores: self.scores.scores(query),
        }
        .judge(subject)
    }

    fn first_ten(&self, query: &Query) -> usize {
        self.scores.scores(query).len().min(10)
    }
}
