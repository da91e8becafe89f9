//! Two snapshots in key order, variant by variant, over the people of both.
//!
//! Of each block a bounded batch of rows is held. A part is not read at all where everybody of both
//! snapshots is in blocks whose files have the same digests and nothing is kept from earlier files,
//! and rows of equal bytes are not unpacked where they are of the same people in the same order. On
//! the way it writes the calls that the new snapshot keeps (`kept`).

use std::{cmp::Ordering, collections::HashMap, path::PathBuf};

use ligate_model::VariantKey;

use super::{
    Before, Control, bad_row, check_table,
    kept::{KeptCalls, Tally},
    people::{Block, CallComparison, CommonPeople, Unlisted},
};
use crate::{
    LakeError,
    description::{Description, FileDescription},
    layout::SnapshotFolder,
    partition::Partition,
    scan::BlockRows,
    tables::{ChangeKind, Geometry, HistoryKey, Sketch, may_repeat, read_samples},
};

/// Variants between two looks at whether the load is to stop.
const STOP_CHECK_VARIANTS: u64 = 4096;

/// A changed variant.
pub struct Found {
    pub key: VariantKey,
    pub kind: ChangeKind,
    /// Of whose calls changed, where both snapshots hold it.
    pub sketch: Option<Sketch>,
}

/// Takes the changed variants, in key order.
pub type Sink<'s> = dyn FnMut(Found) -> Result<(), LakeError> + 's;

/// What the new snapshot keeps of the one before.
#[derive(Debug, Default)]
pub struct Kept {
    /// Tables of kept calls, as paths within the new snapshot's folder.
    pub paths: Vec<String>,
    pub variants: u64,
    /// Chromosomes whose files list other variants altogether, with earlier ones.
    pub listed_anew: Vec<String>,
}

/// Visits every variant in which calls of the people of both snapshots differ, and writes the calls
/// that are kept.
pub fn compare(
    before: &Before,
    after: &Description,
    (folder, key): (&SnapshotFolder, &HistoryKey),
    control: Control,
    sink: &mut Sink<'_>,
) -> Result<Kept, LakeError> {
    let before_files = files(&before.description);
    if let Some(samples) = before_files.get("samples.parquet") {
        check_table(before, samples)?;
    }
    let individuals = read_samples(&folder.samples())?;
    let people = CommonPeople::of(
        &read_samples(&before.folder.samples())?,
        &before.description.block_ranges(),
        &individuals,
        &after.block_ranges(),
    );
    if people.count == 0 {
        return Ok(Kept::default());
    }
    let blocks = [&before.description.blocks[..], &after.blocks[..]].concat();
    let comparison = Comparison {
        before,
        before_files,
        after_files: files(after),
        folder,
        people: &people,
        hashes: people.hashes(key, &individuals, &after.block_ranges()),
        key,
        geometry: Geometry::new(after.blocks.clone()),
        batch_rows: Geometry::new(blocks).batch_rows(),
        control,
    };
    let mut kept = Kept {
        listed_anew: before.description.listed_anew.clone(),
        ..Kept::default()
    };
    let parts: Vec<Partition> = Partition::all()
        .filter(|part| !comparison.is_unchanged(*part))
        .collect();
    let total = parts.len() as u64;
    for (partition, done) in parts.into_iter().zip(0..) {
        control.check()?;
        control.tell("comparing", done, total);
        comparison.compare_part(partition, &mut kept, sink)?;
    }
    control.tell("comparing", total, total);
    Ok(kept)
}

type Files<'d> = HashMap<&'d str, &'d FileDescription>;

fn files(description: &Description) -> Files<'_> {
    description
        .files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect()
}

struct Comparison<'a> {
    before: &'a Before,
    before_files: Files<'a>,
    after_files: Files<'a>,
    /// Of the new snapshot.
    folder: &'a SnapshotFolder,
    people: &'a CommonPeople,
    /// Of each common person, for sketches.
    hashes: Vec<u64>,
    key: &'a HistoryKey,
    /// Of the new snapshot.
    geometry: Geometry,
    batch_rows: usize,
    control: Control<'a>,
}

impl Comparison<'_> {
    fn compare_part(
        &self,
        partition: Partition,
        kept: &mut Kept,
        sink: &mut Sink<'_>,
    ) -> Result<(), LakeError> {
        let open =
            |path: PathBuf| BlockRows::open(&path, partition.mixes_contigs(), self.batch_rows);
        let mut part = Part::default();
        for block in 0..self.people.before.len() {
            if let Some(file) = self.before_file(block, partition) {
                check_table(self.before, file)?;
                part.blocks.push((
                    Place::Before(block),
                    open(self.before.folder.genotypes(block, partition))?,
                ));
            }
            if self.kept_file(block, partition).is_some() {
                part.blocks.push((
                    Place::Kept(block),
                    open(self.before.folder.kept(block, partition))?,
                ));
            }
        }
        for block in 0..self.people.after.len() {
            if self.after_file(block, partition).is_some() {
                part.blocks.push((
                    Place::After(block),
                    open(self.folder.genotypes(block, partition))?,
                ));
            }
        }
        let name = partition.to_string();
        let mut keeping = Keeping {
            calls: KeptCalls::new(self.folder, partition, &self.geometry),
            tally: Tally::default(),
            listed_anew: kept.listed_anew.contains(&name),
        };
        self.compare_rows(&mut part, &mut keeping, sink)?;
        let uncalled = keeping.tally.is_listed_anew();
        kept.paths
            .extend(keeping.calls.finish(&self.people.after, uncalled)?);
        kept.variants += keeping.tally.kept;
        if uncalled && keeping.tally.kept > 0 && !keeping.listed_anew {
            kept.listed_anew.push(name);
        }
        Ok(())
    }

    fn compare_rows(
        &self,
        part: &mut Part,
        keeping: &mut Keeping<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), LakeError> {
        let mut calls = CallComparison::new(self.people);
        let mut variants = 0u64;
        while part.find_lowest() {
            variants += 1;
            if variants.is_multiple_of(STOP_CHECK_VARIANTS) {
                self.control.check()?;
            }
            if let Some(kind) = self.change(part, &mut calls, keeping)?
                && let Some(key) = part.key()?
            {
                let sketch = matches!(kind, ChangeKind::Changed(_))
                    .then(|| calls.sketch(self.key.variant(&key), &self.hashes));
                sink(Found { key, kind, sketch })?;
            }
            part.advance()?;
        }
        Ok(())
    }

    /// What became of the calls of the variant at a part's place.
    fn change(
        &self,
        part: &Part,
        calls: &mut CallComparison,
        keeping: &mut Keeping<'_>,
    ) -> Result<Option<ChangeKind>, LakeError> {
        let mut before = vec![None; self.people.before.len()];
        let mut after = vec![None; self.people.after.len()];
        let mut listed = false;
        for (place, bytes) in part.rows() {
            match place {
                Place::Before(index) => (listed, before[index]) = (true, bytes),
                Place::Kept(index) => before[index] = bytes,
                Place::After(index) => after[index] = bytes,
            }
        }
        keeping.tally.listed += u64::from(listed);
        let kept = self.keep(part, (&before, listed), &after, keeping)?;
        for (row, kept) in after.iter_mut().zip(&kept) {
            *row = row.or(kept.as_deref());
        }
        let differing = calls.differing(&before, &after);
        let differing = differing.map_err(|error| bad_row(&self.before.folder.path, &error))?;
        let held = |rows: &[Option<&[u8]>]| rows.iter().any(Option::is_some);
        Ok(match differing {
            0 => None,
            _ if !held(&before) => Some(ChangeKind::Appeared),
            _ if !held(&after) => Some(ChangeKind::Vanished),
            people => Some(ChangeKind::Changed(people)),
        })
    }

    /// Writes the calls of a variant that stay what they were though files of the new snapshot do
    /// not list it. Gives the rows of all blocks; none where no call is kept.
    fn keep(
        &self,
        part: &Part,
        (before, listed): (&[Option<&[u8]>], bool),
        after: &[Option<&[u8]>],
        keeping: &mut Keeping<'_>,
    ) -> Result<Vec<Option<Vec<u8>>>, LakeError> {
        let unlisted = self.people.unlisted(before, after);
        let unlisted = unlisted.map_err(|error| bad_row(&self.before.folder.path, &error))?;
        let carried = unlisted.iter().flatten().any(|block| block.carried);
        let any_kept = unlisted.iter().flatten().any(Unlisted::is_kept);
        keeping.tally.gone += u64::from(listed && carried);
        if !any_kept {
            return Ok(Vec::new());
        }
        // Records of one symbolic key may be several variants.
        let Some(key) = part.key()?.filter(|key| !may_repeat(key)) else {
            return Ok(Vec::new());
        };
        keeping.tally.kept += 1;
        keeping.tally.newly_kept += u64::from(listed && !carried);
        let uncalled = keeping.listed_anew && !listed;
        let mut rows = Vec::with_capacity(unlisted.len());
        for (index, (unlisted, people)) in unlisted.into_iter().zip(&self.people.after).enumerate()
        {
            let row = unlisted
                .filter(Unlisted::is_kept)
                .map(|unlisted| unlisted.row(people, uncalled));
            if let Some(row) = &row {
                keeping.calls.push(index, &key, row)?;
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Whether everybody of both snapshots is in blocks whose files are the same, or that have none
    /// in the part.
    fn is_unchanged(&self, partition: Partition) -> bool {
        let nobody = |block: &Block| !block.has_common();
        let same = |index: usize, block: &Block| {
            let digest = |file: Option<&FileDescription>| file.map(|file| file.sha256);
            let before = digest(self.before_file(index, partition));
            block
                .twin
                .is_some_and(|twin| before == digest(self.after_file(twin, partition)))
        };
        let blocks = || self.people.before.iter().enumerate();
        let kept =
            (0..self.people.before.len()).any(|block| self.kept_file(block, partition).is_some());
        let unchanged = || blocks().all(|(index, block)| nobody(block) || same(index, block));
        !kept && (self.has_none(partition) || unchanged())
    }

    fn has_none(&self, partition: Partition) -> bool {
        (0..self.people.before.len()).all(|block| self.before_file(block, partition).is_none())
            && (0..self.people.after.len()).all(|block| self.after_file(block, partition).is_none())
    }

    fn before_file(&self, block: usize, partition: Partition) -> Option<&FileDescription> {
        self.before_files
            .get(SnapshotFolder::genotypes_name(block, partition).as_str())
            .copied()
    }

    fn kept_file(&self, block: usize, partition: Partition) -> Option<&FileDescription> {
        self.before_files
            .get(SnapshotFolder::kept_name(block, partition).as_str())
            .copied()
    }

    fn after_file(&self, block: usize, partition: Partition) -> Option<&FileDescription> {
        self.after_files
            .get(SnapshotFolder::genotypes_name(block, partition).as_str())
            .copied()
    }
}

/// A block of the snapshot in force or of the new one.
#[derive(Clone, Copy)]
enum Place {
    Before(usize),
    /// Calls that the snapshot in force keeps from earlier ones.
    Kept(usize),
    After(usize),
}

/// What is kept of a part.
struct Keeping<'a> {
    calls: KeptCalls<'a>,
    tally: Tally,
    /// Whether an earlier load listed other variants altogether.
    listed_anew: bool,
}

/// The rows of one part in all blocks of both snapshots.
#[derive(Default)]
struct Part {
    blocks: Vec<(Place, BlockRows)>,
    /// Those whose row has the lowest key.
    lowest: Vec<usize>,
}

impl Part {
    /// Finds the blocks with the lowest key; `false` at the end. Of a key that repeats, the blocks'
    /// first rows meet, then their second, as in the sites table.
    fn find_lowest(&mut self) -> bool {
        self.lowest.clear();
        for (index, (_, rows)) in self.blocks.iter().enumerate() {
            if rows.is_at_end() {
                continue;
            }
            let order = self
                .lowest
                .first()
                .map(|lowest| rows.compare(&self.blocks[*lowest].1));
            match order {
                Some(Ordering::Greater) => continue,
                Some(Ordering::Less) => self.lowest.clear(),
                _ => {}
            }
            self.lowest.push(index);
        }
        !self.lowest.is_empty()
    }

    /// The rows of the lowest key.
    fn rows(&self) -> impl Iterator<Item = (Place, Option<&[u8]>)> {
        self.lowest
            .iter()
            .map(|index| (self.blocks[*index].0, self.blocks[*index].1.bytes()))
    }

    fn key(&self) -> Result<Option<VariantKey>, LakeError> {
        self.lowest
            .first()
            .map_or(Ok(None), |index| self.blocks[*index].1.key())
    }

    fn advance(&mut self) -> Result<(), LakeError> {
        self.lowest
            .iter()
            .try_for_each(|index| self.blocks[*index].1.advance())
    }
}
