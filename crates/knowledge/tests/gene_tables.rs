//! Tables of genes against facts that come from elsewhere.

#[path = "../../formats/tests/common/files.rs"]
mod files;

use std::{collections::HashMap, fs::File, io::Read, path::Path};

use files::{file, shared};
use flate2::read::MultiGzDecoder;
use ligate_formats::{
    chain::{Chain, Lift},
    consequence::SequenceOntologyTerm as Term,
    sites,
};
use ligate_knowledge::sources::gene_tables::{
    Biotype, Gene, InheritanceMode, Interval, KnownSites, Placement, Transcript, read_constraint,
    read_genes, read_hgnc, read_inheritance, read_structures, settle_places,
};
use ligate_model::{Contig, Position};

fn structures(folder: &Path) -> (Vec<Gene>, Vec<Transcript>, u64) {
    let (genes, problems) = read_genes(&folder.join("homo-sapiens-genes.tsv.gz")).unwrap();
    assert!(problems.is_empty());
    let path = folder.join("homo-sapiens-gene-structures.tsv.gz");
    let (transcripts, problems) = read_structures(&path, &genes).unwrap();
    (genes, transcripts, problems.total())
}

const GENES: &str = "## prefix: ENSG\n# chr\tstart\tlength\n1\t101\t99\t7\tA-B\tan A%2C or B\t\n\
    2\t11\t1000\t8\tC\tC\t\n3\t11\t20\t9\tC\tC\t\nX\tx\t1\t1\tbad\tbad\t\n";

#[test]
fn structures_become_places() {
    let (_folder, path) = file("genes.tsv", GENES);
    let (genes, problems) = read_genes(&path).unwrap();
    assert_eq!((genes.len(), problems.kept()[0].line), (3, 6));
    assert_eq!(
        (&*genes[0].ensembl_id, &*genes[0].name),
        ("ENSG00000000007", "an A, or B")
    );
    assert_eq!(
        (genes[0].place.start.get(), genes[0].place.end.get()),
        (101, 200)
    );
    let table = "# transcript\nA-B-201\t10\t0\t-\t2;0;4\t1;0;19\t1;40;9\t0;45;4\nC-202\t500\t1\t+\t1;0;8\n\
        D-201\t0\t0\t+\t1;0;8\nA-B-202\t0\t0\t+\t1;0;200\nA-B-203\t0\t0\t+\t0;0;5\nA-B-204\t0\t9\t+\t1;0;5\n";
    let (_folder, path) = file("structures.tsv", table);
    let (transcripts, problems) = read_structures(&path, &genes).unwrap();
    let mut lines: Vec<u64> = problems.kept().iter().map(|problem| problem.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [4, 5, 6, 7]);
    let places = |parts: &[Interval]| -> Vec<(u32, u32)> {
        parts
            .iter()
            .map(|part| (part.start.get(), part.end.get()))
            .collect()
    };
    let [first, second] = &transcripts[..] else {
        panic!("two transcripts")
    };
    assert_eq!(places(&first.exons), [(111, 130), (151, 160)]);
    assert_eq!(places(&first.coding), [(116, 130), (151, 155)]);
    assert_eq!(
        (first.coding_length(), first.is_first, first.gene),
        (20, true, 0)
    );
    assert_eq!(
        (second.gene, second.biotype),
        (1, Biotype::NonsenseMediatedDecay)
    );
}

#[test]
fn nearly_all_transcripts_find_their_gene() {
    let Some(folder) = shared("data/genes") else {
        return;
    };
    let (genes, transcripts, problems) = structures(&folder);
    println!(
        "{} genes, {} transcripts, {problems} lines left out",
        genes.len(),
        transcripts.len()
    );
    assert_eq!(genes.len(), 32_075);
    assert!(
        problems * 5000 < transcripts.len() as u64,
        "{problems} lines left out"
    );
}

#[test]
fn known_sites_say_where_transcripts_stand() {
    let genes = "1\t1001\t999\t1\tA\tA\t\n1\t5001\t99\t2\tB\tB\t\n1\t6001\t999\t3\tC\tC\t\n";
    let (_folder, path) = file("genes.tsv", genes);
    let (genes, _) = read_genes(&path).unwrap();
    // A could begin at 1001 to 1851, B ends with its gene, of C nothing is known.
    let table =
        "A-201\t0\t0\t+\t1;0;29\t1;100;49\nB-201\t0\t0\t+\t1;0;99\nC-201\t0\t0\t-\t1;0;99\n";
    let (_folder, path) = file("structures.tsv", table);
    let settled = |sites: &[(u32, Term)]| {
        let (mut transcripts, _) = read_structures(&path, &genes).unwrap();
        let mut known = KnownSites::default();
        for (position, term) in sites {
            known.add("A", &Contig::new("1"), Position::new(*position), 1, *term);
            known.add("B", &Contig::new("1"), Position::new(*position), 1, *term);
        }
        settle_places(&genes, &mut transcripts, &known);
        let place = |t: &Transcript| (t.exons[0].start.get(), t.coding[0].start.get(), t.placement);
        assert_eq!(place(&transcripts[1]), (5001, 5001, Placement::Certain));
        assert_eq!(place(&transcripts[2]), (6001, 6001, Placement::Assumed));
        assert_eq!(place(&transcripts[0]).0, place(&transcripts[0]).1);
        (place(&transcripts[0]).0, place(&transcripts[0]).2)
    };
    // Exons from 1201 to 1230 and from 1301 to 1350.
    let inside = [1201, 1215, 1230, 1301, 1320, 1350].map(|at| (at, Term::Missense));
    assert_eq!(settled(&inside), (1201, Placement::Supported));
    let donor = [(1231, Term::SpliceDonor), (1300, Term::SpliceAcceptor)];
    let middle = [1210, 1215, 1220, 1310, 1320].map(|at| (at, Term::Synonymous));
    assert_eq!(
        settled(&[&middle[..], &donor].concat()),
        (1201, Placement::Supported)
    );
    // Without splice sites only a range is known: 1191 (1220 is the last) to 1210.
    assert_eq!(settled(&middle), (1201, Placement::Approximate));
    assert_eq!(settled(&inside[..4]), (1001, Placement::Assumed));
    assert_eq!(
        settled(&inside.map(|(at, term)| (at - 200, term))),
        (1001, Placement::Supported)
    );
    assert_eq!(
        settled(&inside.map(|(at, _)| (at, Term::Intron))),
        (1001, Placement::Assumed)
    );
}

/// gnomAD's sites on GRCh38.
fn known_sites(path: &Path, chain: &Chain) -> KnownSites {
    let mut known = KnownSites::default();
    sites::visit(path, &mut |site| {
        let (Some(gene), Some(term), Some((reference, _))) = (site.gene, site.term, site.alleles)
        else {
            return;
        };
        if let Lift::Lifted(place) = chain.lift(site.contig, site.position) {
            known.add(gene, &place.contig, place.position, reference.len(), term);
        }
    })
    .unwrap();
    known
}

/// ClinVar's pathogenic variants, lifted to GRCh38, lie in the exons of the gene that ClinVar
/// names, or a few bases beside them.
#[test]
fn pathogenic_variants_lie_in_the_exons_of_their_genes() {
    let (Some(folder), Some(chains)) = (shared("data/genes"), shared("data/chains")) else {
        return;
    };
    let Some(clinvar) = shared("data/clinvar/pathogenic_201806.grch37.vcf.gz") else {
        return;
    };
    let Some(frequencies) = shared("data/frequencies") else {
        return;
    };
    let (genes, mut transcripts, _) = structures(&folder);
    let chain = Chain::read(&chains.join("hg19ToHg38.over.chain.gz"))
        .unwrap()
        .0
        .with_revised_mitochondrion();
    let frequencies = frequencies.join("gnomad_exomes_sites_consequence.grch37.tsv.gz");
    let counts = settle_places(&genes, &mut transcripts, &known_sites(&frequencies, &chain));
    println!("{counts:?}");
    assert!(counts.certain > 16_000 && counts.moved > 800, "{counts:?}");
    let mut exons: HashMap<&str, Vec<(&Contig, Interval)>> = HashMap::new();
    for transcript in &transcripts {
        let gene = &genes[transcript.gene];
        exons
            .entry(&gene.symbol)
            .or_default()
            .extend(transcript.exons.iter().map(|exon| (&gene.contig, *exon)));
    }
    let mut text = String::new();
    MultiGzDecoder::new(File::open(clinvar).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    // Inside, all, for the nuclear genes and for those of the mitochondrion, whose offsets count
    // from MT-ND1.
    let mut counts = [(0_u32, 0_u32); 2];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let Some(exons) = fields[7].split('|').nth(2).and_then(|gene| exons.get(gene)) else {
            continue;
        };
        let (contig, position) = (
            Contig::new(fields[0]),
            Position::new(fields[1].parse().unwrap()),
        );
        let Some(place) = chain.lift(&contig, position).lifted() else {
            continue;
        };
        let at = place.position.get();
        let is_near = |exon: &Interval| exon.start.get() <= at + 10 && at <= exon.end.get() + 10;
        let inside = exons
            .iter()
            .any(|(contig, exon)| **contig == place.contig && is_near(exon));
        let (near, all) = &mut counts[usize::from(contig.is_mitochondrial())];
        (*near, *all) = (*near + u32::from(inside), *all + 1);
    }
    println!("near an exon of their gene: {counts:?} of the nucleus and the mitochondrion");
    let [(near, all), (mitochondrial, of)] = counts;
    assert!(all > 65_000 && near * 1000 >= all * 985, "{near} of {all}");
    assert!(
        of > 100 && mitochondrial * 100 >= of * 98,
        "{mitochondrial} of {of}"
    );
}

/// Coding lengths against gnomAD's table, which was made from another release of Ensembl by others.
#[test]
fn coding_parts_have_the_length_that_gnomad_counted() {
    let Some(folder) = shared("data/genes") else {
        return;
    };
    let (genes, transcripts, _) = structures(&folder);
    let (constraint, problems) = read_constraint(&folder.join("gnomad_constraint.tsv.gz")).unwrap();
    assert_eq!((constraint.len(), problems.total()), (19_704, 0));
    let lengths: HashMap<&str, u32> = constraint
        .iter()
        .filter_map(|gene| Some((&*gene.gene_id, gene.coding_length?)))
        .collect();
    let mut own: HashMap<usize, Vec<u32>> = HashMap::new();
    let (mut first, mut whole) = (0, 0);
    for transcript in transcripts
        .iter()
        .filter(|t| t.biotype == Biotype::ProteinCoding)
    {
        let length = transcript.coding_length();
        own.entry(transcript.gene).or_default().push(length);
        if transcript.is_first {
            first += 1;
            whole += usize::from(length % 3 == 0);
        }
    }
    let (mut compared, mut same_first, mut same_any) = (0, 0, 0);
    for (gene, own) in &own {
        let Some(length) = genes
            .get(*gene)
            .and_then(|gene| lengths.get(&*gene.ensembl_id))
        else {
            continue;
        };
        compared += 1;
        let with_stop = length + 3;
        same_first += usize::from(own.first() == Some(&with_stop));
        same_any += usize::from(own.contains(&with_stop));
    }
    println!("{whole} of {first} first transcripts have whole codons");
    println!(
        "of {compared} genes {same_first} have gnomAD's length first, {same_any} in some transcript"
    );
    assert!(first > 19_000 && whole * 1000 >= first * 998);
    assert!(
        compared > 17_000 && same_first * 100 >= compared * 84 && same_any * 100 >= compared * 96
    );
}

#[test]
fn constraint_and_inheritance_are_read() {
    let Some(folder) = shared("data/genes") else {
        return;
    };
    let (constraint, _) = read_constraint(&folder.join("gnomad_constraint.tsv.gz")).unwrap();
    let nipbl = constraint
        .iter()
        .find(|gene| &*gene.gene == "NIPBL")
        .unwrap();
    assert_eq!(
        (nipbl.pli, nipbl.loeuf, nipbl.missense_z),
        (Some(1.0), Some(0.032), Some(5.5737))
    );
    let (inheritance, problems) = read_inheritance(&folder.join("CGD_26jun2018.txt.gz")).unwrap();
    assert_eq!((inheritance.len(), problems.total()), (3657, 0));
    let having = |mode| {
        inheritance
            .iter()
            .filter(|gene| gene.modes.contains(&mode))
            .count()
    };
    // grep -cw of the column's own words.
    assert_eq!(having(InheritanceMode::XLinked), 213 + 2 + 1 + 1);
    assert_eq!(having(InheritanceMode::Mitochondrial), 27);
    assert_eq!(having(InheritanceMode::YLinked), 2);
    let aars = inheritance
        .iter()
        .find(|gene| &*gene.gene == "AARS")
        .unwrap();
    assert_eq!(
        aars.modes,
        [
            InheritanceMode::AutosomalDominant,
            InheritanceMode::AutosomalRecessive
        ]
    );
    assert_eq!((aars.hgnc_id, aars.entrez_id), (Some(20), Some(16)));
}

#[test]
fn names_of_genes_are_read() {
    let table = "hgnc_id\tsymbol\tname\tlocus_group\tstatus\tlocation\talias_symbol\tprev_symbol\tentrez_id\t\
        ensembl_gene_id\tmane_select\nHGNC:37133\tA1BG-AS1\tantisense\tnon-coding RNA\tApproved\t19q13.43\tFLJ23569\t\
        \"NCRNA00181|A1BGAS|A1BG-AS\"\t503538\tENSG00000268895\t\nHGNC:5\tA1BG\tx\tprotein-coding gene\tApproved\t\
        19q13.43\t\t\t1\tENSG00000121410\t\"ENST00000263100.8|NM_130786.4\"\nHGNC:x\tB\n";
    let (_folder, path) = file("hgnc.txt", table);
    let (genes, problems) = read_hgnc(&path).unwrap();
    assert_eq!((genes.len(), problems.kept()[0].line), (2, 4));
    assert_eq!(
        (genes[0].hgnc_id, genes[0].entrez_id),
        (37_133, Some(503_538))
    );
    assert_eq!(
        genes[0].previous_symbols,
        ["NCRNA00181".into(), "A1BGAS".into(), "A1BG-AS".into()]
    );
    assert_eq!(
        genes[1].mane_select,
        ["ENST00000263100.8".into(), "NM_130786.4".into()]
    );
    assert!(genes[0].is_approved && genes[1].aliases.is_empty());
    let (_folder, path) = file("hgnc.txt", "id\tsymbol\n");
    assert!(
        read_hgnc(&path)
            .unwrap_err()
            .to_string()
            .contains("hgnc_id")
    );
}
