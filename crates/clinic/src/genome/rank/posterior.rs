//! The ranking with a genome: candidates with their best variants, what no known disease explains,
//! and what the file does not tell.

use std::collections::{HashMap, HashSet};

use ligate_knowledge::{DiseaseIndex, GeneIndex, Knowledge};

use super::{
    BestExplanation, Catalogue, DiseaseEvidence, Evidence, PhenotypePrior,
    unknown::{STRONG, UnknownGene, unknown_genes},
};
use crate::genome::{
    burden::{Burden, Carried},
    examine::{Candidate, Examination},
    gene_model::{GeneModel, ModelGene},
};

/// What to show.
#[derive(Clone, Copy, Debug)]
pub struct RankOptions {
    /// How many candidates are kept.
    pub leading: usize,
    /// Whether findings in genes that do not fit the phenotype are shown.
    pub incidental: bool,
}

impl Default for RankOptions {
    fn default() -> Self {
        Self {
            leading: 50,
            incidental: false,
        }
    }
}

/// A disease with what phenotype and variants say.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedByGenome {
    pub disease: DiseaseIndex,
    /// Natural logarithms: the phenotype's probability, and the likelihood ratio of the variants.
    pub log_phenotype: f64,
    pub log_variants: f64,
    pub probability: f64,
    /// The variant or pair that speaks most for it; ids are places in [`Examination::candidates`].
    pub best: Option<BestExplanation>,
}

/// Two diseases that together explain what one leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoDiagnoses {
    pub first: DiseaseIndex,
    pub second: DiseaseIndex,
    /// Places of the observed terms that only the second explains.
    pub explained_by_second: Vec<usize>,
}

/// A gene of a leading candidate without any variant in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct NotCovered {
    pub disease: DiseaseIndex,
    pub gene: ModelGene,
    /// Coding variants that its length lets expect.
    pub expected: f64,
    /// Whether so few are unlikely (below one in twenty) if the gene were covered.
    pub probably: bool,
}

/// A strong variant in a gene whose diseases do not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Incidental {
    pub disease: DiseaseIndex,
    pub best: BestExplanation,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenomeRanking {
    /// Best first.
    pub leading: Vec<RankedByGenome>,
    /// Genes with the summed probability of their diseases, best first.
    pub genes: Vec<(GeneIndex, f64)>,
    /// Probability that the diagnosis is none of the known diseases.
    pub none_of_these: f64,
    pub unknown_genes: Vec<UnknownGene>,
    pub two: Option<TwoDiagnoses>,
    pub not_covered: Vec<NotCovered>,
    /// Leading candidates with a gene whose structure is not known here, as those of RNAs: it was
    /// not looked at.
    pub not_looked_at: Vec<DiseaseIndex>,
    /// Empty unless asked for.
    pub incidental: Vec<Incidental>,
    /// Findings that are not shown because nobody asked.
    pub hidden: usize,
}

/// Leading candidates whose genes are looked at for coverage.
const COVERAGE_OF: usize = 10;
/// Prior that the cause is in no known disease gene, among patients in whom a genome is asked.
const UNKNOWN_DISEASE: f64 = 0.02;

/// Ranks all candidates of the prior. `contributions` gives, for a disease, what each observed term
/// adds to its score: terms above 0 are explained.
pub fn rank(
    knowledge: &Knowledge,
    model: &GeneModel,
    catalogue: &Catalogue,
    prior: &PhenotypePrior,
    examination: &Examination,
    contributions: &dyn Fn(DiseaseIndex) -> Vec<f64>,
    options: RankOptions,
) -> GenomeRanking {
    let by_gene = examination.carried_by_gene();
    let pairs = by_gene
        .iter()
        .flat_map(|(gene, all)| all.iter().map(|carried| (*gene, *carried)));
    let burden = Burden::of(model, &catalogue.tolerances, pairs);
    let trans = |first, second| examination.phase(first, second);
    let evidence = Evidence {
        model,
        burden: &burden,
        by_gene: &by_gene,
        trans: &trans,
    };
    let all: Vec<DiseaseEvidence> = catalogue
        .diseases
        .iter()
        .map(|one| evidence.disease(one))
        .collect();
    let unknown = unknown_genes(knowledge, catalogue, &evidence, examination);
    let posterior = Posterior::new(prior, &all, &unknown, model);
    let leading = posterior.leading(prior, &all, options.leading);
    let mut found = GenomeRanking {
        genes: posterior.genes(&all, catalogue),
        none_of_these: posterior.none,
        not_covered: not_covered(&leading, catalogue, &burden, &by_gene),
        not_looked_at: not_looked_at(&leading, catalogue),
        two: two_diagnoses(&leading, contributions),
        unknown_genes: unknown,
        ..GenomeRanking::default()
    };
    let incidental = incidental(&leading, prior, &all, examination);
    if options.incidental {
        found.incidental = incidental;
    } else {
        found.hidden = incidental.len();
    }
    found.leading = leading;
    found
}

struct Posterior {
    probability: Vec<f64>,
    none: f64,
}

impl Posterior {
    /// Bayes over the known diseases and one unknown disease of any gene.
    fn new(
        prior: &PhenotypePrior,
        all: &[DiseaseEvidence],
        unknown: &[UnknownGene],
        model: &GeneModel,
    ) -> Self {
        let log: Vec<f64> = prior
            .all()
            .iter()
            .zip(all)
            .map(|(prior, found)| prior + found.log_ratio)
            .collect();
        let best = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !best.is_finite() {
            return Self {
                probability: vec![0.0; log.len()],
                none: 1.0,
            };
        }
        let weights: Vec<f64> = log.iter().map(|log| (log - best).exp()).collect();
        let genes = model.genes().len().max(1) as f64;
        let ratio = super::MISSED
            + unknown
                .iter()
                .map(|gene| gene.best.ratio / genes)
                .sum::<f64>();
        let none = UNKNOWN_DISEASE * ratio * (-best).exp();
        let sum = weights.iter().sum::<f64>() + none;
        Self {
            probability: weights.into_iter().map(|weight| weight / sum).collect(),
            none: none / sum,
        }
    }

    fn leading(
        &self,
        prior: &PhenotypePrior,
        all: &[DiseaseEvidence],
        count: usize,
    ) -> Vec<RankedByGenome> {
        let mut order: Vec<usize> = (0..all.len())
            .filter(|at| prior.all()[*at].is_finite())
            .collect();
        let value = |at: usize| prior.all()[at] + all[at].log_ratio;
        order.sort_by(|a, b| value(*b).total_cmp(&value(*a)).then(a.cmp(b)));
        order.truncate(count);
        let ranked = order.into_iter().map(|at| RankedByGenome {
            disease: DiseaseIndex(at as u32),
            log_phenotype: prior.all()[at],
            log_variants: all[at].log_ratio,
            probability: self.probability[at],
            best: all[at].best.clone(),
        });
        ranked.collect()
    }

    fn genes(&self, all: &[DiseaseEvidence], catalogue: &Catalogue) -> Vec<(GeneIndex, f64)> {
        let mut sums: HashMap<GeneIndex, f64> = HashMap::new();
        for (found, probability) in all.iter().zip(&self.probability) {
            for (gene, share) in &found.genes {
                if let Some(gene) = catalogue.genes.get(gene.0 as usize).copied().flatten() {
                    *sums.entry(gene).or_default() += share * probability;
                }
            }
        }
        let mut genes: Vec<(GeneIndex, f64)> = sums.into_iter().collect();
        genes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        genes
    }
}

fn has_loss(candidate: &Candidate, gene: ModelGene) -> bool {
    candidate
        .effects
        .iter()
        .any(|effect| effect.gene == gene && effect.effect.is_loss_of_function())
}

fn not_looked_at(leading: &[RankedByGenome], catalogue: &Catalogue) -> Vec<DiseaseIndex> {
    let first = leading
        .iter()
        .take(COVERAGE_OF)
        .map(|ranked| ranked.disease);
    first
        .filter(|disease| catalogue.diseases[disease.index()].genes_without_structure > 0)
        .collect()
}

fn not_covered(
    leading: &[RankedByGenome],
    catalogue: &Catalogue,
    burden: &Burden,
    by_gene: &HashMap<ModelGene, Vec<Carried>>,
) -> Vec<NotCovered> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for ranked in leading.iter().take(COVERAGE_OF) {
        for gene in &catalogue.diseases[ranked.disease.index()].genes {
            if by_gene.contains_key(gene) || !seen.insert(*gene) {
                continue;
            }
            let expected = burden.expected_coding(*gene);
            // Negative binomial with the person's own spread: the chance of none.
            let shape = burden.shape();
            let none = (shape / (shape + expected)).powf(shape);
            found.push(NotCovered {
                disease: ranked.disease,
                gene: *gene,
                expected,
                probably: none < 0.05,
            });
        }
    }
    found
}

/// A second disease with a strong variant in another gene that explains at least two, and at least
/// half, of the terms that the first leaves.
fn two_diagnoses(
    leading: &[RankedByGenome],
    contributions: &dyn Fn(DiseaseIndex) -> Vec<f64>,
) -> Option<TwoDiagnoses> {
    let first = leading.first()?;
    let gene = first.best.as_ref().map(|best| best.gene);
    let explained = contributions(first.disease);
    let left: Vec<usize> = (0..explained.len())
        .filter(|at| explained[*at] <= 0.0)
        .collect();
    if left.len() < 2 {
        return None;
    }
    let strong = leading[1..].iter().filter(|other| {
        other
            .best
            .as_ref()
            .is_some_and(|best| best.ratio >= STRONG && Some(best.gene) != gene)
    });
    let covers = strong.map(|other| {
        let values = contributions(other.disease);
        let by_second: Vec<usize> = left
            .iter()
            .copied()
            .filter(|at| values.get(*at).is_some_and(|value| *value > 0.0))
            .collect();
        (other.disease, by_second)
    });
    let (second, explained_by_second) = covers.max_by_key(|(_, by_second)| by_second.len())?;
    let enough = explained_by_second.len() >= 2 && 2 * explained_by_second.len() >= left.len();
    enough.then_some(TwoDiagnoses {
        first: first.disease,
        second,
        explained_by_second,
    })
}

/// Strong losses of function in genes of diseases outside the leading candidates, each gene once.
fn incidental(
    leading: &[RankedByGenome],
    prior: &PhenotypePrior,
    all: &[DiseaseEvidence],
    examination: &Examination,
) -> Vec<Incidental> {
    let shown: HashSet<ModelGene> = leading
        .iter()
        .filter_map(|ranked| ranked.best.as_ref().map(|best| best.gene))
        .collect();
    let mut genes = HashSet::new();
    let mut found = Vec::new();
    for (at, evidence) in all.iter().enumerate() {
        let Some(best) = evidence.best.as_ref().filter(|best| best.ratio >= STRONG) else {
            continue;
        };
        let disease = DiseaseIndex(at as u32);
        let lost = best
            .variants
            .iter()
            .filter_map(|id| examination.candidates.get(*id as usize));
        let lost = lost
            .into_iter()
            .any(|candidate| has_loss(candidate, best.gene));
        if lost
            && !shown.contains(&best.gene)
            && prior.log(disease).is_finite()
            && genes.insert(best.gene)
        {
            found.push(Incidental {
                disease,
                best: best.clone(),
            });
        }
    }
    found.sort_by(|a, b| {
        b.best
            .ratio
            .total_cmp(&a.best.ratio)
            .then(a.disease.cmp(&b.disease))
    });
    found
}
