//! `ligate diagnose`: one case to a ranking, a page and a JSON file.

mod case;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use ligate_clinic::phenotype::{self, Annotations, Model, Query, Ranking, Scorer, Weights};
use ligate_knowledge::DiseaseIndex;
use ligate_model::{Case, Sex};

use self::case::Given;
use crate::{
    cli,
    diagnosis::{
        self, Facts, GenePanel, GenomeRequest, Names, PeerTables, Ranked, candidate, examinations,
    },
    folder::Folder,
    output,
    report::diagnosis::{
        self as view, Candidate, Diagnosis, FORM, GeneProbability, NOTICE, Panel, Patient, Version,
    },
};

/// What to examine next, at the most.
const EXAMINATIONS: usize = 8;

/// Genes listed with their probability.
const GENES: usize = 20;

/// Candidates outside a panel that are named.
const OUTSIDE: usize = 5;

pub fn run(args: &cli::Diagnose, json: bool) -> Result<()> {
    let facts = Facts::open(args.knowledge.as_deref())?;
    let Some(report) = answer(args, &facts, json)? else {
        return Ok(());
    };
    if json {
        return output::print_json(&report);
    }
    say!("{}", view::terminal(&report).trim_end());
    say!(
        "written: {0}.html and {0}.json, readable by you alone",
        args.out.display()
    );
    Ok(())
}

/// Diagnoses the case and writes the report's files. `None`: the case is a text whose matches wait
/// for the user.
pub fn answer(args: &cli::Diagnose, facts: &Facts, json: bool) -> Result<Option<Diagnosis>> {
    let Some(given) = case::read(args, &facts.knowledge, json)? else {
        return Ok(None);
    };
    let previous = args.previous.as_deref().map(previous).transpose()?;
    let mut report = diagnose(args, facts, &given)?;
    if let Some(before) = &previous {
        report.changes = Some(view::changes(before, &report));
        if before.patient.id != report.patient.id {
            report.notes.push(
                "the earlier report names another patient; check that both are of one".to_owned(),
            );
        }
    }
    write(&args.out, &report)?;
    Ok(Some(report))
}

/// The parts that a ranking by phenotype rests on.
struct RankingParts<'k> {
    annotations: Annotations<'k>,
    peers: Option<PeerTables>,
    /// Without peers' counts.
    alone: Scorer<'k>,
    scorer: Scorer<'k>,
    query: Query,
}

fn diagnose(args: &cli::Diagnose, facts: &Facts, given: &Given) -> Result<Diagnosis> {
    let knowledge = &facts.knowledge;
    let names = Names(knowledge);
    let panel = args
        .genes
        .as_deref()
        .map(|path| GenePanel::read(path, knowledge))
        .transpose()?;
    let (query, query_notes) = Query::of(&given.case, &knowledge.ontology)?;
    let bench = bench(args, facts, query)?;
    let weights = Model::built_in().for_case(&given.case.publications);
    let ranking = phenotype::rank(&bench.scorer, weights, &bench.query);
    let genome = match &args.vcf {
        None => None,
        Some(vcf) => Some(diagnosis::rank_with_genome(
            &GenomeRequest {
                vcf,
                facts,
                case: &given.case,
                ped: args.ped.as_deref(),
                sample: args.sample.as_deref(),
                assembly: args.assembly,
                sites: &args.sites,
                incidental: args.incidental,
                network: args.dir.as_deref().filter(|_| args.network),
            },
            &bench.scorer,
            &bench.query,
            &ranking,
        )?),
    };
    let order = match &genome {
        Some(genome) => genome.order.clone(),
        None => ranking
            .leading
            .iter()
            .map(|disease| (disease.disease, disease.probability))
            .collect(),
    };
    let none_of_these = genome
        .as_ref()
        .map_or(ranking.none_of_these, |genome| genome.none_of_these);
    let (candidates_for_90_percent, none_in_90_percent) =
        candidates_for(&order, none_of_these, 0.9);
    let mut notes = given.notes.clone();
    notes.extend(diagnosis::case_notes(&query_notes));
    let mut report = Diagnosis {
        form: FORM.to_owned(),
        notice: NOTICE.to_owned(),
        date: Timestamp::now().strftime("%Y-%m-%d").to_string(),
        versions: versions(facts, &bench),
        patient: patient(names, &given.case, &bench.query),
        candidates: candidates(args, names, &bench, &ranking, &order, panel.as_ref()),
        none_of_these,
        candidates_for_90_percent,
        none_in_90_percent,
        genes: genome.as_ref().map_or_else(
            || genes(names, &ranking.genes),
            |genome| genes(names, &genome.genes),
        ),
        examine_next: examinations(names, &bench.scorer, &bench.query, &order, EXAMINATIONS),
        genome: None,
        panel: panel.map(|panel| outside(names, panel, &order)),
        network: None,
        changes: None,
        notes,
        limits: diagnosis::limits(genome.is_some(), bench.peers.is_some()),
    };
    if let Some(genome) = genome {
        genome.fill(&mut report);
    }
    add_network(&mut report, &bench, weights, &order);
    Ok(report)
}

fn bench<'k>(args: &cli::Diagnose, facts: &'k Facts, query: Query) -> Result<RankingParts<'k>> {
    let annotations = Annotations::of(&facts.knowledge);
    let alone = Scorer::new(&annotations);
    let peers = match (&args.dir, args.network) {
        (Some(dir), true) => Some(PeerTables::read(&Folder::open(dir)?, &facts.knowledge)?),
        _ => None,
    };
    let scorer = match &peers {
        Some(tables) => alone.adjusted(tables.profiles(&annotations)),
        None => alone.clone(),
    };
    Ok(RankingParts {
        annotations,
        peers,
        alone,
        scorer,
        query,
    })
}

fn versions(facts: &Facts, bench: &RankingParts<'_>) -> Vec<Version> {
    let program = Version {
        what: "ligate".to_owned(),
        which: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let model = Version {
        what: "re-ranking model".to_owned(),
        which: diagnosis::model_version(),
    };
    let mut versions = vec![program];
    versions.extend(facts.versions());
    versions.push(model);
    versions.extend(
        bench
            .peers
            .iter()
            .flat_map(|tables| tables.versions.clone()),
    );
    versions
}

fn patient(names: Names<'_>, case: &Case, query: &Query) -> Patient {
    let years = case
        .age
        .map(|age| format!("{:.1} years old", age.0 / 365.25));
    let sex = case
        .sex
        .map(|sex| if sex == Sex::Female { "female" } else { "male" }.to_owned());
    Patient {
        id: case.id.clone(),
        sex,
        age: years,
        observed: names.terms(query.stated.iter().copied()),
        excluded: names.terms(query.excluded.iter().copied()),
    }
}

/// Candidates by their place in the final order, inside the panel if there is one.
fn candidates(
    args: &cli::Diagnose,
    names: Names<'_>,
    bench: &RankingParts<'_>,
    ranking: &Ranking,
    order: &[(DiseaseIndex, f64)],
    panel: Option<&GenePanel>,
) -> Vec<Candidate> {
    let inside = order
        .iter()
        .filter(|(disease, _)| panel.is_none_or(|panel| panel.holds(names.0, *disease)));
    let shown = inside.take(usize::from(args.top)).enumerate();
    let ranked = shown.map(|(place, &(disease, probability))| {
        let by_phenotype = ranking.leading.iter().find(|of| of.disease == disease);
        let ranked = Ranked {
            rank: place + 1,
            probability,
            disease,
            by_phenotype,
        };
        candidate(names, &bench.scorer, &bench.query, &ranked)
    });
    ranked.collect()
}

/// How many of the leading candidates, with "none of these" in its place among them, hold `share`
/// of the probability.
fn candidates_for(order: &[(DiseaseIndex, f64)], none_of_these: f64, share: f64) -> (usize, bool) {
    let (mut sum, mut with_none) = (0.0, false);
    for (place, (_, probability)) in order.iter().enumerate() {
        if !with_none && none_of_these > *probability {
            (sum, with_none) = (sum + none_of_these, true);
            if sum >= share {
                return (place, true);
            }
        }
        sum += probability;
        if sum >= share {
            return (place + 1, with_none);
        }
    }
    (order.len(), true)
}

fn genes(names: Names<'_>, genes: &[(ligate_knowledge::GeneIndex, f64)]) -> Vec<GeneProbability> {
    let shown = genes.iter().take(GENES);
    shown
        .map(|&(gene, probability)| GeneProbability {
            gene: names.gene(gene),
            probability,
        })
        .collect()
}

fn outside(names: Names<'_>, panel: GenePanel, order: &[(DiseaseIndex, f64)]) -> Panel {
    let places = order.iter().enumerate();
    let not_held = places.filter(|(_, (disease, _))| !panel.holds(names.0, *disease));
    let outside = not_held
        .take(OUTSIDE)
        .map(|(place, &(disease, probability))| {
            (place + 1, names.disease(disease).name.clone(), probability)
        });
    Panel {
        outside: outside.collect(),
        genes: panel.genes.len(),
        name: panel.name,
        unknown: panel.unknown,
    }
}

/// What each peer's counts do to the ranks of the leading candidates, by phenotype.
fn add_network(
    report: &mut Diagnosis,
    bench: &RankingParts<'_>,
    weights: &Weights,
    order: &[(DiseaseIndex, f64)],
) {
    let Some(tables) = &bench.peers else { return };
    let knowledge = bench.scorer.knowledge();
    let leading: Vec<_> = order
        .iter()
        .take(diagnosis::COMPARED)
        .map(|&(disease, _)| (disease, knowledge.disease(disease).name.clone()))
        .collect();
    let network = diagnosis::ranks(tables, &bench.annotations, &leading, |profiles| {
        let ranking = phenotype::rank(&bench.alone.adjusted(profiles), weights, &bench.query);
        leading
            .iter()
            .map(|&(disease, _)| ranking.rank_of(disease))
            .collect()
    });
    // With a genome the ranks above are of phenotype and variants together, these of the phenotype
    // alone.
    if report.genome.is_none() && report.panel.is_none() {
        for (candidate, row) in report.candidates.iter_mut().zip(&network.ranks) {
            candidate.rank_alone = Some(row.with_none);
        }
    }
    report.network = Some(network);
}

fn previous(path: &Path) -> Result<Diagnosis> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let not_one = || format!("{} is not the JSON of an earlier diagnosis", path.display());
    let value: serde_json::Value = serde_json::from_str(&text).ok().with_context(not_one)?;
    let form = value
        .get("form")
        .and_then(|form| form.as_str())
        .with_context(not_one)?;
    if form != FORM {
        bail!(
            "{} is of another form ({FORM} is read); make it again",
            path.display()
        );
    }
    serde_json::from_value(value).ok().with_context(not_one)
}

/// NAME.html and NAME.json, mode 0600, each whole or not at all.
fn write(name: &Path, report: &Diagnosis) -> Result<()> {
    let file = |ending: &str| {
        let mut path = name.as_os_str().to_owned();
        path.push(ending);
        std::path::PathBuf::from(path)
    };
    let html = view::page(report);
    output::write_private(&file(".html"), |out| out.write_all(html.as_bytes()))?;
    let json = serde_json::to_string_pretty(report)?;
    output::write_private(&file(".json"), |out| out.write_all(json.as_bytes()))
}
