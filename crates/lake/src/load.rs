//! Loading: variant files and phenotype tables become a new snapshot of a dataset, which comes into
//! force as a whole or not at all.
//!
//! The files are grouped by their samples (`cohort`), each group's rows are sorted into runs
//! (`sorter`, `run`) and merged (`merge`), the groups are put together (`assemble`, `combine`), the
//! result is compared with the snapshot in force (`history`), its people with all whom the node
//! knows (`recognise`), made durable and named (`commit`). A killed, stopped or failed load changes
//! nothing.

mod assemble;
mod cohort;
mod combine;
mod commit;
mod history;
mod merge;
mod phenotypes;
mod recognise;
mod run;
mod sorter;

use std::{
    error::Error,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use ligate_formats::{
    Problems, ReadFailure, Reference,
    vcf::{self, ReadOptions, Source},
};
use ligate_model::{Assembly, DatasetId, Digest, IndividualId, Phenotypes};
use ligate_records::{known_as::KnownAs, phenotypes::PhenotypeReport};

pub use cohort::BLOCK_INDIVIDUALS_MAX;
pub use history::ChangedVariants;

use assemble::{Assembler, SortedGroup, VariantTotals};
use cohort::{Cohort, SampleGroup};
use commit::{COMMIT_STEPS, Incoming};
use history::Before;
use sorter::{GroupContext, Sorter};

use crate::{
    LakeError,
    description::{Description, FORMAT, VariableDescription, describe_files},
    layout::{DatasetFolder, SnapshotFolder},
    lock::LoadLock,
    tables::{Geometry, HistoryKey, write_phenotypes, write_samples},
};

/// What to load, and how.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    pub dataset: DatasetId,
    /// Usually one, which is split by sample lists.
    pub groups: Vec<VcfGroup>,
    /// Tables, each with the prefix of the individuals that it speaks of.
    pub phenotypes: Vec<(PathBuf, Option<String>)>,
    /// A table of people who are loaded under the ids that they had before.
    pub known_as: Option<PathBuf>,
    /// Must agree with what the files show.
    pub assembly: Option<Assembly>,
    /// FASTA by which alleles are left-aligned.
    pub reference: Option<PathBuf>,
    /// Threads that read files.
    pub threads: usize,
    /// Bounds the rows that wait to be sorted (a quarter of it). Beside it come the readers' own
    /// buffers and the row groups being written: compressed, at most 192 MiB for all blocks
    /// together, usually a tenth of it.
    pub memory_bytes: usize,
    /// All individuals in one block, whatever their number; those of groups without a variant are
    /// missing there.
    pub one_block: bool,
    /// By which the history keeps what changed, and the lake what it knows people by. Under another
    /// key than before the history forgets the sketches that it has, and nobody is compared with
    /// those who were loaded then.
    pub history_key: HistoryKey,
}

/// Files whose sample names get the same prefix.
#[derive(Clone, Debug)]
pub struct VcfGroup {
    pub files: Vec<PathBuf>,
    pub id_prefix: Option<String>,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// "reading" counts bytes of the files, "sorting" groups, "comparing" chromosomes,
    /// "recognising" datasets, "saving" steps.
    pub stage: &'static str,
    pub done: u64,
    pub total: u64,
}

/// What a load did.
#[derive(Debug)]
pub struct LoadReport {
    pub snapshot: Digest,
    pub individuals: usize,
    /// Distinct variant keys; one of a symbolic allele counts as often as it comes.
    pub variants: u64,
    /// Records of the files.
    pub records: u64,
    /// Records that were skipped, each with a problem.
    pub skipped: u64,
    /// Those of the phenotype tables, then those of the variant files.
    pub problems: Problems,
    pub assembly: Assembly,
    pub phenotypes: Option<PhenotypeReport>,
    /// Size of the snapshot's tables.
    pub bytes: u64,
    /// Variants on X, Y, MT and other contigs, which a GWAS leaves out.
    pub not_analysed: u64,
    /// Where calls of people who were in the snapshot before changed.
    pub changed: ChangedVariants,
    /// People who were loaded under other ids than the files', by the table of these.
    pub known_as: usize,
    /// People of whom that table says that they are others than those they are like.
    pub other_people: usize,
}

/// What a load reports to and is stopped by.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    pub stop: &'a AtomicBool,
    pub progress: &'a (dyn Fn(Progress) + Sync),
    pub replacing: Replacing<'a>,
}

/// Is told the people of the snapshot in force, before another one takes its place.
pub type Replacing<'a> =
    &'a (dyn Fn(&[IndividualId]) -> Result<(), Box<dyn Error + Send + Sync>> + Sync);

impl Control<'_> {
    fn check(&self) -> Result<(), LakeError> {
        if self.stop.load(Ordering::Relaxed) {
            Err(LakeError::Stopped)
        } else {
            Ok(())
        }
    }

    fn tell(&self, stage: &'static str, done: u64, total: u64) {
        (self.progress)(Progress { stage, done, total });
    }
}

/// Problems that the error of a load without a readable record lists.
const LISTED_PROBLEMS: usize = 5;

/// Records of the files read so far.
#[derive(Default)]
struct Tally {
    records: u64,
    skipped: u64,
    problems: Problems,
}

impl Tally {
    /// For files that gave no variant: an error if they had records and each was skipped.
    fn refuse_unreadable(&self) -> Result<(), LakeError> {
        if self.records == 0 || self.skipped < self.records {
            return Ok(());
        }
        let first_problems = self
            .problems
            .kept()
            .iter()
            .take(LISTED_PROBLEMS)
            .cloned()
            .collect();
        Err(LakeError::NothingReadable {
            records: self.records,
            first_problems,
        })
    }
}

/// Loads a dataset into its folder.
pub fn load(
    dataset: &DatasetFolder,
    request: &LoadRequest,
    control: Control,
) -> Result<LoadReport, LakeError> {
    let known_as = request
        .known_as
        .as_deref()
        .map(KnownAs::read)
        .transpose()?
        .unwrap_or_default();
    let cohort = Cohort::gather(request, &known_as)?;
    let (phenotypes, phenotype_report) =
        phenotypes::read_all(&request.phenotypes, &cohort, &known_as)?;
    let sources = source_names(&cohort);
    let text_columns = phenotype_report.as_ref().map_or(Vec::new(), text_columns);
    let table_problems = phenotype_report
        .as_ref()
        .map(|report| report.problems.clone());

    let _lock = LoadLock::take(dataset)?;
    let before = Before::find(dataset)?;
    recognise::book(dataset)?;
    ligate_files::make_folder(&dataset.snapshots())?;
    commit::remove_leftovers(dataset)?;
    let incoming = Incoming::create(dataset)?;
    let mut tally = Tally::default();
    let written = write_tables(&incoming, request, cohort, &phenotypes, &mut tally, control)?;
    let mut description = Description {
        format: FORMAT,
        dataset: dataset.id.clone(),
        assembly: written.assembly,
        individuals: written.individuals,
        variants: written.totals.all,
        autosomal_variants: written.totals.autosomal,
        blocks: written.blocks,
        sources,
        variables: phenotypes
            .variables
            .iter()
            .map(VariableDescription::from)
            .collect(),
        text_columns,
        lineage: Vec::new(),
        history_key: None,
        listed_anew: Vec::new(),
        files: describe_files(&incoming.folder)?,
    };
    let changed = history::follow(
        before.as_ref(),
        &mut description,
        (&incoming.folder, &request.history_key),
        control,
    )?;
    let recognised = recognise::recognise(
        dataset,
        (before.as_ref(), &description),
        (&incoming.folder, &request.history_key),
        &known_as,
        control,
    )?;
    if let Some(before) = before.filter(|before| before.is_followed_by(&description)) {
        (control.replacing)(&before.individuals()?).map_err(LakeError::NotRemembered)?;
    }
    control.check()?;
    recognised.write()?;
    let step = |done| control.tell("saving", done, COMMIT_STEPS);
    let snapshot = commit::commit(dataset, incoming, &description, &step)?;
    commit::remove_old_snapshots(dataset)?;
    let mut problems = table_problems.unwrap_or_default();
    problems.merge(tally.problems);
    let (known_as, other_people) = known_as.counts();
    Ok(LoadReport {
        snapshot,
        individuals: description.individuals,
        variants: description.variants,
        records: tally.records,
        skipped: tally.skipped,
        problems,
        assembly: description.assembly,
        phenotypes: phenotype_report,
        bytes: description.bytes(),
        not_analysed: description.variants - description.autosomal_variants,
        changed,
        known_as,
        other_people,
    })
}

fn text_columns(report: &PhenotypeReport) -> Vec<String> {
    report
        .text_columns
        .iter()
        .map(|column| column.name.clone())
        .collect()
}

/// Base names of the files, in the order of groups.
fn source_names(cohort: &Cohort) -> Vec<String> {
    let files = cohort.groups.iter().flat_map(SampleGroup::files);
    files
        .map(|file| {
            file.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

struct Written {
    assembly: Assembly,
    individuals: usize,
    blocks: Vec<usize>,
    totals: VariantTotals,
}

/// Writes all tables of the new snapshot.
fn write_tables(
    incoming: &Incoming,
    request: &LoadRequest,
    cohort: Cohort,
    phenotypes: &Phenotypes,
    tally: &mut Tally,
    control: Control,
) -> Result<Written, LakeError> {
    let Cohort {
        groups,
        individuals,
        assembly,
    } = cohort;
    let work = incoming.work();
    let sorted = sort_groups(groups, individuals.len(), request, &work, tally, control)?;
    if sorted.iter().all(|group| group.runs.is_empty()) {
        tally.refuse_unreadable()?;
    }
    let assembler = Assembler {
        target: &incoming.folder,
        work: &work,
        individuals: individuals.len(),
        stop: control.stop,
    };
    let combined = request.one_block && sorted.len() > 1;
    let totals = if combined {
        assembler.in_one_block(&sorted)?
    } else {
        assembler.in_blocks(&sorted)?
    };
    ligate_files::remove_tree(&work)?;
    let blocks: Vec<usize> = match combined {
        true => vec![individuals.len()],
        false => sorted
            .iter()
            .flat_map(|group| group.geometry.blocks())
            .copied()
            .collect(),
    };
    write_people(&incoming.folder, &individuals, &blocks, phenotypes)?;
    Ok(Written {
        assembly,
        individuals: individuals.len(),
        blocks,
        totals,
    })
}

fn write_people(
    folder: &SnapshotFolder,
    individuals: &[IndividualId],
    blocks: &[usize],
    phenotypes: &Phenotypes,
) -> Result<(), LakeError> {
    write_samples(&folder.samples(), individuals, blocks)?;
    write_phenotypes(&folder.phenotypes(), individuals, phenotypes)
}

/// Reads and sorts group after group.
fn sort_groups(
    groups: Vec<SampleGroup>,
    individuals: usize,
    request: &LoadRequest,
    work: &Path,
    tally: &mut Tally,
    control: Control,
) -> Result<Vec<SortedGroup>, LakeError> {
    let reference = request
        .reference
        .as_deref()
        .map(Reference::open)
        .transpose()?;
    let total_bytes = groups
        .iter()
        .flat_map(SampleGroup::files)
        .map(|file| size(&file))
        .sum();
    let mut reading = Reading {
        request,
        reference: reference.as_ref(),
        control,
        before: 0,
        total_bytes,
        tally,
    };
    let (mut sorted, mut first_block, total) = (Vec::new(), 0, groups.len() as u64);
    for (group, number) in groups.into_iter().zip(1..) {
        let context = GroupContext {
            folder: work.join(format!("group-{number}")),
            geometry: Geometry::new(group.blocks.iter().map(ExactSizeIterator::len).collect()),
            individuals,
            files: group.files(),
            window_bytes_max: request.memory_bytes / 4,
        };
        let (runs, mut duplicates) = reading.read_group(group, context.clone())?;
        control.tell("sorting", number - 1, total);
        let runs = merge::merge_runs(runs, &context, &mut duplicates, control.stop)?;
        reading.tally.skipped += duplicates.rows;
        reading.tally.problems.merge(duplicates.problems);
        let geometry = context.geometry;
        let next_block = first_block + geometry.blocks().len();
        sorted.push(SortedGroup {
            runs,
            geometry,
            first_block,
        });
        first_block = next_block;
    }
    control.tell("sorting", total, total);
    Ok(sorted)
}

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

/// The reading of all files, one after the other.
struct Reading<'a> {
    request: &'a LoadRequest,
    reference: Option<&'a Reference>,
    control: Control<'a>,
    /// Bytes of the files that were read before.
    before: u64,
    total_bytes: u64,
    tally: &'a mut Tally,
}

impl Reading<'_> {
    fn read_group(
        &mut self,
        group: SampleGroup,
        context: GroupContext,
    ) -> Result<(Vec<run::SortedRun>, sorter::Duplicates), LakeError> {
        let mut sorter = Sorter::new(context);
        for (source, file) in group.sources.into_iter().zip(0..) {
            self.control.check()?;
            let bytes = size(source.path());
            self.read_file(source, file, group.blocks.clone(), &mut sorter)?;
            self.before += bytes;
        }
        sorter.finish()
    }

    fn read_file(
        &mut self,
        source: Source,
        file: u32,
        blocks: Vec<Range<usize>>,
        sorter: &mut Sorter,
    ) -> Result<(), LakeError> {
        let (before, total, control) = (self.before, self.total_bytes, self.control);
        let progress = |read: vcf::Progress| control.tell("reading", before + read.bytes, total);
        let options = ReadOptions {
            reference: self.reference,
            blocks,
            threads: self.request.threads,
            stop: control.stop,
            progress: &progress,
        };
        let report = vcf::read(source, &options, &mut |batch| sorter.push(file, batch));
        let report = report.map_err(|failure| match failure {
            ReadFailure::Read(error) => LakeError::Read(error),
            ReadFailure::Stopped => LakeError::Stopped,
            ReadFailure::Sink(error) => error,
        })?;
        self.tally.records += report.records;
        self.tally.skipped += report.skipped;
        self.tally.problems.merge(report.problems);
        Ok(())
    }
}
