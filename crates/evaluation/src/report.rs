//! The answer of `ligate evaluate diagnosis`: one method's figures under one regime, with all that
//! was left out.

use ligate_knowledge::KnowledgeVersion;
use serde::Serialize;

use super::{
    bootstrap::DRAWS,
    calibration::Calibration,
    method::Chosen,
    metrics::{Accuracy, Range},
    noise::Noise,
    registries::Counted,
    run::{Candidates, EvaluationSet, MethodRun, Regime, Setting, Truths, run},
    subject::Prepared,
};

/// Seed of the bootstrap: the same draws for every method.
const SEED: u64 = 20_250_116;

/// Cases that are timed.
const TIMED_CASES: usize = 2_000;

/// One method's figures. Shares are fractions of 1.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub method: &'static str,
    pub regime: Regime,
    pub noise: Option<Noise>,
    pub knowledge_version: KnowledgeVersion,
    /// Rank of the true disease among every OMIM disease with a phenotype row.
    pub disease: Accuracy,
    /// Rank of the true gene among all genes with a disease; macro is over genes.
    pub gene: Accuracy,
    /// The same with the excluded terms kept from the method.
    pub without_excluded_terms: WithoutExcluded,
    /// Cases whose disease only Orphanet annotates, ranked among OMIM's and Orphanet's classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_table: Option<Accuracy>,
    /// For a method that gives probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Median time of one warm case on one core, reduction to the first ten included; without
    /// loading, without taking publications out and without the re-ranker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms_per_case: Option<f64>,
    /// The same with the re-ranker and its probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms_per_case_reranked: Option<f64>,
    pub excluded_counts: ExcludedCounts,
    /// Noise seeds and node salts are repetitions; figures are their mean.
    pub repetitions: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registries: Option<Registries>,
}

/// Figures with the excluded terms kept from the method.
#[derive(Clone, Debug, Serialize)]
pub struct WithoutExcluded {
    pub disease: Accuracy,
    pub gene: Accuracy,
}

/// Cases that are in no denominator, and what else to know of them.
#[derive(Clone, Debug, Serialize)]
pub struct ExcludedCounts {
    #[serde(flatten)]
    pub prepared: Prepared,
    /// Cases that the regime evaluates.
    pub evaluated: usize,
    /// Under unseen: cases left out, for an annotation row names their publication or they name
    /// none.
    pub not_unseen: usize,
    /// Candidates that every truth is ranked among.
    pub candidates: usize,
}

/// What other registries released.
#[derive(Clone, Debug, Serialize)]
pub struct Registries {
    #[serde(flatten)]
    pub counted: Counted,
    /// Rows (disease, term, node), by salt, before any evaluated case's publication is taken out.
    pub rows: Vec<usize>,
    pub diseases: Vec<usize>,
}

/// What the caller lends: a clock in milliseconds and an ear for progress (done, all).
pub struct Watch<'w> {
    pub clock_ms: Option<&'w dyn Fn() -> f64>,
    pub progress: &'w (dyn Fn(usize, usize) + Sync),
}

/// All figures of one method under one setting. `setting.excluded_terms` and `setting.candidates`
/// are set here.
pub fn evaluate(bench: &EvaluationSet, chosen: Chosen, setting: &Setting, watch: &Watch) -> Report {
    let setting = Setting {
        excluded_terms: true,
        candidates: Candidates::Omim,
        ..*setting
    };
    let main = run(bench, chosen, &setting, watch.progress);
    let silent = run(
        bench,
        chosen,
        &Setting {
            excluded_terms: false,
            ..setting
        },
        watch.progress,
    );
    let evaluated = bench.evaluated(setting.regime, setting.candidates).len();
    let repetitions = main.disease.outcomes.repetitions.len();
    let (ms_per_case, ms_per_case_reranked) = watch
        .clock_ms
        .map(|clock| times(bench, chosen, clock))
        .unzip();
    Report {
        method: chosen.name(),
        regime: setting.regime,
        noise: setting.noise,
        knowledge_version: bench.knowledge.version.clone(),
        disease: accuracy(&main.disease),
        gene: accuracy(&main.gene),
        without_excluded_terms: WithoutExcluded {
            disease: accuracy(&silent.disease),
            gene: accuracy(&silent.gene),
        },
        second_table: second_table(bench, chosen, &setting, watch),
        calibration: Calibration::of(&main.predictions),
        ms_per_case: ms_per_case.flatten(),
        ms_per_case_reranked: ms_per_case_reranked.flatten(),
        excluded_counts: ExcludedCounts {
            prepared: bench.subjects.prepared.clone(),
            evaluated,
            not_unseen: bench.subjects.all.len() - evaluated,
            candidates: bench.knowledge.candidates().len(),
        },
        repetitions,
        range: (repetitions > 1).then(|| main.disease.outcomes.range(&main.disease.groups)),
        registries: registries(bench, &setting, &main),
    }
}

/// A run's figures with their intervals.
pub fn accuracy(truths: &Truths) -> Accuracy {
    truths.outcomes.accuracy(&truths.groups, DRAWS, SEED)
}

fn second_table(
    bench: &EvaluationSet,
    chosen: Chosen,
    setting: &Setting,
    watch: &Watch,
) -> Option<Accuracy> {
    let setting = Setting {
        candidates: Candidates::OrphanetToo,
        ..*setting
    };
    if bench
        .evaluated(setting.regime, setting.candidates)
        .is_empty()
    {
        return None;
    }
    Some(accuracy(
        &run(bench, chosen, &setting, watch.progress).disease,
    ))
}

fn registries(bench: &EvaluationSet, setting: &Setting, run: &MethodRun) -> Option<Registries> {
    let patients = setting.release.and(bench.patients)?;
    let (rows, diseases) = (run.released_rows.clone(), run.released_diseases.clone());
    Some(Registries {
        counted: patients.counted.clone(),
        rows,
        diseases,
    })
}

/// Median milliseconds of a case, without and with the re-ranker.
fn times(
    bench: &EvaluationSet,
    chosen: Chosen,
    clock_ms: &dyn Fn() -> f64,
) -> (Option<f64>, Option<f64>) {
    let method = chosen.build(&bench.annotations, bench.knowledge.candidates());
    let judge = method.adjusted(&[]);
    let asked = bench
        .subjects
        .all
        .iter()
        .filter_map(|subject| Some((subject, subject.query.as_ref()?)));
    let asked = asked.take(TIMED_CASES).collect::<Vec<_>>();
    let first_ten = median_ms(&asked, clock_ms, &|(_, query)| Some(judge.first_ten(query)));
    (
        first_ten,
        median_ms(&asked, clock_ms, &|(subject, query)| {
            judge.reranked(subject, query)
        }),
    )
}

/// Each case is done once before, so that what is kept between cases is there.
fn median_ms<C: Copy>(
    cases: &[C],
    clock_ms: &dyn Fn() -> f64,
    work: &dyn Fn(C) -> Option<usize>,
) -> Option<f64> {
    let warm = cases
        .iter()
        .map(|case| work(*case))
        .sum::<Option<usize>>()?;
    let (mut found, mut took) = (0, Vec::with_capacity(cases.len()));
    for case in cases {
        let start = clock_ms();
        found += work(*case)?;
        took.push(clock_ms() - start);
    }
    took.sort_unstable_by(f64::total_cmp);
    // The answers are used, so that no compiler can leave the work out.
    if found == warm {
        took.get(took.len() / 2).copied()
    } else {
        None
    }
}
