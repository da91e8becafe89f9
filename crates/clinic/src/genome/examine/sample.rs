//! Small genomes for tests, written as a VCF of chromosome 1 and read as any other.

use std::io::Write;

use ligate_formats::family_vcf::FamilyVcf;
use ligate_model::{Assembly, Sex};

use super::{Examination, ExamineOptions, Examiner, VariantFacts};
use crate::genome::{
    family::{Family, FamilyMember, MemberIndex},
    frequency::{Frequencies, Sites},
    gene_model::{GeneModel, GeneNames},
};

/// The patient alone.
pub(in crate::genome) fn single() -> Family {
    Family::from_members(vec![member(0, false, true)], MemberIndex(0)).expect("one member")
}

/// The patient, a healthy father and a healthy mother.
pub(in crate::genome) fn trio() -> Family {
    let members = vec![
        member(0, true, true),
        member(1, false, false),
        member(2, false, false),
    ];
    Family::from_members(members, MemberIndex(0)).expect("three members")
}

fn member(column: usize, child: bool, affected: bool) -> FamilyMember {
    FamilyMember {
        column,
        father: child.then_some(MemberIndex(1)),
        mother: child.then_some(MemberIndex(2)),
        sex: Some(if column == 2 { Sex::Female } else { Sex::Male }),
        affected: Some(affected),
    }
}

/// A record of the position, the alleles and one genotype for each member; with reads if
/// `measured`.
pub(in crate::genome) fn record(
    position: u32,
    alleles: (&str, &str),
    genotypes: &[&str],
    measured: bool,
) -> String {
    let (reference, alternate) = alleles;
    let format = if measured { "GT:AD:GQ" } else { "GT" };
    let mut line = format!("1\t{position}\t.\t{reference}\t{alternate}\t500\tPASS\t.\t{format}");
    for genotype in genotypes {
        let reads = match *genotype {
            "0/0" => "40,0",
            "1/1" => "0,40",
            _ => "20,20",
        };
        let call = if measured {
            format!("{genotype}:{reads}:99")
        } else {
            (*genotype).to_owned()
        };
        line.push('\t');
        line.push_str(&call);
    }
    line
}

/// What a pass over the records finds.
pub(in crate::genome) fn examine(
    model: &GeneModel,
    sites: Option<&Sites>,
    family: Family,
    records: &[String],
) -> Examination {
    let mut file = tempfile::Builder::new()
        .suffix(".vcf")
        .tempfile()
        .expect("a temporary file");
    let samples: Vec<String> = (0..family.members().len())
        .map(|at| format!("s{at}"))
        .collect();
    writeln!(
        file,
        "##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n\
         #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\n{}",
        samples.join("\t"),
        records.join("\n")
    )
    .expect("written");
    let names = GeneNames::of(model);
    let frequencies = Frequencies {
        sites,
        network: None,
    };
    let facts = VariantFacts {
        model,
        names: &names,
        frequencies,
        lift: None,
    };
    let options = ExamineOptions::default();
    let mut examiner =
        Examiner::new(facts, family, Some(Assembly::Grch38), &[], options).expect("GRCh38");
    let vcf = FamilyVcf::open(file.path()).expect("a VCF");
    let report = vcf
        .read(&mut |record| examiner.record(record))
        .expect("read");
    assert_eq!(report.skipped, 0);
    examiner.finish()
}
