//! An immutable snapshot of a dataset, open for reading. While it is held, no load removes it.

use std::{
    collections::BTreeSet,
    mem,
    ops::{ControlFlow, Range},
    sync::Arc,
};

use ligate_genotypes::{AlleleCounts, Batch};
use ligate_model::{Assembly, DatasetId, Digest, IndividualId, Phenotypes, VariantKey};

use crate::{
    DatasetSummary, LakeError, VariableDescription,
    description::Description,
    layout::{DatasetFolder, SnapshotFolder},
    likeness::People,
    lock::ReadLock,
    manifest::Manifest,
    partition::Partition,
    scan::{KeptSites, Scan, scan_keys},
    since::StepsSince,
    tables::{ChangeRows, SiteRows, may_repeat, read_phenotypes, read_samples},
};

/// Times that a snapshot is looked up while loads replace it.
const LOOK_UPS_MAX: usize = 100;

/// A snapshot that is held for reading. Clones are cheap and hold the same.
#[derive(Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

struct Inner {
    id: Digest,
    /// This snapshot is the last.
    lineage: Vec<Digest>,
    folder: SnapshotFolder,
    description: Description,
    individuals: Vec<IndividualId>,
    blocks: Vec<Range<usize>>,
    _lock: ReadLock,
}

/// One variant with its counts over all individuals of the dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub key: VariantKey,
    /// The VCF's ID, such as an rs number.
    pub id: Option<Box<str>>,
    /// Over the individuals whose block holds the variant.
    pub counts: AlleleCounts,
}

impl Snapshot {
    pub(crate) fn current(dataset: &DatasetFolder) -> Result<Self, LakeError> {
        let unknown = || LakeError::UnknownDataset(dataset.id.clone());
        let mut last = None;
        for _ in 0..LOOK_UPS_MAX {
            let id = Manifest::read(dataset)?.ok_or_else(unknown)?.current;
            if let Some(snapshot) = Self::open(dataset, id)? {
                return Ok(snapshot);
            }
            last = Some(id);
        }
        let path = dataset.manifest();
        Err(last.map_or_else(unknown, |id| {
            LakeError::corrupt(&path, format!("there is no snapshot {id}"))
        }))
    }

    pub(crate) fn by_id(dataset: &DatasetFolder, id: Digest) -> Result<Self, LakeError> {
        Manifest::read(dataset)?.ok_or_else(|| LakeError::UnknownDataset(dataset.id.clone()))?;
        let unknown = || LakeError::UnknownSnapshot {
            dataset: dataset.id.clone(),
            snapshot: id,
        };
        Self::open(dataset, id)?.ok_or_else(unknown)
    }

    fn open(dataset: &DatasetFolder, id: Digest) -> Result<Option<Self>, LakeError> {
        let folder = dataset.snapshot(id);
        let Some(lock) = ReadLock::take(&folder)? else {
            return Ok(None);
        };
        let description = Description::read(&folder, id)?;
        description.check_sizes(&folder)?;
        let individuals = read_samples(&folder.samples())?;
        if individuals.len() != description.individuals {
            return Err(LakeError::corrupt(
                &folder.samples(),
                "it has another number of individuals",
            ));
        }
        let blocks = description.block_ranges();
        let lineage = description.lineage.iter().copied().chain([id]).collect();
        let inner = Inner {
            id,
            lineage,
            folder,
            description,
            individuals,
            blocks,
            _lock: lock,
        };
        Ok(Some(Self {
            inner: Arc::new(inner),
        }))
    }

    pub fn id(&self) -> Digest {
        self.inner.id
    }

    /// The ids of all snapshots of the dataset up to this one, oldest first and this one last. Most
    /// are no longer stored. It begins with the first snapshot whose program kept a history.
    pub fn lineage(&self) -> &[Digest] {
        &self.inner.lineage
    }

    /// The variants in which the calls of fewer than `people_below` people may differ between the
    /// snapshot `earlier` and this one, among people who were in both snapshots of a step, or that
    /// came to or left such people. A sum over them may give these people away when it is compared
    /// with a sum from `earlier`. `None` where `earlier` is not in the lineage: nobody knows how it
    /// differs.
    ///
    /// One step is known by its count. Several are put together by their sketches, which miss fewer
    /// people than `people_below` with a chance of less than one in a million. Somebody who left
    /// with one step and came back with a later one is in both snapshots of neither, so a call that
    /// changed meanwhile is not seen.
    pub fn changed_since(
        &self,
        earlier: Digest,
        people_below: u32,
    ) -> Result<Option<BTreeSet<VariantKey>>, LakeError> {
        let Some(place) = self.lineage().iter().position(|id| *id == earlier) else {
            return Ok(None);
        };
        let mut keys = BTreeSet::new();
        let Some(history) = self
            .inner
            .description
            .history()
            .filter(|_| earlier != self.id())
        else {
            return Ok(Some(keys));
        };
        history
            .check(&self.inner.folder)
            .map_err(LakeError::without_history)?;
        let mut rows = ChangeRows::open(&self.inner.folder.history())?;
        let mut together: Option<(VariantKey, StepsSince)> = None;
        loop {
            let change = rows.next_row(|step, _| step as usize > place)?;
            if let (Some(change), Some((key, steps))) = (&change, &mut together)
                && change.key == *key
            {
                steps.add(change);
                continue;
            }
            let next = change.map(|change| (change.key.clone(), StepsSince::of(&change)));
            let is_last = next.is_none();
            if let Some((key, steps)) = mem::replace(&mut together, next)
                && steps.may_be_few(people_below)
            {
                keys.insert(key);
            }
            if is_last {
                return Ok(Some(keys));
            }
        }
    }

    /// The people and where their calls lie.
    pub(crate) fn people(&self) -> People<'_> {
        People {
            folder: &self.inner.folder,
            individuals: self.individuals(),
            blocks: self.blocks(),
        }
    }

    pub fn dataset(&self) -> &DatasetId {
        &self.inner.description.dataset
    }

    pub fn assembly(&self) -> Assembly {
        self.inner.description.assembly
    }

    /// In the order of sample indices.
    pub fn individuals(&self) -> &[IndividualId] {
        &self.inner.individuals
    }

    /// The sample indices of each block, one after the other.
    pub fn blocks(&self) -> &[Range<usize>] {
        &self.inner.blocks
    }

    /// Rows of the sites table: distinct variant keys, of which those of symbolic alleles may
    /// repeat.
    pub fn variants(&self) -> u64 {
        self.inner.description.variants
    }

    /// Those of them on chromosomes 1 to 22.
    pub fn autosomal_variants(&self) -> u64 {
        self.inner.description.autosomal_variants
    }

    /// Name, kind and coding of every phenotype column.
    pub fn variables(&self) -> &[VariableDescription] {
        &self.inner.description.variables
    }

    /// Names of phenotype columns that hold text and are not kept.
    pub fn text_columns(&self) -> &[String] {
        &self.inner.description.text_columns
    }

    pub fn summary(&self) -> DatasetSummary {
        let description = &self.inner.description;
        DatasetSummary {
            dataset: description.dataset.clone(),
            snapshot: self.id(),
            assembly: description.assembly,
            individuals: description.individuals,
            variants: description.variants,
            variables: description.variables.clone(),
            bytes: description.bytes(),
        }
    }

    /// All variables, with one value or nothing per individual.
    pub fn phenotypes(&self) -> Result<Phenotypes, LakeError> {
        let path = self.inner.folder.phenotypes();
        let phenotypes = read_phenotypes(&path, self.variables())?;
        let complete = |values: &[Option<f64>]| values.len() == self.individuals().len();
        match phenotypes
            .variables
            .iter()
            .all(|variable| complete(&variable.values))
        {
            true => Ok(phenotypes),
            false => Err(LakeError::corrupt(
                &path,
                "it has another number of individuals",
            )),
        }
    }

    /// Visits all variants in key order, on any contig, until the visitor breaks, also those of
    /// which calls are kept although the files do not list them any more. A key of a symbolic
    /// allele comes as often as it has records.
    pub fn sites(&self, visit: &mut dyn FnMut(Site) -> ControlFlow<()>) -> Result<(), LakeError> {
        for partition in Partition::all() {
            if self.sites_of(partition, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn sites_of(
        &self,
        partition: Partition,
        visit: &mut dyn FnMut(Site) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LakeError> {
        let folder = &self.inner.folder;
        let mut kept = KeptSites::open(folder, partition, &self.inner.description.blocks)?;
        let mut rows = self
            .has(partition)
            .then(|| SiteRows::open(&folder.sites(partition)))
            .transpose()?;
        loop {
            let row = rows.as_mut().map_or(Ok(None), SiteRows::next_row)?;
            while let Some((key, counts)) = kept.take_before(row.as_ref(), folder)? {
                if visit(Site {
                    key,
                    id: None,
                    counts,
                })
                .is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let Some(row) = row else {
                return Ok(ControlFlow::Continue(()));
            };
            let mut site = Site {
                key: row.key,
                id: row.id,
                counts: row.counts,
            };
            site.counts += kept.take(&site.key, folder)?;
            if visit(site).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn has(&self, partition: Partition) -> bool {
        self.inner.folder.sites(partition).exists()
    }

    /// Visits `keys`, which ascend, in batches with the rows of all blocks; a block without a key
    /// has `None` there. The batches' indices are those of `keys`.
    pub fn scan(
        &self,
        keys: &[VariantKey],
        visit: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<(), LakeError> {
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(LakeError::UnsortedKeys);
        }
        scan_keys(&self.inner.folder, &self.inner.blocks, keys, visit)
    }

    /// Visits every variant of the files on chromosomes 1 to 22 in key order, in batches; a batch's
    /// indices are those of the keys that come with it. Of a key that repeats only the first row is
    /// visited, so the keys of all batches ascend.
    pub fn scan_all(
        &self,
        visit: &mut dyn FnMut(&[VariantKey], &Batch<'_>),
    ) -> Result<(), LakeError> {
        let mut scan = Scan::new(&self.inner.folder, &self.inner.blocks);
        let autosomes = Partition::all().filter(|partition| partition.is_autosome());
        for partition in autosomes.filter(|partition| self.has(*partition)) {
            scan.open_whole(partition)?;
            let mut rows = SiteRows::open(&self.inner.folder.sites(partition))?;
            let (mut keys, mut repeatable) = (Vec::new(), None);
            while let Some(row) = rows.next_row()? {
                if may_repeat(&row.key) {
                    if repeatable.as_ref() == Some(&row.key) {
                        continue;
                    }
                    repeatable = Some(row.key.clone());
                }
                keys.push(row.key);
                if keys.len() == scan.batch_keys() {
                    scan.read(&keys, 0, &mut |batch| visit(&keys, batch))?;
                    keys.clear();
                }
            }
            scan.read(&keys, 0, &mut |batch| visit(&keys, batch))?;
        }
        Ok(())
    }

    /// Reads every file and compares it with the digest that was recorded when it was loaded.
    pub fn verify(&self) -> Result<(), LakeError> {
        self.inner.description.verify(&self.inner.folder)
    }

    pub(crate) fn folder(&self) -> &SnapshotFolder {
        &self.inner.folder
    }
}

/// Individuals are personal data: only their number is shown.
impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = &self.inner;
        let mut shown = f.debug_struct("Snapshot");
        shown
            .field("dataset", &inner.description.dataset)
            .field("id", &inner.id);
        shown
            .field("individuals", &inner.individuals.len())
            .finish_non_exhaustive()
    }
}
