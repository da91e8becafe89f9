//! Loads a VCF and a table of phenotypes into a lake and asks it in SQL.
//!
//!     cargo run -p ligate-lake --example query_lake
//!
//! The lake is a folder. A load makes a new snapshot beside the one in force; what was loaded
//! before is never changed.

use std::{error::Error, fs, path::Path, sync::atomic::AtomicBool};

use ligate_lake::{HistoryKey, Lake, LoadRequest, SqlLimits, Table, VcfGroup};
use ligate_model::DatasetId;

const GENOTYPES: &str = "##fileformat=VCFv4.3
##contig=<ID=1>
##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tp1\tp2\tp3\tp4
1\t1000\t.\tA\tG\t.\t.\t.\tGT\t0/1\t1/1\t0/0\t./.
1\t2000\t.\tC\tT\t.\t.\t.\tGT\t0/0\t0/1\t0/1\t1/1
";
const PHENOTYPES: &str = "id\tldl\np1\t3.1\np2\t2.4\np3\tNA\np4\t4.0\n";

/// Positions count from 1. `ac` and `an` are counted at the load.
const QUERY: &str = "SELECT chrom, pos, ac, an FROM cohort.sites WHERE an < 8 OR pos > 1500 \
                     ORDER BY pos";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let lake = load(folder.path())?;
    print!("{}", ask(&lake, QUERY).await?.to_text());
    let described = "SELECT COUNT(ldl) AS known, AVG(ldl) AS mean FROM cohort.phenotypes";
    print!("{}", ask(&lake, described).await?.to_text());
    Ok(())
}

fn load(folder: &Path) -> Result<Lake, Box<dyn Error>> {
    let (vcf, table) = (folder.join("cohort.vcf"), folder.join("cohort.tsv"));
    fs::write(&vcf, GENOTYPES)?;
    fs::write(&table, PHENOTYPES)?;
    let lake = Lake::open(&folder.join("datasets"))?;
    let request = LoadRequest {
        dataset: DatasetId::new("cohort")?,
        groups: vec![VcfGroup {
            files: vec![vcf],
            id_prefix: None,
        }],
        phenotypes: vec![(table, None)],
        known_as: None,
        assembly: None,
        reference: None,
        threads: 1,
        memory_bytes: 64 << 20,
        one_block: false,
        // A node draws this key once and keeps it. It must stay the same, or the node does not
        // recognise its people at the next load.
        history_key: HistoryKey::new([7; 32]),
    };
    let report = lake.load(&request, &AtomicBool::new(false), &|_| {})?;
    assert_eq!((report.variants, report.individuals), (2, 4));
    Ok(lake)
}

/// An answer may hold rows of single people, so SQL is for the holder of the data alone.
async fn ask(lake: &Lake, query: &str) -> Result<Table, Box<dyn Error>> {
    Ok(lake.sql(query, SqlLimits::default()).await?)
}

#[tokio::test]
async fn answers_from_what_was_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let lake = load(folder.path()).unwrap();
    let counts = ask(&lake, QUERY).await.unwrap().to_text();
    let counts: Vec<Vec<&str>> = counts
        .lines()
        .skip(2) // the names of the columns and the line under them
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(counts, [["1", "1000", "3", "6"], ["1", "2000", "4", "8"]]);
}
