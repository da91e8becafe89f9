//! Frequencies of sites from every kind of file.

mod common;

use common::{file, shared};
use ligate_formats::{
    consequence::{Loftee, SequenceOntologyTerm as Term},
    sites::{self, SiteTable, SitesKind},
};
use ligate_model::{Allele, Contig, Position, VariantKey};

fn key(text: &str) -> VariantKey {
    let parts: Vec<&str> = text.split(':').collect();
    VariantKey {
        contig: Contig::new(parts[0]),
        position: Position::new(parts[1].parse().unwrap()),
        reference: Allele::new(parts[2]).unwrap(),
        alternate: Allele::new(parts[3]).unwrap(),
    }
}

/// What is visited, one line for each site, then the lines with problems.
fn visited(text: &str) -> Vec<String> {
    let (_folder, path) = file("sites", text);
    let mut all = Vec::new();
    let report = sites::visit(&path, &mut |site| {
        let (reference, alternate) = site.alleles.unwrap_or(("-", "-"));
        let (gene, term) = (site.gene.unwrap_or("-"), site.term.map_or("-", Term::name));
        let frequency = site
            .frequency
            .map_or("-".to_owned(), |frequency| frequency.to_string());
        let place = format!("{}:{}:{reference}:{alternate}", site.contig, site.position);
        all.push(format!(
            "{place} {gene} {term} {:?} {frequency}",
            site.loftee
        ));
    })
    .unwrap();
    assert_eq!(report.sites as usize, all.len());
    all.extend(
        report
            .problems
            .kept()
            .iter()
            .map(|problem| format!("problem in line {}", problem.line)),
    );
    all
}

#[test]
fn each_kind_is_told_by_its_first_line() {
    let alleles = "chrom\tpos\tref\talt\tgene\tconsequence\tlof\n\
        1\t5\tC\tG\tA\tsplice region\t\nchrM\t7\tCA\tC\tB\tframeshift\tHC\n1\tx\tC\tG\tA\tmissense\t\n1\t5\n";
    assert_eq!(
        visited(alleles),
        [
            "1:5:C:G A splice_region_variant None -",
            "MT:7:CA:C B frameshift_variant Some(HighConfidence) -",
            "problem in line 4",
            "problem in line 5",
        ]
    );
    let positions = "chrom\tpos\tconsequence\tgene\tmaf_nfe\n\
        X\t5\tmissense_variant\tA\t0.25\nX\t6\tstop_gained\tA\t1.5\nX\t0\tstop_gained\tA\t0.5\n";
    assert_eq!(
        visited(positions),
        [
            "X:5:-:- A missense_variant None 0.25",
            "problem in line 3",
            "problem in line 4"
        ]
    );
    let vcf = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n\
        1\t5\t.\tC\tG,T,*\t.\t.\tAC=1,2,1;AN=8;AF=0.1,0.2,0.1\n1\t6\t.\tC\tG\t.\t.\tAF=0.5\n\
        1\t7\t.\tC\tG\t.\t.\tAC=3;AN=0\n1\t8\t.\tC\tG\n1\t9\t.\tC\t.\t.\t.\tAN=4\n";
    assert_eq!(
        visited(vcf),
        [
            "1:5:C:G - - None 0.125",
            "1:5:C:T - - None 0.25",
            "1:6:C:G - - None 0.5",
            "1:7:C:G - - None -",
            "problem in line 6",
        ]
    );
}

#[test]
fn other_files_are_refused() {
    for text in ["", "hello\n", "chrom\tpos\tgene\n1\t2\tA\n"] {
        let (_folder, path) = file("sites", text);
        assert!(sites::visit(&path, &mut |_| {}).is_err(), "{text}");
    }
}

#[test]
fn alleles_are_found_however_they_are_padded() {
    let text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n\
        1\t10\t.\tCAA\tCA,C,TAA\t.\t.\tAF=0.1,0.2,0.3\n1\t5\t.\tG\tA\t.\t.\tAF=0.4\n1\t5\t.\tG\tA\t.\t.\tAF=0.6\n";
    let (_folder, path) = file("sites.vcf", text);
    let (table, report) = SiteTable::read(&path, &mut |_| true).unwrap();
    assert_eq!((table.len(), report.kind), (5, SitesKind::Variants));
    let frequency = |text| table.get(&key(text)).and_then(|site| site.frequency);
    assert_eq!(frequency("chr1:10:CA:C"), Some(0.1));
    assert_eq!(frequency("1:9:TCAAG:TCAG"), Some(0.1));
    assert_eq!(frequency("1:11:AA:A"), None); // left-alignment is the caller's
    assert_eq!(frequency("1:10:CAAG:CAG"), Some(0.1));
    assert_eq!(frequency("1:10:CAA:C"), Some(0.2));
    assert_eq!(frequency("1:9:GC:GT"), Some(0.3));
    assert_eq!(frequency("1:5:G:A"), Some(0.6));
    assert_eq!(frequency("1:5:G:T"), None);
    assert_eq!(frequency("2:5:G:A"), None);
    assert_eq!(table.at(&Contig::new("1"), Position::new(10)).count(), 3);
    let (table, _) = SiteTable::read(&path, &mut |site| site.frequency > Some(0.35)).unwrap();
    assert_eq!(table.len(), 2);
}

#[test]
fn the_shared_frequencies_are_read_whole() {
    let Some(folder) = shared("data/frequencies") else {
        return;
    };
    let path = folder.join("gnomad_exomes_sites_consequence.grch37.tsv.gz");
    let (table, report) = SiteTable::read(&path, &mut |_| true).unwrap();
    assert_eq!(
        (report.kind, report.sites, report.problems.total()),
        (SitesKind::Alleles, 1_015_430, 0)
    );
    let site = table.get(&key("1:69224:A:T")).unwrap();
    assert_eq!(
        (site.gene, site.term, site.frequency),
        (Some("OR4F5"), Some(Term::Missense), None)
    );
    let mut confident = 0;
    let mut terms = [0_u64; Term::ALL.len()];
    let report = sites::visit(&path, &mut |site| {
        confident += u64::from(site.loftee == Some(Loftee::HighConfidence));
        terms[site.term.unwrap() as usize] += 1;
    })
    .unwrap();
    assert_eq!(report.sites, table.len() as u64);
    // Counts of the file's own words, by zcat | cut -f6,7 | sort | uniq -c.
    assert_eq!(confident, 4615 + 3252 + 1220 + 864);
    let of = |term: Term| terms[term as usize];
    assert_eq!(of(Term::Missense), 315_596 + 161);
    assert_eq!(
        (of(Term::FivePrimeUtr), of(Term::ThreePrimeUtr)),
        (26_493, 38_510)
    );
    assert_eq!(of(Term::NonCodingTranscriptExon), 66_250);
    assert_eq!((of(Term::MatureMicroRna), of(Term::Sequence)), (337, 0));

    let path = folder.join("gnomad_nfe_coding.grch37.tsv.gz");
    let (mut largest, mut missense) = (0.0_f32, 0);
    let report = sites::visit(&path, &mut |site| {
        assert!(site.alleles.is_none());
        largest = largest.max(site.frequency.unwrap_or_default());
        missense += u64::from(site.term == Some(Term::Missense));
    })
    .unwrap();
    assert_eq!(
        (report.kind, report.sites, report.problems.total()),
        (SitesKind::Positions, 862_866, 0)
    );
    assert_eq!((missense, largest), (761_702, 1.0));
}
