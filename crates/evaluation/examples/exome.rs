//! The exome figures: `exome KNOWLEDGE CASES DATA [--threads N] [--model FILE]`.
//!
//! KNOWLEDGE is a knowledge file or a release's folder (as `figures` takes), CASES the solved
//! cases, DATA the folder with genes/, chains/, frequencies/ and clinical/. Each case's variants
//! are put into the exome of clinical/ without its own spiked record; the background's ID and INFO
//! are never read. Regime: loo. Prints top-1 and top-10 in percent over all cases and as the mean
//! over true diseases (genes), for the likelihood ratio and the learned ranking.

use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use ligate_clinic::{
    genome::{
        burden::Tolerance,
        examine::{Examination, ExamineOptions, Examiner, VariantFacts},
        family::Family,
        frequency::{Frequencies, Sites, SitesBuilder},
        gene_model::{GeneModel, GeneNames},
        rank::{Catalogue, DiseaseEvidence, PhenotypePrior, RankOptions, rank as rank_genome},
        spike::{Background, Chains, Donor, Donors, NotSpiked, Spiked},
    },
    phenotype::{Annotations, Edit, Model, Profile, Query, Scorer, explain, rank, rank_of},
};
use ligate_evaluation::Subjects;
use ligate_formats::{chain::Chain, family_vcf::FamilyVcf, sites};
use ligate_knowledge::{
    DiseaseIndex, GeneFacts, GeneIndex, Knowledge, Sources,
    sources::{gene_links, gene_tables, hpoa, mondo, obo},
};
use ligate_model::{Case, Pmid, Sex, VariantKey};
use ligate_records::cases;

type Failure = Box<dyn std::error::Error>;

/// The record that Exomiser's authors spiked into the background (FGFR2), by its place in GRCh37.
const BACKGROUND_SPIKE: (&str, u32) = ("10", 123_256_215);
/// The sites file lists alleles from this frequency.
const LISTED_FROM: f64 = 0.0002;

fn main() -> ExitCode {
    match exome() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Facts of the genome that all settings share.
struct Shared {
    model: GeneModel,
    names: GeneNames,
    to_38: Chain,
    to_37: Chain,
    data: PathBuf,
}

fn exome() -> Result<(), Failure> {
    let mut words: Vec<String> = env::args().skip(1).collect();
    let weights = option(&mut words, "--model")?
        .map(fs::read_to_string)
        .transpose()?;
    let [knowledge, file, data] = words.as_slice() else {
        return Err("usage: exome KNOWLEDGE CASES DATA [--model FILE]".into());
    };
    let data = PathBuf::from(data);
    let knowledge = read_knowledge(Path::new(knowledge), &data)?;
    let cases: Vec<Case> = cases::read(Path::new(file))?
        .map(|record| record.case)
        .collect();
    let (genes, _) = gene_tables::read_genes(&data.join("genes/homo-sapiens-genes.tsv.gz"))?;
    let structures = data.join("genes/homo-sapiens-gene-structures.tsv.gz");
    let (transcripts, _) = gene_tables::read_structures(&structures, &genes)?;
    let (model, _) = GeneModel::build(&genes, &transcripts);
    let mut names = GeneNames::of(&model);
    let catalogue = Catalogue::of(&knowledge, &model, &mut names);
    let chain = |name: &str| -> Result<Chain, Failure> {
        Ok(Chain::read(&data.join("chains").join(name))?
            .0
            .with_revised_mitochondrion())
    };
    let (to_38, to_37) = (
        chain("hg19ToHg38.over.chain.gz")?,
        chain("hg38ToHg19.over.chain.gz")?,
    );
    let shared = Shared {
        model,
        names,
        to_38,
        to_37,
        data,
    };
    let learned = weights.as_deref().map(Model::from_json).transpose()?;
    let learned = learned.as_ref().unwrap_or_else(|| Model::built_in());
    let annotations = Annotations::of(&knowledge);
    let phenotypes = Phenotypes::of(&knowledge, &annotations, &cases, learned);
    let unconstrained = Catalogue {
        tolerances: vec![Tolerance::default(); catalogue.tolerances.len()],
        ..catalogue.clone()
    };
    let all = [
        "gnomad_exomes_sites_consequence.grch37.tsv.gz",
        "gnomad_nfe_coding.grch37.tsv.gz",
    ];
    for (name, files, catalogue) in [
        ("gene structures alone", &all[..0], &catalogue),
        (
            "gene structures alone, no constraint",
            &all[..0],
            &unconstrained,
        ),
        ("both frequency files", &all[..], &catalogue),
        ("the sites file alone", &all[..1], &catalogue),
    ] {
        let sites = shared.sites(files)?;
        println!("\n## {name}");
        setting(
            &shared,
            catalogue,
            sites.as_ref(),
            &knowledge,
            &cases,
            &phenotypes,
        )?;
        if files.len() == 2 || name == "gene structures alone" {
            pfeiffer(
                &shared,
                catalogue,
                sites.as_ref(),
                &knowledge,
                &annotations,
                learned,
            )?;
        }
    }
    Ok(())
}

fn option(words: &mut Vec<String>, name: &str) -> Result<Option<String>, Failure> {
    let Some(at) = words.iter().position(|word| word == name) else {
        return Ok(None);
    };
    words.remove(at);
    if at < words.len() {
        Ok(Some(words.remove(at)))
    } else {
        Err(format!("{name} needs a value").into())
    }
}

fn read_knowledge(path: &Path, data: &Path) -> Result<Knowledge, Failure> {
    let knowledge = if path.is_file() {
        Knowledge::decode(&fs::read(path)?)?
    } else {
        let sources = Sources {
            ontology: obo::read(&path.join("hp.obo"))?.0,
            annotations: hpoa::read(&path.join("phenotype.hpoa"))?.0,
            mondo: mondo::read(&path.join("mondo.sssom.tsv"))?.0,
            gene_links: gene_links::read(&path.join("genes_to_phenotype.txt"))?.0,
            hgnc: gene_tables::read_hgnc(&path.join("hgnc_complete_set.txt"))?.0,
            ..Sources::default()
        };
        Knowledge::build(&sources)?.0
    };
    let facts = GeneFacts {
        inheritance: gene_tables::read_inheritance(&data.join("genes/CGD_26jun2018.txt.gz"))?.0,
        constraint: gene_tables::read_constraint(&data.join("genes/gnomad_constraint.tsv.gz"))?.0,
        ..GeneFacts::default()
    };
    Ok(knowledge.with_gene_facts(&facts)?.0)
}

impl Shared {
    fn sites(&self, files: &[&str]) -> Result<Option<Sites>, Failure> {
        if files.is_empty() {
            return Ok(None);
        }
        let lift = |key: &VariantKey| {
            self.to_38
                .lift_variant(key)
                .lifted()
                .map(|lifted| lifted.key)
        };
        let mut builder = SitesBuilder::new(LISTED_FROM, Some(&lift));
        for file in files {
            sites::visit(&self.data.join("frequencies").join(file), &mut |site| {
                builder.add(site)
            })?;
        }
        Ok(Some(builder.finish().0))
    }

    fn facts<'a>(&'a self, sites: Option<&'a Sites>) -> VariantFacts<'a> {
        let frequencies = Frequencies {
            sites,
            network: None,
        };
        VariantFacts {
            model: &self.model,
            names: &self.names,
            frequencies,
            lift: Some(&self.to_38),
        }
    }

    /// Reads the background, with or without the record that its authors spiked.
    fn examine(
        &self,
        sites: Option<&Sites>,
        sex: Sex,
        spiked: bool,
        read_info: bool,
    ) -> Result<(Examination, Donors), Failure> {
        let vcf = FamilyVcf::open(&self.data.join("clinical/pfeiffer-exome.vcf.gz"))?;
        let family = Family::single(vcf.samples(), None, Some(sex))?;
        let (assembly, lines) = (vcf.assembly(), vcf.info_lines().to_vec());
        let options = ExamineOptions { read_info };
        let mut examiner = Examiner::new(self.facts(sites), family, assembly, &lines, options)?;
        let mut donors = Donors::default();
        vcf.read(&mut |record| {
            if !spiked && (record.chromosome(), record.position()) == BACKGROUND_SPIKE {
                return ControlFlow::Continue(());
            }
            donors.extend(Donor::of(record, 0));
            examiner.record(record)
        })?;
        Ok((examiner.finish(), donors))
    }
}

/// What the phenotype says of each case under loo, by both methods.
struct Phenotypes<'k> {
    subjects: Subjects,
    /// By case; the second is the learned ranking's. Nothing for a case without a term.
    priors: Vec<Option<[PhenotypePrior; 2]>>,
    /// Diseases whose own rows were all taken out, by case.
    emptied: Vec<Vec<DiseaseIndex>>,
    knowledge: &'k Knowledge,
}

impl<'k> Phenotypes<'k> {
    fn of(
        knowledge: &'k Knowledge,
        annotations: &Annotations<'k>,
        cases: &[Case],
        learned: &Model,
    ) -> Self {
        let subjects = Subjects::of(knowledge, cases);
        let scorer = Scorer::new(annotations);
        let mut groups: BTreeMap<&[Pmid], Vec<usize>> = BTreeMap::new();
        for (at, subject) in subjects.all.iter().enumerate() {
            groups.entry(&subject.publications).or_default().push(at);
        }
        let mut priors = vec![None; cases.len()];
        let mut emptied = vec![Vec::new(); cases.len()];
        for (publications, group) in groups {
            let own = changes(annotations, &subjects, publications, false);
            let borrowed = changes(annotations, &subjects, publications, true);
            let without: Vec<DiseaseIndex> = own
                .iter()
                .filter(|(_, profile)| profile.terms.is_empty())
                .map(|(disease, _)| *disease)
                .collect();
            let (floor, ours) = (scorer.adjusted(own), scorer.adjusted(borrowed));
            for at in group {
                let Some(query) = &subjects.all[at].query else {
                    continue;
                };
                priors[at] = Some([
                    prior(&floor, query, None),
                    prior(&ours, query, Some((learned, publications))),
                ]);
                emptied[at].clone_from(&without);
            }
        }
        Self {
            subjects,
            priors,
            emptied,
            knowledge,
        }
    }
}

fn changes(
    annotations: &Annotations<'_>,
    subjects: &Subjects,
    publications: &[Pmid],
    borrow: bool,
) -> Vec<(DiseaseIndex, Profile)> {
    let mut naming: Vec<DiseaseIndex> = publications
        .iter()
        .flat_map(|pmid| annotations.naming(*pmid))
        .copied()
        .collect();
    naming.sort_unstable();
    naming.dedup();
    let edited = |disease: DiseaseIndex| {
        let own = subjects.own(publications, disease);
        let edited = annotations.edited(
            disease,
            &Edit {
                without: publications,
                own: &own,
                added: &[],
            },
        );
        if borrow && edited.terms.is_empty() {
            return annotations
                .borrowed(disease, publications)
                .unwrap_or_default();
        }
        edited
    };
    naming
        .into_iter()
        .map(|disease| (disease, edited(disease)))
        .collect()
}

fn prior(scorer: &Scorer, query: &Query, learned: Option<(&Model, &[Pmid])>) -> PhenotypePrior {
    let (count, scores) = (scorer.knowledge().diseases().len(), scorer.scores(query));
    match learned {
        None => PhenotypePrior::from_scores(count, scorer.candidates(), &scores),
        Some((model, publications)) => {
            let ranking = rank(scorer, model.for_case(publications), query);
            PhenotypePrior::from_ranking(count, scorer.candidates(), &scores, &ranking)
        }
    }
}

/// Ranks of one method: by case, disease and gene; `None` is a miss.
#[derive(Default)]
struct Ranks {
    disease: Vec<Option<f64>>,
    gene: Vec<Option<f64>>,
    groups: Vec<u32>,
    gene_groups: Vec<u32>,
    /// Cases whose disease had no rows of its own left.
    emptied: Vec<bool>,
    /// Probability of the first disease, and whether it is the truth; a case without a term has
    /// neither.
    first: Vec<(f64, bool)>,
}

fn setting(
    shared: &Shared,
    catalogue: &Catalogue,
    sites: Option<&Sites>,
    knowledge: &Knowledge,
    cases: &[Case],
    phenotypes: &Phenotypes<'_>,
) -> Result<(), Failure> {
    let facts = shared.facts(sites);
    let background = |sex| -> Result<Background<'_>, Failure> {
        let (examination, donors) = shared.examine(sites, sex, false, false)?;
        Ok(Background::new(&facts, &examination, donors, catalogue))
    };
    let backgrounds = [background(Sex::Male)?, background(Sex::Female)?];
    let chains = Chains {
        to_37: &shared.to_37,
        to_38: &shared.to_38,
    };
    let mut ranks = [Ranks::default(), Ranks::default()];
    let mut without: BTreeMap<NotSpiked, usize> = BTreeMap::new();
    let start = Instant::now();
    for (at, case) in cases.iter().enumerate() {
        let background = &backgrounds[usize::from(case.sex == Some(Sex::Female))];
        match background.spike(&facts, &chains, &case.id, case.sex, &case.variants) {
            Ok(spiked) => {
                for (method, ranks) in ranks.iter_mut().enumerate() {
                    ranks.case(at, method, background, &spiked, catalogue, phenotypes);
                }
            }
            Err(reason) => *without.entry(reason).or_default() += 1,
        }
    }
    println!(
        "{} cases in {:.1} s; not spiked: {without:?}; {} genes",
        ranks[0].disease.len(),
        start.elapsed().as_secs_f64(),
        knowledge.genes().len()
    );
    for (name, ranks) in ["likelihood ratio", "learned ranking"].iter().zip(&ranks) {
        ranks.print(name);
    }
    Ok(())
}

impl Ranks {
    fn case(
        &mut self,
        at: usize,
        method: usize,
        background: &Background<'_>,
        spiked: &Spiked,
        catalogue: &Catalogue,
        phenotypes: &Phenotypes<'_>,
    ) {
        let subject = &phenotypes.subjects.all[at];
        let truths: Vec<DiseaseIndex> = subject.diseases.iter().flatten().copied().collect();
        let genes: Vec<GeneIndex> = subject.genes.iter().flatten().copied().collect();
        self.groups.push(subject.group);
        self.gene_groups.push(subject.gene_group);
        self.emptied.push(
            truths
                .iter()
                .any(|truth| phenotypes.emptied[at].contains(truth)),
        );
        let Some(priors) = &phenotypes.priors[at] else {
            self.disease.push(None);
            self.gene.push(None);
            return;
        };
        let changed: HashMap<usize, DiseaseEvidence> =
            background.with(spiked).into_iter().collect();
        let evidence = |place: usize| changed.get(&place).unwrap_or(&background.base()[place]);
        let prior = priors[method].all();
        let posterior: Vec<f64> = prior
            .iter()
            .enumerate()
            .map(|(place, log)| log + evidence(place).log_ratio)
            .collect();
        self.first.push(first(&posterior, &truths));
        let best = |ranks: &mut dyn Iterator<Item = Option<f64>>| ranks.flatten().reduce(f64::min);
        self.disease.push(best(
            &mut truths
                .iter()
                .map(|truth| rank_of(&posterior, truth.index())),
        ));
        let scores = gene_scores(
            &posterior,
            &evidence,
            catalogue,
            phenotypes.knowledge.genes().len(),
        );
        self.gene.push(best(
            &mut genes.iter().map(|gene| rank_of(&scores, gene.index())),
        ));
    }

    fn print(&self, name: &str) {
        let line = |ranks: &[Option<f64>], groups: &[u32]| {
            let share = |top: f64| {
                let hits = ranks
                    .iter()
                    .filter(|rank| rank.is_some_and(|rank| rank <= top))
                    .count();
                100.0 * hits as f64 / ranks.len().max(1) as f64
            };
            let mean = |top: f64| {
                let mut by: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
                for (rank, group) in ranks.iter().zip(groups) {
                    let counts = by.entry(*group).or_default();
                    counts.0 += f64::from(u8::from(rank.is_some_and(|rank| rank <= top)));
                    counts.1 += 1.0;
                }
                100.0 * by.values().map(|(hits, all)| hits / all).sum::<f64>()
                    / by.len().max(1) as f64
            };
            format!(
                "{:.1} / {:.1} | {:.1} / {:.1}",
                share(1.0),
                share(10.0),
                mean(1.0),
                mean(10.0)
            )
        };
        println!("{name:18} gene    {}", line(&self.gene, &self.gene_groups));
        println!("{name:18} disease {}", line(&self.disease, &self.groups));
        let (expected, share, error) = calibration(&self.first);
        println!(
            "{:18} first disease: mean probability {expected:.3}, right {share:.3}, ECE {error:.3}",
            ""
        );
        let strict = |ranks: &[Option<f64>]| -> Vec<Option<f64>> {
            ranks
                .iter()
                .zip(&self.emptied)
                .map(|(rank, emptied)| rank.filter(|_| !emptied))
                .collect()
        };
        println!(
            "{:18} diseases without rows of their own as misses ({}): gene {}, disease {}",
            "",
            self.emptied.iter().filter(|emptied| **emptied).count(),
            line(&strict(&self.gene), &self.gene_groups),
            line(&strict(&self.disease), &self.groups)
        );
    }
}

/// The most probable disease's probability among the known ones, and whether it is a truth.
fn first(posterior: &[f64], truths: &[DiseaseIndex]) -> (f64, bool) {
    let best = posterior.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = posterior.iter().map(|log| (log - best).exp()).sum();
    let place = posterior.iter().position(|log| *log == best);
    (
        1.0 / sum,
        place.is_some_and(|place| truths.iter().any(|truth| truth.index() == place)),
    )
}

/// Mean probability, share right, and the expected calibration error over 15 bins of equal count.
fn calibration(first: &[(f64, bool)]) -> (f64, f64, f64) {
    let mut sorted = first.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let means = |part: &[(f64, bool)]| {
        let count = part.len().max(1) as f64;
        let right = part.iter().filter(|(_, right)| *right).count() as f64;
        (
            part.iter().map(|(chance, _)| chance).sum::<f64>() / count,
            right / count,
        )
    };
    let bins = sorted.chunks(sorted.len().div_ceil(15).max(1));
    let error = bins.map(|bin| {
        let (expected, right) = means(bin);
        (expected - right).abs() * bin.len() as f64 / sorted.len() as f64
    });
    let error = error.sum();
    let (expected, right) = means(&sorted);
    (expected, right, error)
}

/// Log of the summed probability of each gene's diseases, each by its share; minus infinity for a
/// gene without one.
fn gene_scores<'e>(
    posterior: &[f64],
    evidence: &dyn Fn(usize) -> &'e DiseaseEvidence,
    catalogue: &Catalogue,
    genes: usize,
) -> Vec<f64> {
    let best = posterior.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sums = vec![0.0; genes];
    for (place, log) in posterior
        .iter()
        .enumerate()
        .filter(|(_, log)| log.is_finite())
    {
        let weight = (log - best).exp();
        for (gene, share) in &evidence(place).genes {
            if let Some(gene) = catalogue.genes[gene.0 as usize] {
                sums[gene.index()] += weight * share;
            }
        }
    }
    sums.into_iter().map(f64::ln).collect()
}

/// The background's own patient: where FGFR2 comes, with and without ID and INFO.
fn pfeiffer(
    shared: &Shared,
    catalogue: &Catalogue,
    sites: Option<&Sites>,
    knowledge: &Knowledge,
    annotations: &Annotations<'_>,
    learned: &Model,
) -> Result<(), Failure> {
    let (packet, _) = cases::read_one(&shared.data.join("clinical/pfeiffer-phenopacket.json"))
        .map_err(|_| "the phenopacket cannot be read")?;
    let (query, _) = Query::of(&packet.case, &knowledge.ontology)?;
    let scorer = Scorer::new(annotations);
    for (name, model) in [
        ("likelihood ratio", None),
        ("learned ranking", Some((learned, &[][..]))),
    ] {
        let prior = prior(&scorer, &query, model);
        for read_info in [true, false] {
            let start = Instant::now();
            let (examination, _) = shared.examine(sites, Sex::Male, true, read_info)?;
            let contributions = |disease| {
                explain(&scorer, &query, disease)
                    .map(|found| found.contributions.iter().map(|one| one.value).collect())
                    .unwrap_or_default()
            };
            let found = rank_genome(
                knowledge,
                &shared.model,
                catalogue,
                &prior,
                &examination,
                &contributions,
                RankOptions::default(),
            );
            let gene = found
                .genes
                .iter()
                .position(|(gene, _)| knowledge.gene(*gene).symbol == "FGFR2");
            let (disease, chance) = found.leading.first().map_or(("", 0.0), |first| {
                (
                    knowledge.disease(first.disease).name.as_str(),
                    first.probability,
                )
            });
            println!(
                "pfeiffer, {name}, INFO read: {read_info}: FGFR2 is gene {:?}; first {disease} ({chance:.3}); {} \
                 unknown genes, {} not covered, {} hidden; {:.0} ms",
                gene.map(|at| at + 1),
                found.unknown_genes.len(),
                found.not_covered.len(),
                found.hidden,
                start.elapsed().as_secs_f64() * 1e3
            );
        }
    }
    Ok(())
}
