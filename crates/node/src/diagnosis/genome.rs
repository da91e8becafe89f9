//! The genome's part of a diagnosis: reads the family's VCF once, record by record, and ranks
//! diseases by phenotype and variants together.

mod facts;
mod words;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use ligate_clinic::{
    genome::{
        SmallVariant,
        examine::{Examination, ExamineOptions, Examiner},
        family::{Family, FamilyError},
        frequency::{Frequencies, NetworkCount, Sites},
        rank::{Catalogue, GenomeRanking, PhenotypePrior, RankOptions, rank},
    },
    phenotype::{LEADING, Query, Ranking, Scorer, explain},
};
use ligate_formats::family_vcf::{FamilyReport, FamilyVcf};
use ligate_knowledge::{DiseaseIndex, GeneIndex};
use ligate_model::{Assembly, Case};
use ligate_records::pedigree::Pedigree;

use self::facts::GenomeFacts;
use super::Facts;
use crate::{folder::Folder, interrupt, progress::Stages, report::diagnosis::Diagnosis};

/// Records between two looks at whether the user wants to stop.
const LOOK_EVERY: u64 = 4096;

/// What a ranking with a genome needs.
pub struct GenomeRequest<'a> {
    pub vcf: &'a Path,
    pub facts: &'a Facts,
    pub case: &'a Case,
    /// The family, as a PED file.
    pub ped: Option<&'a Path>,
    /// The patient's sample, where the case does not name it.
    pub sample: Option<&'a str>,
    /// Where the VCF's header does not tell.
    pub assembly: Option<Assembly>,
    /// Files of further frequencies.
    pub sites: &'a [PathBuf],
    /// Whether findings are shown that do not fit the phenotype.
    pub incidental: bool,
    /// The node whose peers' counts are used.
    pub network: Option<&'a Path>,
}

/// The ranking with a genome, and what to say of it.
pub struct RankedGenome {
    /// Diseases best first with their probabilities.
    pub order: Vec<(DiseaseIndex, f64)>,
    pub genes: Vec<(GeneIndex, f64)>,
    pub none_of_these: f64,
    said: words::Said,
}

impl RankedGenome {
    /// Puts what the genome said into the report: its own part, and the variants of the candidates.
    pub fn fill(self, report: &mut Diagnosis) {
        self.said.fill(report);
    }
}

/// A file that was read.
pub(super) struct Read {
    pub examination: Examination,
    pub report: FamilyReport,
    pub assembly: Assembly,
    pub with_network: bool,
    /// What was wrong beside the records: what the case and the pedigree disagree on, peers' counts
    /// that are damaged.
    pub warnings: Vec<String>,
}

/// Reads the VCF and ranks.
pub fn rank_with_genome(
    request: &GenomeRequest<'_>,
    scorer: &Scorer<'_>,
    query: &Query,
    ranking: &Ranking,
) -> Result<RankedGenome> {
    let knowledge = &request.facts.knowledge;
    let mut facts = GenomeFacts::read(request.facts, request.sites)?;
    let catalogue = Catalogue::of(knowledge, &facts.model, &mut facts.names);
    let read = read(request, &facts)?;
    let count = knowledge.diseases().len();
    let prior =
        PhenotypePrior::from_ranking(count, scorer.candidates(), &scorer.scores(query), ranking);
    let contributions = |disease: DiseaseIndex| -> Vec<f64> {
        let explanation = explain(scorer, query, disease);
        explanation
            .map(|of| of.contributions.iter().map(|part| part.value).collect())
            .unwrap_or_default()
    };
    let options = RankOptions {
        leading: LEADING,
        incidental: request.incidental,
    };
    let found = rank(
        knowledge,
        &facts.model,
        &catalogue,
        &prior,
        &read.examination,
        &contributions,
        options,
    );
    let said = words::Said::of(request, query, &facts, &catalogue, &read, &found);
    Ok(ranked(found, said))
}

fn ranked(found: GenomeRanking, said: words::Said) -> RankedGenome {
    RankedGenome {
        order: found
            .leading
            .iter()
            .map(|ranked| (ranked.disease, ranked.probability))
            .collect(),
        genes: found.genes,
        none_of_these: found.none_of_these,
        said,
    }
}

fn read(request: &GenomeRequest<'_>, facts: &GenomeFacts) -> Result<Read> {
    let vcf = FamilyVcf::open(request.vcf)?;
    let assembly = assembly(vcf.assembly(), request.assembly)?;
    let family = family(request, &vcf)?;
    let mut warnings = Vec::new();
    warnings.extend(sex_disagreement(&family, request.case));
    let network = match request.network {
        Some(dir) => facts.network(&Folder::open(dir)?, &mut warnings)?,
        None => None,
    };
    let counts = |variant: &SmallVariant| -> NetworkCount {
        let found = network.as_ref().and_then(|network| network.get(variant));
        found.map_or(NetworkCount::Suppressed, |&(copies, called)| {
            NetworkCount::Counted { copies, called }
        })
    };
    let sites: Option<&Sites> = facts.sites.as_ref();
    let frequencies = Frequencies {
        sites,
        network: network
            .is_some()
            .then_some(&counts as &dyn Fn(&SmallVariant) -> NetworkCount),
    };
    let lines = vcf.info_lines().to_vec();
    let mut examiner = Examiner::new(
        facts.of(frequencies, assembly),
        family,
        Some(assembly),
        &lines,
        ExamineOptions::default(),
    )
    .with_context(|| format!("in {}", request.vcf.display()))?;
    let stages = Stages::new("genome");
    let mut seen = 0u64;
    let report = vcf.read(&mut |record| {
        seen += 1;
        if seen.is_multiple_of(LOOK_EVERY) {
            stages.update("records", seen, 0);
            if interrupt::is_requested() {
                return ControlFlow::Break(());
            }
        }
        examiner.record(record)
    })?;
    if interrupt::is_requested() {
        bail!("stopped");
    }
    Ok(Read {
        examination: examiner.finish(),
        report,
        assembly,
        with_network: network.is_some(),
        warnings,
    })
}

/// The file's assembly; what the user says may fill a gap but not contradict the header.
fn assembly(stated: Option<Assembly>, asked: Option<Assembly>) -> Result<Assembly> {
    match (stated, asked) {
        (Some(stated), Some(asked)) if stated != asked => {
            bail!("the VCF's header says {stated}, --assembly says {asked}; one of them is wrong")
        }
        (stated, asked) => stated.or(asked).ok_or_else(|| {
            anyhow!("the VCF's header does not say which assembly it is; give --assembly GRCh37 or GRCh38")
        }),
    }
}

fn family(request: &GenomeRequest<'_>, vcf: &FamilyVcf) -> Result<Family> {
    let case = request.case;
    // A single sample is the patient's whatever its name; of several, the case or the user says
    // which.
    let named = request.sample.or_else(|| {
        let individual = Some(case.individual.as_str()).filter(|id| !id.is_empty());
        individual.filter(|id| vcf.samples().len() > 1 || vcf.column(id).is_some())
    });
    let in_file = |path: &Path| format!("in {}", path.display());
    let Some(path) = request.ped else {
        return Family::single(vcf.samples(), named, case.sex)
            .with_context(|| in_file(request.vcf));
    };
    let (pedigree, problems) = Pedigree::read(path)?;
    for problem in problems.kept() {
        note!("problem: {problem}");
    }
    Family::of_pedigree(vcf.samples(), named, case.sex, &pedigree).map_err(|error| {
        let file = if error == FamilyError::NotInPedigree {
            path
        } else {
            request.vcf
        };
        anyhow::Error::new(error).context(in_file(file))
    })
}

/// The pedigree's word on the patient's sex counts, but never silently against the case's.
fn sex_disagreement(family: &Family, case: &Case) -> Option<String> {
    let by_pedigree = family.member(family.patient()).sex?;
    (case.sex? != by_pedigree).then(|| {
        "the case and the pedigree state different sexes of the patient; the pedigree's is used"
            .to_owned()
    })
}
