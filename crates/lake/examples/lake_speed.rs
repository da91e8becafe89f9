//! Loads a VCF or BCF file and scans it, loads it again and then a second file over it, and prints
//! how long each took: `cargo run --release -p ligate-lake --example lake_speed -- FILE [THREADS]
//! [SECOND]`.

use std::{
    env,
    error::Error,
    path::PathBuf,
    sync::{Mutex, atomic::AtomicBool},
    time::Instant,
};

use ligate_lake::{HistoryKey, Lake, LoadRequest, VcfGroup};
use ligate_model::{DatasetId, VariantKey};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let file = PathBuf::from(
        arguments
            .next()
            .ok_or("usage: lake_speed FILE [THREADS] [SECOND]")?,
    );
    let threads = arguments
        .next()
        .map_or(Ok(2), |text| text.to_string_lossy().parse())?;
    let second = arguments.next().map(PathBuf::from);
    let folder = env::temp_dir().join(format!("lake-speed-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let measured = measure(&folder, file, threads, second);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(
    folder: &std::path::Path,
    file: PathBuf,
    threads: usize,
    second: Option<PathBuf>,
) -> Result<(), Box<dyn Error>> {
    let lake = Lake::open(&folder.join("datasets"))?;
    let dataset = DatasetId::new("speed")?;
    let request = LoadRequest {
        dataset: dataset.clone(),
        groups: vec![VcfGroup {
            files: vec![file],
            id_prefix: None,
        }],
        phenotypes: Vec::new(),
        known_as: None,
        assembly: None,
        reference: None,
        threads,
        memory_bytes: 256 << 20,
        one_block: false,
        history_key: HistoryKey::new([0; 32]),
    };
    let start = Instant::now();
    let report = lake.load(&request, &AtomicBool::new(false), &|_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let genotypes = report.variants as f64 * report.individuals as f64;
    println!(
        "{} variants of {} individuals",
        report.variants, report.individuals
    );
    println!(
        "load   {seconds:.3} s, {:.1} M genotypes/s, {threads} threads",
        genotypes / seconds / 1e6
    );
    println!(
        "size   {} bytes, {:.4} bytes/genotype",
        report.bytes,
        report.bytes as f64 / genotypes
    );

    let snapshot = lake.snapshot(&dataset)?;
    let (mut keys, mut alleles) = (Vec::<VariantKey>::new(), 0);
    let mut count = |batch: &ligate_genotypes::Batch<'_>| {
        let rows = batch.blocks.iter().flatten().flatten();
        alleles += rows
            .map(|row| u64::from(row.counts().allele_count))
            .sum::<u64>();
    };
    time("scan of all, counting alleles", genotypes, || {
        snapshot.scan_all(&mut |some, batch| {
            keys.extend_from_slice(some);
            count(batch);
        })
    })?;
    time("scan of a list of all keys", genotypes, || {
        snapshot.scan(&keys, &mut count)
    })?;
    let few: Vec<VariantKey> = keys
        .iter()
        .step_by(keys.len().div_ceil(10).max(1))
        .cloned()
        .collect();
    time(
        "scan of ten keys",
        few.len() as f64 * report.individuals as f64,
        || snapshot.scan(&few, &mut count),
    )?;
    time("digests of all files", genotypes, || snapshot.verify())?;
    println!("{alleles} alternate alleles counted in all");
    load_again(&lake, &request, "the same again")?;
    let Some(second) = second else { return Ok(()) };
    let second = VcfGroup {
        files: vec![second],
        id_prefix: None,
    };
    load_again(
        &lake,
        &LoadRequest {
            groups: vec![second],
            ..request
        },
        "the second file",
    )
}

/// Loads over what is in force, and prints what the comparison with it took beside the whole.
fn load_again(lake: &Lake, request: &LoadRequest, what: &str) -> Result<(), Box<dyn Error>> {
    let compared = Mutex::new((None, None));
    let start = Instant::now();
    let report = lake.load(request, &AtomicBool::new(false), &|progress| {
        let Ok(mut compared) = compared.lock() else {
            return;
        };
        match progress.stage {
            "comparing" => {
                compared.0.get_or_insert_with(Instant::now);
            }
            "saving" => {
                compared.1.get_or_insert_with(Instant::now);
            }
            _ => {}
        }
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let comparing = match *compared.lock().map_err(|_| "a panic")? {
        (Some(begun), Some(ended)) => ended.duration_since(begun).as_secs_f64(),
        _ => 0.0,
    };
    println!(
        "load of {what}: {seconds:.3} s, of which {comparing:.3} s for the comparison: {:?}",
        report.changed
    );
    Ok(())
}

fn time(
    what: &str,
    genotypes: f64,
    work: impl FnOnce() -> Result<(), ligate_lake::LakeError>,
) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what}: {seconds:.3} s, {:.2} G genotypes/s",
        genotypes / seconds / 1e9
    );
    Ok(())
}
