//! A genome beside the phenotype. Gene structures are needed, so most of this runs only with
//! `../shared`; the knowledge file is built of it once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

use crate::bench::{Bench, array, errors, fixture, number, says, shared_data, string, text};

/// A knowledge file with all sections of the genome.
pub fn knowledge() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let folders = ["data/genes", "data/chains", "data/frequencies"];
        let folders: Vec<_> = folders
            .iter()
            .map(|folder| shared_data(folder))
            .collect::<Option<_>>()?;
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diagnosis.ligk");
        let mut args = vec![
            "knowledge",
            "build",
            "--json",
            "--out",
            text(&out),
            "--from",
        ];
        args.extend(folders.iter().map(|folder| text(folder)));
        let said: Value = serde_json::from_str(&Bench::new().answer(&args)).expect("JSON");
        let sections = said["version"]["genome"]
            .as_object()
            .expect("sections of the genome");
        assert!(
            sections.contains_key("structures") && sections.contains_key("sites"),
            "{said}"
        );
        Some(out)
    };
    BUILT.get_or_init(build).as_deref()
}

/// A VCF of one record whose header says one contig's length.
pub fn vcf(contig: &str, length: u64, sample: &str) -> String {
    format!(
        "##fileformat=VCFv4.2\n##contig=<ID={contig},length={length}>\n\
         ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
         #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n{contig}\t1000\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\n"
    )
}

fn inflated(path: &Path) -> String {
    let output = Command::new("gzip")
        .args(["-dc", text(path)])
        .output()
        .expect("gzip runs");
    String::from_utf8(output.stdout).expect("a VCF is UTF-8")
}

#[test]
fn the_knowledge_that_comes_with_the_program_says_what_a_genome_needs() {
    let bench = Bench::new();
    let vcf = bench.file("one.vcf", vcf("1", 249_250_621, "made-up-person"));
    let words = ["no gene structures", "ligate knowledge build"];
    bench.refused(&fixture("case.v2.json"), &["--vcf", text(&vcf)], &words);
}

#[test]
fn a_vcf_that_does_not_fit_is_refused() {
    let Some(knowledge) = knowledge() else { return };
    let bench = Bench::new();
    let good = vcf("chr1", 248_956_422, "made-up-person");
    let sites = good
        .replace("\tFORMAT\tmade-up-person", "")
        .replace("\tGT\t0/1", "");
    let two = good
        .replace("\tmade-up-person\n", "\tone\ttwo\n")
        .replace("\t0/1", "\t0/1\t0/0");
    let cases: [(&str, String, &[&str], &[&str]); 9] = [
        (
            "t2t",
            vcf("chr1", 248_387_328, "s"),
            &[],
            &["T2T-CHM13", "GRCh37 and GRCh38 are read"],
        ),
        (
            "hg18",
            vcf("chr1", 247_249_719, "s"),
            &[],
            &["which assembly", "--assembly"],
        ),
        (
            "contradicted",
            good.clone(),
            &["--assembly", "GRCh37"],
            &["GRCh38", "GRCh37", "wrong"],
        ),
        (
            "unknown",
            vcf("chr1", 1, "s"),
            &["--assembly", "unknown"],
            &["which assembly"],
        ),
        (
            "other",
            two,
            &[],
            &["no sample of the patient's id", "--sample"],
        ),
        (
            "sample",
            good.clone(),
            &["--sample", "nobody"],
            &["no sample of the patient's id"],
        ),
        ("sites", sites, &[], &["no samples"]),
        ("empty", String::new(), &[], &["neither VCF nor BCF"]),
        ("json", "{}".to_owned(), &[], &["neither VCF nor BCF"]),
    ];
    for (name, content, more, words) in cases {
        let file = bench.file(&format!("{name}.vcf"), content);
        let more = [
            &["--vcf", text(&file), "--knowledge", text(knowledge)],
            more,
        ]
        .concat();
        bench.refused(&fixture("case.v2.json"), &more, words);
    }
    let file = bench.file("good.vcf", good);
    let report = bench.diagnose(
        &fixture("case.v2.json"),
        &["--vcf", text(&file), "--knowledge", text(knowledge)],
    );
    assert_eq!(report["genome"]["assembly"], "GRCh38");
    assert_eq!(report["genome"]["records"], 1);
    assert!(
        !array(&report["genome"], "perhaps_not_covered").is_empty(),
        "no variant is not normal"
    );
}

/// The exome and its case, and a knowledge file.
fn pfeiffer() -> Option<(PathBuf, PathBuf, &'static Path)> {
    let case = shared_data("data/clinical/pfeiffer-phenopacket.json")?;
    Some((
        case,
        shared_data("data/clinical/pfeiffer-exome.vcf.gz")?,
        knowledge()?,
    ))
}

#[track_caller]
fn assert_fgfr2_first(report: &Value) {
    let first = &array(report, "candidates")[0];
    assert_eq!(first["gene"], "FGFR2", "{}", first["name"]);
    let variant = &array(first, "variants")[0];
    assert!(
        string(&variant["variant"]).contains("123256215"),
        "{variant}"
    );
    let genes = array(report, "genes");
    assert_eq!(genes[0]["gene"], "FGFR2");
    let sum: f64 = array(first, "contributions")
        .iter()
        .map(|part| number(&part["value"]))
        .sum();
    assert!((sum - number(&first["score"])).abs() <= 1e-9);
}

#[test]
fn fgfr2_is_first_for_the_pfeiffer_exome_also_stripped() {
    let Some((case, exome, knowledge)) = pfeiffer() else {
        return;
    };
    let bench = Bench::new();
    let run = |vcf: &Path, more: &[&str]| {
        let more = [&["--vcf", text(vcf), "--knowledge", text(knowledge)], more].concat();
        bench.diagnose(&case, &more)
    };
    let report = run(&exome, &[]);
    assert_fgfr2_first(&report);
    assert_eq!(
        (&report["genome"]["assembly"], &report["genome"]["records"]),
        (&"GRCh37".into(), &37_709.into())
    );

    let strip = |line: &str| {
        let mut columns: Vec<_> = line.split('\t').collect();
        if !line.starts_with('#') {
            (columns[2], columns[7]) = (".", ".");
        }
        columns.join("\t") + "\n"
    };
    let stripped: String = inflated(&exome).lines().map(strip).collect();
    assert_fgfr2_first(&run(&bench.file("stripped.vcf", &stripped), &[]));

    let silent: String = stripped
        .lines()
        .filter(|line| !line.contains("b37"))
        .map(|line| format!("{line}\n"))
        .collect();
    let silent = bench.file("silent.vcf", silent);
    let base = ["--vcf", text(&silent), "--knowledge", text(knowledge)];
    bench.refused(
        &case,
        &base,
        &["which assembly", "--assembly GRCh37 or GRCh38"],
    );
    assert_fgfr2_first(&run(&silent, &["--assembly", "GRCh37"]));
}

#[test]
fn a_truncated_vcf_is_refused() {
    let Some((case, exome, knowledge)) = pfeiffer() else {
        return;
    };
    let bench = Bench::new();
    let bytes = fs::read(exome).unwrap();
    let cut = bench.file("cut.vcf.gz", &bytes[..bytes.len() / 2]);
    let more = ["--vcf", text(&cut), "--knowledge", text(knowledge)];
    bench.refused(&case, &more, &["cut.vcf.gz", "truncated"]);
}

#[test]
fn a_trio_is_read_and_a_wrong_pedigree_is_said() {
    let Some(knowledge) = knowledge() else { return };
    let Some(trio) = shared_data("data/clinical/trio.vcf.gz") else {
        return;
    };
    let bench = Bench::new();
    let run = |name: &str, pedigree: &str| {
        let ped = bench.file(name, pedigree);
        let more = [
            "--vcf",
            text(&trio),
            "--ped",
            text(&ped),
            "--sample",
            "ADM1059A2",
            "--knowledge",
            text(knowledge),
        ];
        bench.diagnose(&fixture("case.v2.json"), &more)["genome"].clone()
    };
    let parents = "f\tADM1059A1\t0\t0\t1\t1\nf\tADM1059A3\t0\t0\t2\t1\n";
    let right = run(
        "right.ped",
        &format!("f\tADM1059A2\tADM1059A1\tADM1059A3\t1\t2\n{parents}"),
    );
    assert_eq!(right["records"], 680);
    assert!(
        array(&right, "warnings").is_empty(),
        "{}",
        right["warnings"]
    );
    assert!(
        says(&right["sources"], &["the file's own annotation"]),
        "{}",
        right["sources"]
    );

    // The child as the father of his father.
    let swapped = "f\tADM1059A1\tADM1059A2\tADM1059A3\t1\t1\nf\tADM1059A2\t0\t0\t1\t2\nf\tADM1059A3\t0\t0\t2\t1\n";
    let wrong = run("swapped.ped", swapped);
    assert!(
        says(
            &wrong["warnings"],
            &["Mendel's rules", "check the pedigree"]
        ),
        "{}",
        wrong["warnings"]
    );
    assert!(
        !wrong["warnings"].to_string().contains("ADM1059"),
        "a warning names no person"
    );
}

#[test]
fn a_pedigree_without_the_patient_or_of_another_sex() {
    let Some(knowledge) = knowledge() else { return };
    let bench = Bench::new();
    let case = fs::read_to_string(fixture("case.v2.json")).unwrap();
    let case = bench.file(
        "case.json",
        case.replace(
            r#""id": "made-up-person""#,
            r#""id": "made-up-person", "sex": "MALE""#,
        ),
    );
    let vcf = bench.file("one.vcf", vcf("chr1", 248_956_422, "made-up-person"));
    let more = |ped: &'static str| {
        [
            "--vcf",
            text(&vcf),
            "--ped",
            ped,
            "--knowledge",
            text(knowledge),
        ]
    };
    bench.file("lacks.ped", "f\tother\t0\t0\t1\t2\n");
    bench.refused(
        &case,
        &more("lacks.ped"),
        &["lacks.ped", "does not name the patient", "second column"],
    );
    bench.file("short.ped", "f\tmade-up-person\n");
    bench.refused(&case, &more("short.ped"), &["short.ped", "six columns"]);
    bench.refused(
        &case,
        &more("missing.ped"),
        &["missing.ped", "No such file"],
    );
    bench.file("girl.ped", "f\tmade-up-person\t0\t0\t2\t2\n");
    let report = bench.diagnose(&case, &more("girl.ped"));
    let warnings = &report["genome"]["warnings"];
    assert!(says(warnings, &["different sexes"]), "{warnings}");

    bench.file(
        "twice.ped",
        "f\tmade-up-person\t0\t0\t1\t2\nf\tmade-up-person\t0\t0\t1\t2\nf x\n",
    );
    let args = [
        &["diagnose", text(&case), "--out", "report"][..],
        &more("twice.ped"),
    ]
    .concat();
    let said = errors(&bench.run(&args));
    assert!(
        said.contains("twice.ped:2") && said.contains("twice.ped:3"),
        "{said}"
    );
}
