//! `ligate evaluate diagnosis`: how good the ranking is over solved cases. What is measured is
//! `ligate_evaluation`'s; files, threads, the clock and the release rule come from here.

use std::{collections::HashSet, path::Path, thread, time::Instant};

use anyhow::{Context, Result, ensure};
use ligate_clinic::phenotype::{Annotations, Model};
use ligate_disclosure::diagnosis_counts::{Minimums, batch_counts};
use ligate_evaluation::{
    Accuracy, Candidates, Chosen, EvaluationSet, Miss, Noise, Patients, Publishing, Regime, Report,
    Setting, Subjects, Watch, evaluate,
};
use ligate_model::{Case, TermId};
use ligate_records::cases;
use serde_json::json;

use crate::{
    cli::{self, NoiseName, RegimeName},
    diagnosis::Facts,
    output,
    progress::Stages,
};

pub fn run(command: cli::Evaluate, json: bool) -> Result<()> {
    match command {
        cli::Evaluate::Diagnosis(args) => diagnosis(&args, json),
    }
}

fn diagnosis(args: &cli::EvaluateDiagnosis, json: bool) -> Result<()> {
    let facts = Facts::open(args.knowledge.as_deref())?;
    let read = read_cases(&args.cases)?;
    let others = args
        .knowledge_cases
        .as_deref()
        .map(read_cases)
        .transpose()?;
    let annotations = Annotations::of(&facts.knowledge);
    let subjects = Subjects::of(&facts.knowledge, &read.cases);
    let patients = others
        .as_ref()
        .map(|others| Patients::of(&annotations, &others.cases));
    let bench = EvaluationSet::new(&annotations, &subjects, patients.as_ref());
    let rule = |batch: &[&[TermId]]| batch_counts(batch, Minimums::default());
    let setting = Setting {
        regime: regime(args.regime),
        noise: args.noise.map(noise),
        excluded_terms: true,
        release: others.as_ref().map(|_| Publishing::Batches(&rule)),
        candidates: Candidates::Omim,
        threads: thread::available_parallelism().map_or(1, usize::from),
    };
    let mut methods = vec![Chosen::Ligate(Model::built_in())];
    if args.rivals {
        methods.push(Chosen::Floor);
        methods.extend(Chosen::RIVALS);
    }
    let reports: Vec<_> = methods
        .into_iter()
        .map(|method| report(&bench, method, &setting))
        .collect();
    if json {
        return print_json(&reports, &read);
    }
    print(&reports, &read);
    Ok(())
}

fn report(bench: &EvaluationSet<'_>, method: Chosen<'_>, setting: &Setting<'_>) -> Report {
    let stages = Stages::new("ranking");
    let start = Instant::now();
    let clock = || start.elapsed().as_secs_f64() * 1e3;
    let hear = |done: usize, all: usize| stages.update(method.name(), done as u64, all as u64);
    evaluate(
        bench,
        method,
        setting,
        &Watch {
            clock_ms: Some(&clock),
            progress: &hear,
        },
    )
}

/// Problems that are printed one by one; all are counted.
const PRINTED: usize = 10;

/// Cases of a file or folder, and how many records could not be read.
pub struct ReadCases {
    pub cases: Vec<Case>,
    pub problems: u64,
}

/// Reads solved cases; what cannot be read is said and counted.
pub fn read_cases(path: &Path) -> Result<ReadCases> {
    let mut reader =
        cases::read(path).with_context(|| format!("cannot read the cases {}", path.display()))?;
    let (mut cases, mut noticed, mut notes) = (Vec::new(), 0, HashSet::new());
    for record in reader.by_ref() {
        noticed += record.notes.len() as u64;
        notes.extend(record.notes.iter().map(ToString::to_string));
        cases.push(record.case);
    }
    let problems = reader.into_problems();
    let unread = problems
        .kept()
        .iter()
        .filter(|problem| !notes.contains(&problem.message));
    for problem in unread.take(PRINTED) {
        note!("problem: {problem}");
    }
    ensure!(
        !cases.is_empty(),
        "{}: there is no case in it",
        path.display()
    );
    Ok(ReadCases {
        cases,
        problems: problems.total().saturating_sub(noticed),
    })
}

fn regime(name: RegimeName) -> Regime {
    match name {
        RegimeName::Leaky => Regime::Leaky,
        RegimeName::Loo => Regime::Loo,
        RegimeName::Unseen => Regime::Unseen,
    }
}

fn noise(name: NoiseName) -> Noise {
    match name {
        NoiseName::A => Noise::Vague,
        NoiseName::B => Noise::Short,
        NoiseName::C => Noise::Strange,
        NoiseName::All => Noise::All,
    }
}

/// The first method's figures at the top, as one report; the others beside it.
fn print_json(reports: &[Report], read: &ReadCases) -> Result<()> {
    let Some((first, others)) = reports.split_first() else {
        return Ok(());
    };
    let mut value = serde_json::to_value(first)?;
    value["problems"] = json!(read.problems);
    if !others.is_empty() {
        value["methods"] = serde_json::to_value(others)?;
    }
    output::print_json(&value)
}

fn print(reports: &[Report], read: &ReadCases) {
    say!(
        "{:<26} {:>7}  {:>7} {:>7} {:>7}   {:>7} {:>7} {:>7}",
        "",
        "cases",
        "top 1",
        "top 3",
        "top 10",
        "macro 1",
        "3",
        "10"
    );
    for report in reports {
        line(&format!("{} disease", report.method), &report.disease);
        line(&format!("{} gene", report.method), &report.gene);
    }
    let Some(first) = reports.first() else { return };
    if let Some(calibration) = &first.calibration {
        say!(
            "calibration of the first candidate: ECE {:.3} (macro {:.3}), Brier {:.3}; 90% set covers {:.1}%",
            calibration.ece_micro,
            calibration.ece_macro,
            calibration.brier,
            100.0 * calibration.coverage90
        );
    }
    if let Some(ms) = first.ms_per_case {
        say!("{ms:.3} ms a case, by phenotype alone, one core");
    }
    let counts = &first.excluded_counts;
    say!(
        "{} cases read, {} records could not be; {} evaluated; {} without a disease, {} without a gene, {} without a \
         publication id",
        counts.prepared.cases,
        read.problems,
        counts.evaluated,
        counts.prepared.without_disease,
        counts.prepared.without_gene,
        counts.prepared.without_publication
    );
    say!("misses of the disease: {}", misses(&first.disease));
    say!("knowledge {}", first.knowledge_version.digest.short());
}

fn line(name: &str, accuracy: &Accuracy) {
    let (micro, by_disease) = (&accuracy.micro, &accuracy.by_disease);
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    say!(
        "{name:<26} {:>7}  {:>7} {:>7} {:>7}   {:>7} {:>7} {:>7}",
        micro.n,
        percent(micro.top1),
        percent(micro.top3),
        percent(micro.top10),
        percent(by_disease.top1),
        percent(by_disease.top3),
        percent(by_disease.top10)
    );
}

fn misses(accuracy: &Accuracy) -> String {
    let counts: Vec<_> = accuracy
        .misses
        .iter()
        .map(|(miss, cases)| format!("{cases} {}", words(*miss)))
        .collect();
    if counts.is_empty() {
        "none".to_owned()
    } else {
        counts.join(", ")
    }
}

fn words(miss: Miss) -> &'static str {
    match miss {
        Miss::NoTerm => "without a known observed term",
        Miss::NoTruth => "whose diagnosis is not known here",
        Miss::Absent => "whose disease is not ranked",
        Miss::NoRows => "whose disease has no row left",
    }
}
