//! Every figure of the table in BENCHMARKS.md: `figures KNOWLEDGE CASES [--knowledge-cases FILE]
//! [--model FILE] [--threads N] [--quick] [--false-rows N] [--only PART[,PART]]`.
//!
//! KNOWLEDGE is a knowledge file, or a folder with hp.obo, phenotype.hpoa, genes_to_phenotype.txt,
//! mondo.sssom.tsv and hgnc_complete_set.txt. The cases themselves are the other registries'
//! knowledge where no file is named. Parts: loo, unseen, leaky, noise, counts, curve, privacy.
//! `--quick` leaves out the published methods.

use std::{collections::HashMap, env, fs, path::Path, process::ExitCode, time::Instant};

use ligate_clinic::phenotype::{Annotations, Model};
use ligate_disclosure::diagnosis_counts::{
    Epsilon, Minimums, Support, batch_counts, private_counts,
};
use ligate_evaluation::{
    Accuracy, Calibration, Candidates, Chosen, Difference, EvaluationSet, MethodRun, Noise,
    Patients, Publishing, Regime, Setting, Shares, Subjects, Truths, accuracy, compare, run,
};
use ligate_knowledge::{
    Knowledge, Sources,
    sources::{gene_links, gene_tables, hpoa, mondo, obo},
};
use ligate_model::{Case, DiagnosisCount, DiseaseId, TermId};
use ligate_records::cases;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match figures() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

struct Asked {
    files: Vec<String>,
    options: HashMap<String, String>,
}

impl Asked {
    fn read() -> Result<Self, Failure> {
        let (mut files, mut options) = (Vec::new(), HashMap::new());
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some("quick") => drop(options.insert("quick".to_owned(), String::new())),
                Some(name) => {
                    let value = words
                        .next()
                        .ok_or_else(|| format!("--{name} needs a value"))?;
                    options.insert(name.to_owned(), value);
                }
                None => files.push(word),
            }
        }
        Ok(Self { files, options })
    }

    fn wants(&self, part: &str) -> bool {
        self.options
            .get("only")
            .is_none_or(|only| only.split(',').any(|word| word == part))
    }
}

fn figures() -> Result<(), Failure> {
    let asked = Asked::read()?;
    let [knowledge, file] = asked.files.as_slice() else {
        return Err(
            "usage: figures KNOWLEDGE CASES [--model FILE] [--threads N] [--quick] [--only PARTS]"
                .into(),
        );
    };
    let start = Instant::now();
    let knowledge = read_knowledge(Path::new(knowledge))?;
    let cases = read_cases(Path::new(file))?;
    let others = asked
        .options
        .get("knowledge-cases")
        .map(|file| read_cases(Path::new(file)))
        .transpose()?;
    let model = asked
        .options
        .get("model")
        .map(fs::read_to_string)
        .transpose()?;
    let model = model.map(|text| Model::from_json(&text)).transpose()?;
    let model = model.as_ref().unwrap_or_else(|| Model::built_in());
    let annotations = Annotations::of(&knowledge);
    let subjects = Subjects::of(&knowledge, &cases);
    let patients = Patients::of(&annotations, others.as_ref().unwrap_or(&cases));
    let bench = EvaluationSet::new(&annotations, &subjects, Some(&patients));
    println!("{:?}", subjects.prepared);
    println!(
        "knowledge cases: {:?}; candidates: {}",
        patients.counted,
        knowledge.candidates().len()
    );
    println!("read in {:.1} s", start.elapsed().as_secs_f64());
    let threads = asked
        .options
        .get("threads")
        .map_or(Ok(2), |text| text.parse())?;
    let mut methods = vec![Chosen::Ligate(model), Chosen::Floor];
    let ours = methods.len();
    if !asked.options.contains_key("quick") {
        methods.extend(Chosen::RIVALS);
    }
    let table = Table {
        bench: &bench,
        methods,
        ours,
        threads,
    };
    table.parts(&asked);
    Ok(())
}

struct Table<'a, 'k> {
    bench: &'a EvaluationSet<'k>,
    methods: Vec<Chosen<'a>>,
    /// How many of the methods are ours.
    ours: usize,
    threads: usize,
}

impl Table<'_, '_> {
    fn parts(&self, asked: &Asked) {
        for (part, regime) in [
            ("leaky", Regime::Leaky),
            ("loo", Regime::Loo),
            ("unseen", Regime::Unseen),
        ] {
            if asked.wants(part) {
                self.section(part, &self.setting(regime), &self.methods);
            }
        }
        if asked.wants("noise") {
            for noise in Noise::EVERY {
                let setting = Setting {
                    noise: Some(noise),
                    ..self.setting(Regime::Loo)
                };
                self.section(&format!("loo, noise {noise:?}"), &setting, &self.methods);
            }
            let setting = Setting {
                noise: Some(Noise::All),
                ..self.setting(Regime::Unseen)
            };
            self.section("unseen, noise All", &setting, &self.methods[..self.ours]);
        }
        if asked.wants("counts") {
            self.counts(
                "release rule",
                Minimums {
                    batch_patients: 5,
                    count: 3,
                },
            );
            self.counts(
                "ungated",
                Minimums {
                    batch_patients: 1,
                    count: 1,
                },
            );
        }
        if asked.wants("curve") {
            for count in [1, 3, 5, 10] {
                self.counts(
                    &format!("minimum {count}"),
                    Minimums {
                        batch_patients: 5,
                        count,
                    },
                );
            }
        }
        if asked.wants("privacy") {
            let false_rows = asked
                .options
                .get("false-rows")
                .and_then(|text| text.parse().ok())
                .unwrap_or(100.0);
            for epsilon in ["1", "4", "16", "64"] {
                self.private(epsilon, false_rows);
            }
        }
    }

    fn setting(&self, regime: Regime) -> Setting<'static> {
        let candidates = Candidates::Omim;
        Setting {
            regime,
            noise: None,
            excluded_terms: true,
            release: None,
            candidates,
            threads: self.threads,
        }
    }

    fn counts(&self, name: &str, minimums: Minimums) {
        let rule = |batch: &[&[TermId]]| batch_counts(batch, minimums);
        let setting = Setting {
            release: Some(Publishing::Batches(&rule)),
            ..self.setting(Regime::Unseen)
        };
        self.section(
            &format!("unseen with counts, {name}"),
            &setting,
            &self.methods[..self.ours],
        );
    }

    /// `false_rows`: rows of nobody that each node releases on average.
    fn private(&self, epsilon: &str, false_rows: f64) {
        let Ok(chosen) = epsilon.parse::<Epsilon>() else {
            return;
        };
        let knowledge = self.bench.knowledge;
        let ids = knowledge
            .candidates()
            .iter()
            .map(|disease| knowledge.disease(*disease).id);
        let (mut diseases, ontology) = (ids.collect::<Vec<_>>(), &knowledge.ontology);
        diseases.sort_unstable();
        let phenotypes = ontology
            .topological()
            .iter()
            .filter(|term| ontology.is_a(**term, ontology.phenotype_root()));
        let mut terms = phenotypes
            .map(|term| ontology.id(*term))
            .collect::<Vec<_>>();
        terms.sort_unstable();
        let support = Support {
            diseases: &diseases,
            terms: &terms,
        };
        let noise = |patients: &[(DiseaseId, &[TermId])], seed: u64| -> Vec<DiagnosisCount> {
            private_counts(
                patients,
                &support,
                chosen,
                false_rows,
                &mut ChaCha20Rng::seed_from_u64(seed),
            )
            .rows
        };
        let setting = Setting {
            release: Some(Publishing::Private(&noise)),
            ..self.setting(Regime::Unseen)
        };
        self.section(
            &format!("unseen with counts, epsilon {epsilon}, {false_rows} false rows"),
            &setting,
            &self.methods[..self.ours],
        );
    }

    fn section(&self, name: &str, setting: &Setting, methods: &[Chosen]) {
        println!("\n## {name}");
        let runs = methods
            .iter()
            .map(|method| (method.name(), self.timed(*method, setting)))
            .collect::<Vec<_>>();
        for (method, (run, seconds)) in &runs {
            let disease = accuracy(&run.disease);
            println!(
                "{method:18} {} gene {} ({seconds:.0} s)",
                line(&disease),
                line(&accuracy(&run.gene))
            );
            if *method == "ligate" || *method == "floor" {
                println!("{:18} {}", "", intervals(&disease));
            }
            if let Some(calibration) = Calibration::of(&run.predictions) {
                println!("{:18} {}", "", reliability(&calibration));
            }
        }
        let Some((_, (first, _))) = runs.first() else {
            return;
        };
        let whole = accuracy(&first.disease);
        println!(
            "lacking {:?}; ranked by relatives {}",
            whole.misses, whole.ranked_by_relatives
        );
        if !first.released_rows.is_empty() {
            println!(
                "released rows {:?} of diseases {:?}",
                first.released_rows, first.released_diseases
            );
            println!(
                "range {:?}",
                first.disease.outcomes.range(&first.disease.groups)
            );
        }
        for (place, (method, (run, _))) in runs.iter().enumerate().take(self.ours) {
            for (other, (rival, _)) in &runs[place + 1..] {
                println!(
                    "{}",
                    beats(&difference(&run.disease, &rival.disease, (method, other)))
                );
            }
        }
    }

    fn timed(&self, method: Chosen, setting: &Setting) -> (MethodRun, f64) {
        let start = Instant::now();
        let done = run(self.bench, method, setting, &|_, _| {});
        (done, start.elapsed().as_secs_f64())
    }
}

fn difference(ours: &Truths, theirs: &Truths, names: (&str, &str)) -> Difference {
    compare(
        names,
        (&ours.outcomes.hits(), &theirs.outcomes.hits()),
        &ours.groups,
        1,
    )
}

fn line(accuracy: &Accuracy) -> String {
    let shares = |shares: &Shares| {
        format!(
            "{:5.1} {:5.1} {:5.1}",
            100.0 * shares.top1,
            100.0 * shares.top3,
            100.0 * shares.top10
        )
    };
    format!(
        "{} | {} (n {})",
        shares(&accuracy.micro),
        shares(&accuracy.by_disease),
        accuracy.micro.n
    )
}

fn intervals(accuracy: &Accuracy) -> String {
    let text = |shares: &Shares| {
        let intervals = shares.intervals.iter().flatten();
        let each = intervals
            .map(|interval| format!("{:.1}-{:.1}", 100.0 * interval.low, 100.0 * interval.high));
        each.collect::<Vec<_>>().join(" ")
    };
    let known = &accuracy.without_misses;
    let without = format!(
        "{:.1} {:.1}",
        100.0 * known.micro.top1,
        100.0 * known.micro.top10
    );
    format!(
        "95%: {} | {}; without misses {without}",
        text(&accuracy.micro),
        text(&accuracy.by_disease)
    )
}

fn reliability(calibration: &Calibration) -> String {
    format!(
        "ECE micro {:.3} macro {:.3}, Brier {:.3} (constant {:.3}), log {:.2}, 90% set {:.3} (median {}), none ECE {:.3}",
        calibration.ece_micro,
        calibration.ece_macro,
        calibration.brier,
        calibration.brier_of_constant,
        calibration.log_score,
        calibration.coverage90,
        calibration.set90_median,
        calibration.none_ece,
    )
}

fn beats(difference: &Difference) -> String {
    let gains = |gains: &[ligate_evaluation::Gain; 3]| {
        let text = |gain: &ligate_evaluation::Gain| {
            let mark = if gain.beats { "*" } else { "" };
            let (low, high) = (100.0 * gain.interval.low, 100.0 * gain.interval.high);
            format!(
                "{:+.1} ({low:+.1} to {high:+.1}){mark}",
                100.0 * gain.difference
            )
        };
        format!("{}, {}", text(&gains[0]), text(&gains[2]))
    };
    let (micro, by_disease) = (gains(&difference.micro), gains(&difference.by_disease));
    format!(
        "{} - {}: {micro} | {by_disease}",
        difference.method, difference.other
    )
}

fn read_cases(file: &Path) -> Result<Vec<Case>, Failure> {
    let mut records = cases::read(file)?;
    let read = records.by_ref().map(|record| record.case).collect();
    for problem in records.problems().kept().iter().take(3) {
        eprintln!("{problem}");
    }
    Ok(read)
}

fn read_knowledge(path: &Path) -> Result<Knowledge, Failure> {
    if path.is_file() {
        return Ok(Knowledge::decode(&fs::read(path)?)?);
    }
    let sources = Sources {
        ontology: obo::read(&path.join("hp.obo"))?.0,
        annotations: hpoa::read(&path.join("phenotype.hpoa"))?.0,
        mondo: mondo::read(&path.join("mondo.sssom.tsv"))?.0,
        gene_links: gene_links::read(&path.join("genes_to_phenotype.txt"))?.0,
        hgnc: gene_tables::read_hgnc(&path.join("hgnc_complete_set.txt"))?.0,
        ..Sources::default()
    };
    Ok(Knowledge::build(&sources)?.0)
}
