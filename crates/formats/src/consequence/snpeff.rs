//! snpEff's entries: ANN (fields by the "Variant annotations in VCF format" specification 1.0,
//! always in its order) and the older EFF, `Effect(field|field|..)`, whose fields the header names
//! and which differ between versions.

use super::{
    Annotated, Annotator, Consequence, Impact, Rank, Record, TermSet, allele, vep::decoded,
};

/// Reads an ANN value.
pub(super) fn read_ann<'r>(value: &'r str, record: &Record<'r>, out: &mut Annotated<'r>) {
    let entries = value
        .split(',')
        .map(|entry| ann_entry(entry, record))
        .collect();
    allele::settle(entries, record, out);
}

fn ann_entry<'r>(entry: &'r str, record: &Record<'_>) -> (&'r str, Consequence<'r>) {
    let mut fields = entry.split('|');
    let mut next = || fields.next().unwrap_or_default().trim();
    let (name, terms, impact, gene, gene_id, kind, feature) =
        (next(), next(), next(), next(), next(), next(), next());
    let (biotype, rank, dna, protein) = (next(), next(), next(), next());
    let mut consequence = Consequence::new(Annotator::SnpEffAnn, TermSet::parse(terms, &['&']));
    consequence.impact = Impact::parse(impact).unwrap_or(consequence.impact);
    consequence.gene = decoded(gene);
    consequence.gene_id = decoded(gene_id);
    // Motifs and domains have ids of their own; "domain:PAS_1" still names the transcript that it
    // lies in.
    consequence.transcript = decoded(feature).filter(|_| kind != "motif");
    consequence.biotype = decoded(biotype);
    consequence.set_rank(rank);
    consequence.dna_change = decoded(dna);
    consequence.protein_change = decoded(protein);
    consequence.alternate = ann_allele(name, record);
    (name, consequence)
}

/// The allele, or the first of "G-C" (G, seen from the tumour's C) and of "A-chr1:123456_A>T" (A
/// together with another variant).
fn ann_allele(name: &str, record: &Record<'_>) -> Option<u16> {
    let exact = |name: &str| {
        record
            .alternates
            .iter()
            .position(|alternate| *alternate == name)
    };
    let found = exact(name).or_else(|| exact(name.split_once('-')?.0));
    found
        .and_then(allele::number)
        .or_else(|| allele::find(record, name))
}

impl Consequence<'_> {
    /// snpEff has one rank for exons and introns: the terms say which it is.
    fn set_rank(&mut self, text: &str) {
        let in_intron = self.terms.iter().all(|term| {
            use super::SequenceOntologyTerm as Term;
            matches!(
                term,
                Term::Intron
                    | Term::SpliceAcceptor
                    | Term::SpliceDonor
                    | Term::SpliceRegion
                    | Term::NonCodingTranscript
            )
        });
        let rank = Rank::parse(text);
        if in_intron {
            self.intron = rank;
        } else {
            self.exon = rank;
        }
    }
}

/// Where EFF's fields are, counted within the parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EffLayout {
    impact: Option<usize>,
    dna: Option<usize>,
    protein: Option<usize>,
    gene: Option<usize>,
    biotype: Option<usize>,
    transcript: Option<usize>,
    rank: Option<usize>,
    allele: Option<usize>,
}

impl EffLayout {
    /// Reads the header's Description: `.. Format: 'Effect ( Effect_Impact | .. [ | ERRORS |
    /// WARNINGS ] )'`.
    pub fn new(description: &str) -> Self {
        let inner = description.split_once('(').map_or("", |(_, inner)| inner);
        let names: Vec<String> = inner
            .split(['|', '[', ')'])
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let at = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        Self {
            impact: at(&["effect_impact"]),
            dna: at(&["codon_change"]),
            protein: at(&["amino_acid_change"]),
            gene: at(&["gene_name"]),
            biotype: at(&["transcript_biotype", "gene_biotype", "biotype"]),
            transcript: at(&["transcript_id", "transcript"]),
            rank: at(&["exon", "exon_id", "exon_rank"]),
            allele: at(&["genotypenum", "genotype_number", "genotype"]),
        }
    }

    /// Reads an EFF value.
    pub fn read<'r>(&self, value: &'r str, record: &Record<'r>, out: &mut Annotated<'r>) {
        let entries = value
            .split(',')
            .map(|entry| self.entry(entry, record))
            .collect();
        allele::settle(entries, record, out);
    }

    fn entry<'r>(&self, entry: &'r str, record: &Record<'_>) -> (&'r str, Consequence<'r>) {
        let (terms, fields) = entry.split_once('(').unwrap_or((entry, ""));
        let fields: Vec<&str> = fields
            .trim_end_matches(')')
            .split('|')
            .map(str::trim)
            .collect();
        let field = |at: Option<usize>| {
            at.and_then(|at| fields.get(at))
                .copied()
                .unwrap_or_default()
        };
        let mut consequence =
            Consequence::new(Annotator::SnpEffEff, TermSet::parse(terms, &['+', '&']));
        consequence.impact = Impact::parse(field(self.impact)).unwrap_or(consequence.impact);
        consequence.dna_change = decoded(field(self.dna));
        consequence.protein_change = decoded(field(self.protein));
        consequence.gene = decoded(field(self.gene));
        consequence.biotype = decoded(field(self.biotype));
        consequence.transcript = decoded(field(self.transcript));
        consequence.set_rank(field(self.rank));
        let name = field(self.allele);
        consequence.alternate = eff_allele(name, record);
        (name, consequence)
    }
}

/// The number of the allele ("2-1" in tumours), or in old versions the allele itself.
fn eff_allele(name: &str, record: &Record<'_>) -> Option<u16> {
    let number = name
        .split('-')
        .next()
        .and_then(|number| number.parse().ok());
    match number {
        Some(number) if usize::from(number) <= record.alternates.len() && number > 0 => {
            Some(number)
        }
        Some(_) => None,
        None => allele::find(record, name),
    }
}
