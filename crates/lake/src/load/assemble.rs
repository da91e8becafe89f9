//! Putting the groups together: genotypes of each block into place, and one sites table with the
//! counts of all.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    combine::CombinedRow,
    merge::lowest,
    run::{Origin, RunReader, RunWriter, SortedRun},
};
use crate::{
    LakeError,
    layout::SnapshotFolder,
    partition::Partition,
    tables::{Geometry, KeyColumns, SiteColumns, SiteRow, SiteRows, TableFile, site_schema},
};

/// One group, sorted.
pub struct SortedGroup {
    pub runs: BTreeMap<Partition, SortedRun>,
    pub geometry: Geometry,
    pub first_block: usize,
}

/// Rows of the sites tables of a dataset.
#[derive(Clone, Copy, Default)]
pub struct VariantTotals {
    pub all: u64,
    pub autosomal: u64,
}

/// Where the dataset is put together.
pub struct Assembler<'a> {
    pub target: &'a SnapshotFolder,
    /// For rows that are written once more.
    pub work: &'a Path,
    pub individuals: usize,
    pub stop: &'a AtomicBool,
}

impl Assembler<'_> {
    /// Groups of different people: each has blocks of its own.
    pub fn in_blocks(&self, groups: &[SortedGroup]) -> Result<VariantTotals, LakeError> {
        ligate_files::make_folder(&self.target.sites_folder())?;
        let mut totals = VariantTotals::default();
        for partition in Partition::all() {
            for group in groups {
                let Some(run) = group.runs.get(&partition) else {
                    continue;
                };
                self.place_blocks(run, group, partition)?;
            }
            let runs: Vec<&SortedRun> = groups
                .iter()
                .filter_map(|group| group.runs.get(&partition))
                .collect();
            totals.add(partition, self.place_sites(&runs, partition)?);
        }
        Ok(totals)
    }

    fn place_blocks(
        &self,
        run: &SortedRun,
        group: &SortedGroup,
        partition: Partition,
    ) -> Result<(), LakeError> {
        for index in 0..group.geometry.blocks().len() {
            let block = group.first_block + index;
            ligate_files::make_folder(&self.target.block_folder(block))?;
            ligate_files::rename(&run.block(index), &self.target.genotypes(block, partition))?;
        }
        Ok(())
    }

    fn place_sites(&self, runs: &[&SortedRun], partition: Partition) -> Result<u64, LakeError> {
        match runs {
            [] => Ok(0),
            [run] => {
                ligate_files::rename(&run.sites(), &self.target.sites(partition))?;
                Ok(run.rows)
            }
            several => self.merge_sites(several, partition),
        }
    }

    /// Sums the counts of each key over the groups; texts are those of the first group that has
    /// them. Of a key that repeats, the groups' first rows are summed, then their second.
    fn merge_sites(&self, runs: &[&SortedRun], partition: Partition) -> Result<u64, LakeError> {
        let mut readers = Vec::with_capacity(runs.len());
        for run in runs {
            let mut rows = SiteRows::open(&run.sites())?;
            readers.push((rows.next_row()?, rows));
        }
        let mut out = SiteWriter::create(&self.target.sites(partition), self.individuals)?;
        while let Some(key) = readers
            .iter()
            .filter_map(|(head, _)| Some(&head.as_ref()?.key))
            .min()
            .cloned()
        {
            self.check_stop()?;
            let mut sum: Option<SiteRow> = None;
            for (head, rows) in &mut readers {
                if let Some(site) = head.take_if(|site| site.key == key) {
                    merge_site(&mut sum, site);
                    *head = rows.next_row()?;
                }
            }
            sum.map_or(Ok(()), |site| out.push(&site))?;
        }
        out.finish()
    }

    /// All people in one block: every key's rows are decoded and become one row; the people of a
    /// group that lacks the key are missing there.
    pub fn in_one_block(&self, groups: &[SortedGroup]) -> Result<VariantTotals, LakeError> {
        ligate_files::make_folder(&self.target.sites_folder())?;
        ligate_files::make_folder(&self.target.block_folder(0))?;
        let mut totals = VariantTotals::default();
        for partition in Partition::all() {
            if groups
                .iter()
                .all(|group| !group.runs.contains_key(&partition))
            {
                continue;
            }
            let run = self.combine(groups, partition)?;
            ligate_files::rename(&run.block(0), &self.target.genotypes(0, partition))?;
            totals.add(partition, self.place_sites(&[&run], partition)?);
        }
        Ok(totals)
    }

    fn combine(
        &self,
        groups: &[SortedGroup],
        partition: Partition,
    ) -> Result<SortedRun, LakeError> {
        let geometry = Geometry::new(vec![self.individuals]);
        let mut readers = Vec::new();
        let mut people = Vec::new();
        let mut first = 0;
        for group in groups {
            let individuals = group.geometry.blocks().iter().sum::<usize>();
            if let Some(run) = group.runs.get(&partition) {
                readers.push(RunReader::open(run, &group.geometry)?);
                people.push(first..first + individuals);
            }
            first += individuals;
        }
        let folder = self.work.join(format!("combined-{partition}"));
        let mut out = RunWriter::create(folder, partition, &geometry, self.individuals)?;
        let mut combined = CombinedRow::new(self.individuals);
        while let Some(key) = lowest(&readers).and_then(|index| readers[index].key().cloned()) {
            self.check_stop()?;
            let mut sum: Option<SiteRow> = None;
            combined.clear();
            for (reader, people) in readers.iter_mut().zip(&people) {
                if reader.key() != Some(&key) {
                    continue;
                }
                combined.add(reader, people.start, people.len())?;
                if let Some(site) = reader.advance()? {
                    merge_site(&mut sum, site);
                }
            }
            if let Some(mut site) = sum {
                site.counts = combined.encode();
                out.push_site(&site, Origin { file: 0, line: 0 })?;
                out.push_block(0, combined.bytes());
            }
        }
        out.finish()
    }

    fn check_stop(&self) -> Result<(), LakeError> {
        if self.stop.load(Ordering::Relaxed) {
            Err(LakeError::Stopped)
        } else {
            Ok(())
        }
    }
}

impl VariantTotals {
    fn add(&mut self, partition: Partition, rows: u64) {
        self.all += rows;
        if partition.is_autosome() {
            self.autosomal += rows;
        }
    }
}

fn merge_site(sum: &mut Option<SiteRow>, site: SiteRow) {
    match sum {
        None => *sum = Some(site),
        Some(sum) => {
            sum.counts += site.counts;
            sum.id = sum.id.take().or(site.id);
            sum.record = sum.record.take().or(site.record);
        }
    }
}

/// Writes a sites table by itself.
struct SiteWriter {
    table: TableFile,
    keys: KeyColumns,
    columns: SiteColumns,
    pending: usize,
    rows: u64,
}

const SITE_BATCH_ROWS: usize = 4096;

impl SiteWriter {
    fn create(path: &Path, individuals: usize) -> Result<Self, LakeError> {
        Ok(Self {
            table: TableFile::create(
                path,
                site_schema(),
                Geometry::new(Vec::new()).site_properties(),
            )?,
            keys: KeyColumns::default(),
            columns: SiteColumns::new(individuals),
            pending: 0,
            rows: 0,
        })
    }

    fn push(&mut self, site: &SiteRow) -> Result<(), LakeError> {
        self.keys.push(&site.key);
        self.columns.push(site);
        self.rows += 1;
        self.pending += 1;
        if self.pending == SITE_BATCH_ROWS {
            self.write()
        } else {
            Ok(())
        }
    }

    fn write(&mut self) -> Result<(), LakeError> {
        self.pending = 0;
        self.table.write_columns(
            site_schema(),
            [self.keys.finish(), self.columns.finish()].concat(),
        )
    }

    fn finish(mut self) -> Result<u64, LakeError> {
        if self.pending > 0 {
            self.write()?;
        }
        self.table.close()?;
        Ok(self.rows)
    }
}
