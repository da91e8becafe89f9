//! Annotations of VEP, snpEff and bcftools, and the same fields as bcftools' own `+split-vep` takes
//! them apart.

mod common;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use common::{file, shared};
use ligate_formats::consequence::{
    Annotated, Annotations, Annotator, ClinicalSignificance, Compounds, Consequence,
    FrequencySource, Impact, Loftee, Mane, Population, Rank, Record, SequenceOntologyTerm as Term,
    TermSet,
};
use ligate_model::{Contig, Position};

fn record<'r>(
    position: u32,
    reference: &'r str,
    alternates: &'r [&'r str],
    info: &'r str,
) -> Record<'r> {
    Record {
        position: Position::new(position),
        reference,
        alternates,
        info,
    }
}

const VEP: &str = "##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Consequence annotations from Ensembl VEP. Format: \
    Allele|Consequence|IMPACT|SYMBOL|Gene|Feature|EXON|INTRON|HGVSc|HGVSp|CANONICAL|MANE_SELECT|AF|AFR_AF|\
    gnomADe_AF|gnomADg_NFE_AF|MAX_AF|CLIN_SIG|LoF\">";

fn vep<'r>(record: &Record<'r>) -> Annotated<'r> {
    Annotations::from_header([VEP]).read(record)
}

#[test]
fn every_field_of_vep_has_its_place() {
    let info = "DP=3;CSQ=T|missense_variant&splice_region_variant|MODERATE|FGFR2|ENSG00000066468|ENST00000358487|\
        7/18||ENST00000358487.10:c.755C>T|ENSP00000351276.6:p.Ser252%3D|YES|NM_000141.5|0.01&0.02|T:0.03&A:0.5|\
        1e-05||0.3|likely_pathogenic&pathogenic|HC";
    let alternates = ["T"];
    let annotated = vep(&record(7, "C", &alternates, info));
    let [found] = &annotated.consequences[..] else {
        panic!("one")
    };
    assert_eq!(
        (found.annotator, found.alternate, found.impact),
        (Annotator::VepCsq, Some(1), Impact::Moderate)
    );
    assert_eq!(
        found.terms.iter().collect::<Vec<_>>(),
        [Term::Missense, Term::SpliceRegion]
    );
    assert_eq!(found.gene.as_deref(), Some("FGFR2"));
    assert_eq!(found.gene_id.as_deref(), Some("ENSG00000066468"));
    assert_eq!(
        found.protein_change.as_deref(),
        Some("ENSP00000351276.6:p.Ser252=")
    );
    assert_eq!(
        (found.exon, found.intron),
        (
            Some(Rank {
                number: 7,
                of: Some(18)
            }),
            None
        )
    );
    assert_eq!(
        (found.canonical, found.mane, found.loftee),
        (true, Some(Mane::Select), Some(Loftee::HighConfidence))
    );
    let frequencies: Vec<_> = found
        .frequencies
        .iter()
        .map(|f| (f.source, f.population, f.frequency))
        .collect();
    assert_eq!(
        frequencies,
        [
            (FrequencySource::ThousandGenomes, Population::All, 0.02),
            (
                FrequencySource::ThousandGenomes,
                Population::Group(*b"AFR"),
                0.03
            ),
            (FrequencySource::GnomadExomes, Population::All, 1e-5),
            (FrequencySource::Several, Population::Largest, 0.3),
        ]
    );
    let classes = [
        ClinicalSignificance::LikelyPathogenic,
        ClinicalSignificance::Pathogenic,
    ];
    assert_eq!(found.clinical_significance, classes);
    assert_eq!(found.clone().into_owned(), *found);
}

/// Which alternate allele each name stands for; 0 where none.
fn check_alleles(reference: &str, alternates: &[&str], names: &[(&str, u16)]) {
    for (name, expected) in names {
        // A second entry with another name, so that the one name is not taken for the one allele.
        let info = format!("CSQ={name}|intron_variant,??|intron_variant");
        let annotated = vep(&record(100, reference, alternates, &info));
        let found = annotated
            .consequences
            .first()
            .and_then(|found| found.alternate)
            .unwrap_or(0);
        assert_eq!(found, *expected, "{reference} {alternates:?} {name}");
        assert_eq!(annotated.unmatched, 1 + u32::from(*expected == 0));
    }
}

#[test]
fn veps_alleles_are_the_records() {
    check_alleles("C", &["T", "G"], &[("T", 1), ("G", 2), ("A", 0), ("-", 0)]);
    check_alleles("CA", &["C"], &[("-", 1), ("C", 1), ("A", 0)]);
    check_alleles("C", &["CTG", "CT"], &[("TG", 1), ("T", 2), ("CT", 2)]);
    check_alleles(
        "CAA",
        &["CA", "C", "CAAA"],
        &[("A", 1), ("-", 2), ("AAA", 3)],
    );
    check_alleles("CA", &["C", "CT", "*"], &[("-", 1), ("T", 2), ("*", 3)]);
    check_alleles(
        "CA",
        &["C", "TA"],
        &[("C", 1), ("TA", 2), ("-", 1), ("T", 2)],
    );
    check_alleles("AC", &["GT"], &[("GT", 1)]);
    check_alleles("A", &["<DEL>", "G"], &[("<DEL>", 1), ("G", 2)]);
}

#[test]
fn alleles_of_other_records_are_left_out_and_counted() {
    let info = "CSQ=C|intron_variant,CC|missense_variant";
    let annotated = vep(&record(100, "T", &["TC"], info));
    assert_eq!((annotated.consequences.len(), annotated.unmatched), (1, 1));
    assert_eq!(
        annotated.consequences[0].terms.most_severe(),
        Some(Term::Intron)
    );
    // One allele, one name that no rule explains: they are the same.
    let annotated = vep(&record(
        100,
        "A",
        &["<DEL>"],
        "CSQ=deletion|stop_lost,deletion|intron_variant",
    ));
    assert_eq!((annotated.consequences.len(), annotated.unmatched), (2, 0));
    let numbered = VEP.replace("|LoF", "|ALLELE_NUM");
    let info = "CSQ=T|stop_lost||||||||||||||||||2";
    let annotated =
        Annotations::from_header([numbered.as_str()]).read(&record(100, "A", &["TT", "AT"], info));
    assert_eq!(annotated.consequences[0].alternate, Some(2));
}

#[test]
fn vep_is_known_by_its_description() {
    let other = VEP.replace("ID=CSQ", "ID=ANN");
    let annotations = Annotations::from_header([
        other.as_str(),
        "##INFO=<ID=DP,Number=1,Description=\"x\">",
        "x",
    ]);
    assert_eq!(annotations.annotators(), [Annotator::VepCsq]);
    let annotated = annotations.read(&record(
        5,
        "C",
        &["T"],
        "ANN=T|stop_gained;CSQ=T|intron_variant",
    ));
    assert_eq!(annotated.consequences.len(), 1);
    assert_eq!(annotated.consequences[0].impact, Impact::High);
}

#[test]
fn snpeffs_fields_have_their_places() {
    let header = "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation'\">";
    let info = "ANN=TC|frameshift_variant&splice_region_variant|HIGH|PER3|ENSG1|transcript|ENST1|protein_coding|\
        3/21|c.390dup|p.Arg9fs||||  |,TCC|intron_variant|MODIFIER|PER3|ENSG1|transcript|ENST1|protein_coding|3/20|\
        c.1-5C>T||||||,TC-TCC|initiator_codon_variant|LOW|PER3|ENSG1|transcript|ENST1|protein_coding|1/2|||||||";
    let annotations = Annotations::from_header([header]);
    let alternates = ["TC", "TCC"];
    let annotated = annotations.read(&record(5, "T", &alternates, info));
    let [first, second, third] = &annotated.consequences[..] else {
        panic!("three")
    };
    assert_eq!(
        (first.annotator, first.alternate, first.impact),
        (Annotator::SnpEffAnn, Some(1), Impact::High)
    );
    assert_eq!(
        (first.exon.map(|rank| rank.number), first.intron),
        (Some(3), None)
    );
    assert_eq!(
        (first.dna_change.as_deref(), first.protein_change.as_deref()),
        (Some("c.390dup"), Some("p.Arg9fs"))
    );
    assert_eq!(
        (
            second.alternate,
            second.exon,
            second.intron.map(|rank| rank.number)
        ),
        (Some(2), None, Some(3))
    );
    assert_eq!(
        (third.alternate, third.impact, third.terms.most_severe()),
        (Some(1), Impact::Low, Some(Term::Missense))
    );
}

#[test]
fn old_snpeffs_fields_are_found_by_the_header() {
    let header = "##INFO=<ID=EFF,Number=.,Type=String,Description=\"Predicted effects for this variant.Format: 'Effect ( \
        Effect_Impact | Functional_Class | Codon_Change | Amino_Acid_change| Amino_Acid_length | Gene_Name | \
        Transcript_BioType | Gene_Coding | Transcript_ID | Exon  | GenotypeNum [ | ERRORS | WARNINGS ] )' \">";
    let info = "EFF=NON_SYNONYMOUS_CODING(MODERATE|MISSENSE|aAg/aGg|K12R|1007|PRPF4B|protein_coding|CODING|NM_1.4|9|2),\
        STOP_GAINED+SPLICE_SITE_REGION(HIGH|||||A|||NM_2|1|1|WARN),INTERGENIC(MODIFIER||||||||||3)";
    let alternates = ["G", "T"];
    let annotated = Annotations::from_header([header]).read(&record(5, "A", &alternates, info));
    let [first, second] = &annotated.consequences[..] else {
        panic!("two")
    };
    assert_eq!(
        (first.alternate, first.gene.as_deref()),
        (Some(2), Some("PRPF4B"))
    );
    assert_eq!(
        (first.transcript.as_deref(), first.protein_change.as_deref()),
        (Some("NM_1.4"), Some("K12R"))
    );
    assert_eq!(
        first.exon,
        Some(Rank {
            number: 9,
            of: None
        })
    );
    assert_eq!(
        second.terms.iter().collect::<Vec<_>>(),
        [Term::StopGained, Term::SpliceRegion]
    );
    assert_eq!(annotated.unmatched, 1);
    // An older version without the length of the protein and with the allele itself.
    let older = "##INFO=<ID=EFF,Number=.,Type=String,Description=\"Format: 'Effect ( Effect_Impact | Functional_Class | \
        Codon_Change | Amino_Acid_change | Gene_Name | Gene_BioType | Coding | Transcript | Exon [ | ERRORS ] )'\">";
    let info = "EFF=STOP_LOST(HIGH|MISSENSE|x|*9R|GENE|mRNA|CODING|T1|exon_1)";
    let annotated = Annotations::from_header([older]).read(&record(5, "A", &["G"], info));
    assert_eq!(annotated.consequences[0].gene.as_deref(), Some("GENE"));
    assert_eq!(annotated.consequences[0].alternate, Some(1));
}

#[test]
fn severity_follows_ensembl() {
    let order = [
        "splice_acceptor_variant",
        "stop_gained",
        "frameshift_variant",
        "missense_variant",
        "splice_region_variant",
        "synonymous_variant",
        "5_prime_UTR_variant",
        "intron_variant",
        "intergenic_variant",
    ];
    let terms: Vec<Term> = order
        .iter()
        .map(|name| Term::parse(name).unwrap())
        .collect();
    assert!(terms.is_sorted());
    assert!(Term::ALL.is_sorted() && Term::ALL.is_sorted_by_key(|term| term.impact()));
    for term in Term::ALL {
        assert_eq!(Term::parse(term.name()), Some(*term));
        assert_eq!(TermSet::from_iter([*term]).most_severe(), Some(*term));
    }
    for (name, term) in [
        ("5' UTR", Term::FivePrimeUtr),
        ("splice donor", Term::SpliceDonor),
        ("non-coding transcript exon", Term::NonCodingTranscriptExon),
        ("mature miRNA", Term::MatureMicroRna),
        ("UTR_3_PRIME", Term::ThreePrimeUtr),
        ("stop_retained", Term::StopRetained),
    ] {
        assert_eq!(Term::parse(name), Some(term), "{name}");
    }
    assert_eq!(Term::parse("nonsense"), None);
    assert_eq!(
        TermSet::parse("nonsense", &['&']).most_severe(),
        Some(Term::Sequence)
    );
    assert_eq!(
        (
            TermSet::default().most_severe(),
            TermSet::default().impact()
        ),
        (None, Impact::Modifier)
    );
}

#[test]
fn frequencies_beside_the_annotations_are_known_by_name() {
    let define =
        |id: &str, kind: &str| format!("##INFO=<ID={id},Number=A,Type={kind},Description=\"x\">");
    let header: Vec<String> = [
        "1000GAF",
        "EXACMAX_AF",
        "gnomad_AF_nfe",
        "gnomAD_exomes_AF",
        "SWEGENAF",
        "AF_ESP",
        "AF",
        "MLEAF",
        "gnomad_AF_male",
        "gnomad_nhomalt",
        "EXAC_AC",
    ]
    .iter()
    .map(|id| define(id, "Float"))
    .chain([
        define("gnomad_AF_raw", "Float"),
        define("TOPMED_AF", "String"),
        define("CLNSIG", "String"),
    ])
    .collect();
    let annotations = Annotations::from_header(header.iter().map(String::as_str));
    let info = "1000GAF=0.25;EXACMAX_AF=0.5,.;gnomad_AF_nfe=0.1,0.2;gnomAD_exomes_AF=0.3,0.4;SWEGENAF=2;AF_ESP=0.125,0;\
        AF=0.9,0.9;MLEAF=0.9,0.9;gnomad_AF_male=0.9,0.9;gnomad_nhomalt=1,1;EXAC_AC=1,1;TOPMED_AF=0.9,0.9;\
        CLNSIG=Pathogenic/Likely_pathogenic|5|255";
    let alternates = ["T", "G"];
    let annotated = annotations.read(&record(5, "A", &alternates, info));
    use FrequencySource::{Esp, Exac, Gnomad, GnomadExomes, ThousandGenomes};
    let nfe = Population::Group(*b"NFE");
    let found: Vec<_> = annotated
        .frequencies
        .iter()
        .map(|f| {
            (
                f.alternate,
                f.frequency.source,
                f.frequency.population,
                f.frequency.frequency,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (None, ThousandGenomes, Population::All, 0.25),
            (Some(1), Exac, Population::Largest, 0.5),
            (Some(1), Gnomad, nfe, 0.1),
            (Some(2), Gnomad, nfe, 0.2),
            (Some(1), GnomadExomes, Population::All, 0.3),
            (Some(2), GnomadExomes, Population::All, 0.4),
            (Some(1), Esp, Population::All, 0.125),
            (Some(2), Esp, Population::All, 0.0),
        ]
    );
    use ClinicalSignificance::{LikelyPathogenic, Other, Pathogenic};
    assert_eq!(
        annotated.clinical_significance,
        [Pathogenic, LikelyPathogenic, Other]
    );
}

#[test]
fn hostile_fields_do_no_harm() {
    let annotations = Annotations::from_header([
        VEP,
        "##INFO=<ID=BCSQ>",
        "##INFO=<ID=BCSQ,Description=\"",
        "##INFO=<ID=EFF,Description=\"Format: '(\">",
        "##INFO=<",
        "##INFO=<ID=ANN,Description=\"\">",
    ]);
    for info in [
        "CSQ=",
        "CSQ=|",
        "CSQ=,,,",
        "BCSQ=@",
        "BCSQ=@x,*",
        "BCSQ=*|||||||5",
        "EFF=((",
        "EFF=)",
        "ANN=|%|%z%4",
        "CSQ=\u{e9}|\u{e9}|%C3%A9|%\u{e9}",
        "CSQ=-|%+1",
        "ANN=\u{e9}-\u{e9}",
        ";;=;",
        "BCSQ=x|||||||99999999999A>G+",
    ] {
        for (reference, alternates) in [
            ("A", &["G", "\u{e9}\u{e9}"][..]),
            ("\u{e9}", &["\u{e9}T"]),
            ("", &[""]),
            ("A", &[]),
        ] {
            annotations.read(&record(u32::MAX, reference, alternates, info));
        }
    }
}

// From here on: against bcftools itself.

fn bcftools(arguments: &[&str]) -> Option<String> {
    let output = Command::new("bcftools")
        .args(arguments)
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else {
        println!("skipped: bcftools is not installed");
        return None;
    };
    assert!(output.status.success(), "bcftools {}", arguments.join(" "));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Header lines, and records as contig, position, reference, alternates, INFO.
fn variants(text: &str) -> (Annotations, Vec<[String; 5]>) {
    let (header, body): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let column = |line: &str, at: usize| line.split('\t').nth(at).unwrap().to_owned();
    let rows = body
        .iter()
        .map(|line| [0, 1, 3, 4, 7].map(|at| column(line, at)))
        .collect();
    (Annotations::from_header(header), rows)
}

/// Every consequence of a file as the line that `describe` makes of it, with the record's place
/// before it.
fn described(
    text: &str,
    annotator: Annotator,
    describe: impl Fn(&Consequence<'_>) -> String,
) -> (Vec<String>, u32) {
    let (annotations, rows) = variants(text);
    assert!(annotations.annotators().contains(&annotator));
    let (mut all, mut unmatched) = (Vec::new(), 0);
    for [contig, position, reference, alternates, info] in &rows {
        let alternates: Vec<&str> = alternates.split(',').collect();
        let annotated = annotations.read(&record(
            position.parse().unwrap(),
            reference,
            &alternates,
            info,
        ));
        unmatched += annotated.unmatched;
        let own = annotated
            .consequences
            .iter()
            .filter(|consequence| consequence.annotator == annotator);
        all.extend(own.map(|own| format!("{contig}\t{position}\t{}", describe(own))));
    }
    (all, unmatched)
}

/// The names of terms, read from an annotator's text or from a set.
fn names(terms: TermSet) -> String {
    terms.iter().map(Term::name).collect::<Vec<_>>().join("&")
}

/// The lines that split-vep prints, with the terms in the column `terms` spelled as ours.
fn split_vep(path: &Path, tag: &str, fields: &str, terms: usize) -> Option<Vec<String>> {
    let format = format!("%CHROM\t%POS\t{fields}\n");
    let text = bcftools(&[
        "+split-vep",
        &path.to_string_lossy(),
        "-a",
        tag,
        "-f",
        &format,
        "-d",
        "-A",
        "tab",
    ]);
    let text = match text {
        Some(text)
            if text
                .lines()
                .next()
                .is_some_and(|line| line.split('\t').count() > 2) =>
        {
            text
        }
        Some(_) => panic!("split-vep printed nothing"),
        None => return None,
    };
    let line = |line: &str| {
        let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        fields[terms] = names(TermSet::parse(&fields[terms], &['&']));
        fields.join("\t")
    };
    Some(text.lines().map(line).collect())
}

fn or_dot(text: Option<&str>) -> String {
    text.unwrap_or(".").to_owned()
}

fn rank(rank: Option<Rank>) -> String {
    rank.map_or(".".to_owned(), |rank| {
        format!("{}/{}", rank.number, rank.of.unwrap())
    })
}

#[test]
fn csq_equals_split_vep() {
    let Some(folder) = shared("data/clinical") else {
        return;
    };
    let path = folder.join("trio.vcf.gz");
    let fields = "%Consequence\t%IMPACT\t%SYMBOL\t%Gene\t%Feature\t%BIOTYPE\t%EXON\t%INTRON\t%HGVSc\t%HGVSp\t%CANONICAL";
    let Some(expected) = split_vep(&path, "CSQ", fields, 2) else {
        return;
    };
    let text = bcftools(&["view", &path.to_string_lossy()]).unwrap();
    let (found, unmatched) = described(&text, Annotator::VepCsq, |found| {
        let impact = format!("{:?}", found.impact).to_uppercase();
        let text = [
            &found.gene,
            &found.gene_id,
            &found.transcript,
            &found.biotype,
        ]
        .map(|text| or_dot(text.as_deref()));
        let canonical = if found.canonical { "YES" } else { "." };
        [names(found.terms), impact]
            .into_iter()
            .chain(text)
            .chain([rank(found.exon), rank(found.intron)])
            .chain([
                or_dot(found.dna_change.as_deref()),
                or_dot(found.protein_change.as_deref()),
                canonical.to_owned(),
            ])
            .collect::<Vec<_>>()
            .join("\t")
    });
    // split-vep does not decode percent signs.
    let expected: Vec<String> = expected
        .iter()
        .map(|line| line.replace("%3D", "="))
        .collect();
    assert!(
        found.len() > 4000 && unmatched == 0,
        "{} {unmatched}",
        found.len()
    );
    println!("{} consequences equal bcftools +split-vep's", found.len());
    compare(&found, &expected);
}

fn compare(found: &[String], expected: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn bcsq_equals_split_vep() {
    let Some(folder) = shared("data/clinical") else {
        return;
    };
    let path = folder.join("giab-trio.vcf.gz");
    let Some(text) = bcftools(&["view", "-G", &path.to_string_lossy()]) else {
        return;
    };
    // split-vep takes bcftools' own header only with the fields named as VEP names them.
    let own = "'[*]consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]'";
    let plain =
        "Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change\">\n##rest=<x=\"";
    assert!(text.contains(own));
    let (_folder, path) = file("plain.vcf", text.replace(own, plain));
    let fields = "%Consequence\t%gene\t%transcript\t%biotype\t%amino_acid_change\t%dna_change";
    let Some(expected) = split_vep(&path, "BCSQ", fields, 2) else {
        return;
    };
    let (found, unmatched) = described(&text, Annotator::BcftoolsCsq, |found| {
        let text = [
            &found.gene,
            &found.transcript,
            &found.biotype,
            &found.protein_change,
            &found.dna_change,
        ];
        let text = text.map(|text| or_dot(text.as_deref()));
        [names(found.terms)]
            .into_iter()
            .chain(text)
            .collect::<Vec<_>>()
            .join("\t")
    });
    println!(
        "{} consequences of bcftools csq, {unmatched} of alleles in other records",
        found.len()
    );
    assert_eq!(found.len() + unmatched as usize, expected.len());
    // What is left out because its allele is in another record is in bcftools' list only.
    let mut expected = expected.into_iter();
    for line in &found {
        assert!(expected.any(|expected| expected == *line), "{line}");
    }
    assert!(found.len() > 10_000);
}

/// A gene on each strand, with haplotypes of two variants each.
fn two_genes() -> (String, String, String) {
    let coding = "ATGGCTGCTAAAGCTGATGGTTCTGAACTGTGGAAACCTTAA";
    let complement = |base: char| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        _ => 'A',
    };
    let turned: String = coding.chars().rev().map(complement).collect();
    let filler = "ACGGTCATTG".repeat(10);
    let genome = format!("{filler}{coding}{filler}{turned}{filler}");
    let base = |position: usize| genome[position - 1..position].to_owned();
    let mut gff = "##gff-version 3\n".to_owned();
    for (gene, start, end, strand) in [("1", 101, 142, '+'), ("2", 243, 284, '-')] {
        for (kind, attributes) in [
            (
                "gene",
                format!("ID=gene:G{gene};biotype=protein_coding;Name=NAME{gene}"),
            ),
            (
                "mRNA",
                format!("ID=transcript:T{gene};Parent=gene:G{gene};biotype=protein_coding"),
            ),
            ("exon", format!("Parent=transcript:T{gene}")),
            ("CDS", format!("Parent=transcript:T{gene}")),
        ] {
            let phase = if kind == "CDS" { "0" } else { "." };
            gff += &format!("1\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n");
        }
    }
    let mut vcf = "##fileformat=VCFv4.2\n##contig=<ID=1,length=384>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"G\">\n\
        #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n".to_owned();
    for (position, alternate) in [(104, "T"), (105, "G,A"), (252, "T"), (253, "A,G")] {
        let reference = base(position);
        assert!(!alternate.contains(&reference), "{position} {reference}");
        vcf += &format!("1\t{position}\t.\t{reference}\t{alternate}\t.\t.\t.\tGT\t0|1\n");
    }
    (format!(">1\n{genome}\n"), gff, vcf)
}

#[test]
fn variants_that_act_together_are_completed_from_each_other() {
    let (fasta, gff, vcf) = two_genes();
    let ((_a, fasta), (_b, gff), (_c, vcf)) =
        (file("g.fa", fasta), file("g.gff", gff), file("v.vcf", vcf));
    let arguments = [
        "csq",
        "-f",
        &fasta.to_string_lossy(),
        "-g",
        &gff.to_string_lossy(),
        &vcf.to_string_lossy(),
    ];
    let Some(text) = bcftools(&arguments) else {
        return;
    };
    let (annotations, rows) = variants(&text);
    let contig = Contig::new("1");
    let mut compounds = Compounds::default();
    let alternates: Vec<Vec<&str>> = rows.iter().map(|row| row[3].split(',').collect()).collect();
    let records: Vec<Record<'_>> = rows
        .iter()
        .zip(&alternates)
        .map(|(row, alternates)| record(row[1].parse().unwrap(), &row[2], alternates, &row[4]))
        .collect();
    let mut annotated: Vec<Annotated<'_>> = records
        .iter()
        .map(|record| annotations.read(record))
        .collect();
    // One record of each gene points to the other: back on the plus strand, forward on the minus
    // strand.
    let elsewhere: Vec<Vec<u32>> = annotated
        .iter()
        .map(|found| found.elsewhere.iter().map(|at| at.get()).collect())
        .collect();
    assert_eq!(elsewhere, [vec![], vec![104], vec![253], vec![]]);
    for (record, annotated) in records.iter().zip(&annotated) {
        compounds.remember(&contig, record, annotated);
    }
    for (record, annotated) in records.iter().zip(&mut annotated) {
        compounds.complete(&contig, record, annotated);
        assert!(annotated.elsewhere.is_empty());
        let [found] = &annotated.consequences[..] else {
            panic!("one consequence at {:?}", record.position)
        };
        assert_eq!(
            (found.alternate, found.terms.most_severe()),
            (Some(1), Some(Term::Missense))
        );
    }
    assert_eq!(
        annotated[0].consequences[0].dna_change,
        annotated[1].consequences[0].dna_change
    );
    assert_eq!(annotated[2].consequences[0].gene.as_deref(), Some("NAME2"));
    // Where the other record is not in the file, the pointer stays.
    let mut alone = annotations.read(&records[1]);
    Compounds::default().complete(&contig, &records[1], &mut alone);
    assert_eq!(alone.elsewhere.len(), 1);
}

#[test]
fn consequences_behind_a_stop_are_marked() {
    let header = "##INFO=<ID=BCSQ,Number=.,Type=String,Description=\"Local consequence annotation from BCFtools/csq. \
        Format: '[*]consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]' or @position\">";
    let info = "BCSQ=*missense|A|T1|protein_coding|+|2A>2C|5A>G,intron|A||protein_coding,stop_gained|A|T1|x|+|1|5A>C";
    let annotated = Annotations::from_header([header]).read(&record(5, "A", &["G"], info));
    let found: Vec<_> = annotated
        .consequences
        .iter()
        .map(|c| (c.after_stop, c.alternate, names(c.terms)))
        .collect();
    assert_eq!(
        found,
        [
            (true, Some(1), "missense_variant".into()),
            (false, None, "intron_variant".into())
        ]
    );
    assert_eq!(annotated.unmatched, 1);
}

#[test]
fn snpeff_files_are_read_whole() {
    let Some(folder) = shared("data/clinical") else {
        return;
    };
    for (name, annotator, tag) in [
        ("trio", Annotator::SnpEffAnn, "ANN="),
        ("quartet-chr6", Annotator::SnpEffEff, "EFF="),
    ] {
        let path = folder.join(format!("{name}.vcf.gz"));
        let Some(text) = bcftools(&["view", "-G", &path.to_string_lossy()]) else {
            return;
        };
        let entries = text.lines().filter(|line| !line.starts_with('#'));
        let values = entries.filter_map(|line| {
            line.split(['\t', ';'])
                .find_map(|item| item.strip_prefix(tag))
        });
        let expected: usize = values.map(|value| value.split(',').count()).sum();
        let (found, unmatched) = described(&text, annotator, |found| names(found.terms));
        println!("{name}: {} consequences", found.len());
        assert_eq!((found.len(), unmatched), (expected, 0));
        // Only snpEff's "sequence_feature" has no term of its own.
        let unknown = found
            .iter()
            .filter(|line| line.ends_with("\tsequence_variant"))
            .count();
        assert_eq!(unknown, if name == "trio" { 983 } else { 0 });
    }
}
