//! Time and memory of a genome: `genome_bench DATA VCF [PED PATIENT]`. DATA is the folder with
//! genes/, chains/ and frequencies/; prints what a pass over the file finds, its time, and the most
//! memory the program held (Linux).

use std::{env, fs, path::Path, process::ExitCode, time::Instant};

use ligate_clinic::genome::{
    examine::{ExamineOptions, Examiner, VariantFacts},
    family::Family,
    frequency::Frequencies,
    gene_model::{GeneModel, GeneNames},
};
use ligate_formats::{chain::Chain, family_vcf::FamilyVcf};
use ligate_knowledge::sources::gene_tables;
use ligate_records::pedigree::Pedigree;

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [data, file, family @ ..] = words.as_slice() else {
        return Err("usage: genome_bench DATA VCF [PED PATIENT]".into());
    };
    let data = Path::new(data);
    let (genes, _) = gene_tables::read_genes(&data.join("genes/homo-sapiens-genes.tsv.gz"))?;
    let structures = data.join("genes/homo-sapiens-gene-structures.tsv.gz");
    let (model, _) = GeneModel::build(
        &genes,
        &gene_tables::read_structures(&structures, &genes)?.0,
    );
    let names = GeneNames::of(&model);
    let chain = Chain::read(&data.join("chains/hg19ToHg38.over.chain.gz"))?
        .0
        .with_revised_mitochondrion();
    let start = Instant::now();
    let vcf = FamilyVcf::open(Path::new(file))?;
    let family = match family {
        [ped, patient] => Family::of_pedigree(
            vcf.samples(),
            Some(patient),
            None,
            &Pedigree::read(Path::new(ped))?.0,
        )?,
        _ => Family::single(vcf.samples(), None, None)?,
    };
    let lift = (vcf.assembly() == Some(ligate_model::Assembly::Grch37)).then_some(&chain);
    let facts = VariantFacts {
        model: &model,
        names: &names,
        frequencies: Frequencies::default(),
        lift,
    };
    let (assembly, lines) = (vcf.assembly(), vcf.info_lines().to_vec());
    let mut examiner = Examiner::new(facts, family, assembly, &lines, ExamineOptions::default())?;
    let report = vcf.read(&mut |record| examiner.record(record))?;
    let found = examiner.finish();
    println!(
        "{} records, {} carried, {} in or near exons, {:?}; {:.2} s",
        report.records,
        found.carried,
        found.candidates.len(),
        found.uninterpreted,
        start.elapsed().as_secs_f64()
    );
    for warning in &found.warnings {
        println!("{warning}");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM"))
        .for_each(|line| println!("{line}"));
    Ok(())
}
