//! Random cohorts written as VCF text, and what a snapshot must say of them: the tests' oracle is
//! the matrix of calls that the text was made from.

#![allow(dead_code)] // each test file uses a part

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use ligate_lake::{HistoryKey, Lake, LakeError, LoadReport, LoadRequest, Snapshot, VcfGroup};
use ligate_model::{Allele, Contig, DatasetId, Position, VariantKey};

/// A small random number generator with a seed (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

#[derive(Clone)]
pub struct PanelSite {
    pub key: VariantKey,
    pub calls: Vec<&'static str>,
}

#[derive(Clone)]
pub struct Panel {
    pub samples: Vec<String>,
    pub sites: Vec<PanelSite>,
}

pub fn key(contig: &str, position: u32, reference: &str, alternate: &str) -> VariantKey {
    VariantKey {
        contig: Contig::new(contig),
        position: Position::new(position),
        reference: Allele::new(reference).unwrap(),
        alternate: Allele::new(alternate).unwrap(),
    }
}

const CALLS: [&str; 12] = [
    "0|0", "0|0", "0|0", "0|0", "0|0", "0|0", "0|1", "1|0", "1|1", "0/1", "./.", "0/0",
];
const RARE_CALLS: usize = 6;

impl Panel {
    /// `per_contig` sites on each contig, 10 bases apart, in the order given.
    pub fn random(
        seed: u64,
        prefix: &str,
        samples: usize,
        contigs: &[&str],
        per_contig: u32,
    ) -> Self {
        let mut random = Random::new(seed);
        let mut sites = Vec::new();
        for contig in contigs {
            for number in 1..=per_contig {
                let common = random.below(3) == 0;
                let mut call = |_| match common || random.below(50) == 0 {
                    true => CALLS[random.below(CALLS.len())],
                    false => CALLS[random.below(RARE_CALLS)],
                };
                let calls = (0..samples).map(&mut call).collect();
                sites.push(PanelSite {
                    key: key(contig, number * 10, "A", "G"),
                    calls,
                });
            }
        }
        Self {
            samples: (0..samples)
                .map(|number| format!("{prefix}{number}"))
                .collect(),
            sites,
        }
    }

    pub fn keys(&self) -> Vec<VariantKey> {
        let mut keys: Vec<_> = self.sites.iter().map(|site| site.key.clone()).collect();
        keys.sort();
        keys
    }

    pub fn text(&self) -> String {
        let mut text = String::from("##fileformat=VCFv4.3\n");
        let mut contigs: Vec<String> = self
            .sites
            .iter()
            .map(|site| site.key.contig.to_string())
            .collect();
        contigs.sort();
        contigs.dedup();
        for contig in contigs {
            writeln!(text, "##contig=<ID={contig}>").unwrap();
        }
        text.push_str("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n");
        text.push_str("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO");
        if !self.samples.is_empty() {
            write!(text, "\tFORMAT\t{}", self.samples.join("\t")).unwrap();
        }
        text.push('\n');
        for PanelSite { key, calls } in &self.sites {
            let (contig, position) = (&key.contig, key.position);
            let (reference, alternate) = (&key.reference, &key.alternate);
            write!(
                text,
                "{contig}\t{position}\trs{position}\t{reference}\t{alternate}\t.\t.\t."
            )
            .unwrap();
            if !calls.is_empty() {
                write!(text, "\tGT\t{}", calls.join("\t")).unwrap();
            }
            text.push('\n');
        }
        text
    }

    pub fn write(&self, path: &Path) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.text()).unwrap();
        path.to_owned()
    }

    /// Dosages of a key's individuals, all unknown where the panel lacks it.
    pub fn dosages(&self, key: &VariantKey) -> Vec<Option<u8>> {
        match self.sites.iter().find(|site| site.key == *key) {
            Some(site) => site.calls.iter().map(|call| dosage(call)).collect(),
            None => vec![None; self.samples.len()],
        }
    }
}

pub fn dosage(call: &str) -> Option<u8> {
    match call {
        "0|0" | "0/0" => Some(0),
        "0|1" | "1|0" | "0/1" => Some(1),
        "1|1" | "1/1" => Some(2),
        _ => None,
    }
}

pub fn dataset() -> DatasetId {
    DatasetId::new("cohort").unwrap()
}

pub fn request(files: &[PathBuf]) -> LoadRequest {
    LoadRequest {
        dataset: dataset(),
        groups: vec![VcfGroup {
            files: files.to_vec(),
            id_prefix: None,
        }],
        phenotypes: Vec::new(),
        known_as: None,
        assembly: None,
        reference: None,
        threads: 1,
        memory_bytes: 64 << 20,
        one_block: false,
        history_key: HistoryKey::new([7; 32]),
    }
}

pub fn load(lake: &Lake, request: &LoadRequest) -> Result<LoadReport, LakeError> {
    lake.load(request, &AtomicBool::new(false), &|_| {})
}

/// A folder, a lake in it, and a snapshot of the files.
pub fn loaded(files: &[PathBuf]) -> (tempfile::TempDir, Lake, LoadReport) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let report = load(&lake, &request(files)).unwrap();
    (folder, lake, report)
}

/// What a scan says: for every key the dosages of all individuals.
pub fn scanned(snapshot: &Snapshot, keys: &[VariantKey]) -> Vec<Vec<Option<u8>>> {
    let mut all = Vec::new();
    snapshot
        .scan(keys, &mut |batch| {
            for (place, index) in batch.indices.iter().enumerate() {
                assert_eq!(*index, all.len(), "keys are visited in order, each once");
                all.push(dosages_at(snapshot, batch, place));
            }
        })
        .unwrap();
    all
}

/// Dosages of all individuals for one variant of a batch.
pub fn dosages_at(
    snapshot: &Snapshot,
    batch: &ligate_genotypes::Batch<'_>,
    place: usize,
) -> Vec<Option<u8>> {
    let mut dosages = vec![None; snapshot.individuals().len()];
    assert_eq!(batch.blocks.len(), snapshot.blocks().len());
    for (rows, people) in batch.blocks.iter().zip(snapshot.blocks()) {
        let Some(row) = &rows[place] else { continue };
        let block = &mut dosages[people.clone()];
        block.fill(Some(0));
        row.carriers()
            .for_each(|(sample, code)| block[sample as usize] = Some(code.count_ones() as u8));
        row.exceptions()
            .for_each(|(sample, _)| block[sample as usize] = None);
    }
    dosages
}

/// Files and folders below a folder, by path.
pub fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.to_string_lossy().into_owned());
        if path.is_dir() {
            found.extend(tree(&path));
        }
    }
    found.sort();
    found
}
