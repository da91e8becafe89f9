//! What annotators wrote into a variant file: Ensembl VEP's CSQ, snpEff's ANN and older EFF,
//! bcftools' BCSQ, each read by the definition in the file's own header, into one kind of
//! [`Consequence`].
//!
//! Every consequence is matched to the alternate allele that it speaks of; one that matches none
//! (its allele went to another record when the file was split) is left out and counted. Fields that
//! are not there are `None`; nothing is guessed. Population frequencies and ClinVar's word are
//! handed on as the file has them, for the caller to use or not.

mod allele;
mod bcsq;
mod clinvar;
mod definition;
mod frequency;
mod snpeff;
mod terms;
mod vep;

use std::borrow::Cow;

use ligate_model::Position;

pub use bcsq::Compounds;
pub use clinvar::ClinicalSignificance;
pub use definition::Annotations;
pub use frequency::{FrequencySource, Population, PopulationFrequency, RecordFrequency};
pub use terms::{Impact, SequenceOntologyTerm, TermSet};
pub use vep::decoded as percent_decoded;

/// Who wrote the annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Annotator {
    /// Ensembl VEP, INFO CSQ.
    VepCsq,
    /// snpEff since 4.1, INFO ANN.
    SnpEffAnn,
    /// snpEff before, INFO EFF.
    SnpEffEff,
    /// `bcftools csq`, INFO BCSQ.
    BcftoolsCsq,
}

/// What a reader of consequences needs of a record. `info` is the INFO column as it stands in the
/// file.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    pub position: Position,
    pub reference: &'r str,
    pub alternates: &'r [&'r str],
    pub info: &'r str,
}

/// All that a record's INFO says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotated<'r> {
    /// In the order of the file.
    pub consequences: Vec<Consequence<'r>>,
    /// From INFO fields of their own (`1000GAF`, `EXACAF`, `gnomad_AF`), not from CSQ. The file's
    /// own `AF` is none.
    pub frequencies: Vec<RecordFrequency>,
    /// From INFO CLNSIG or CLIN_SIG.
    pub clinical_significance: Vec<ClinicalSignificance>,
    /// Other records of this contig that hold a consequence of this one too (BCSQ's `@position`);
    /// see [`Compounds`].
    pub elsewhere: Vec<Position>,
    /// Consequences of alleles that this record does not have.
    pub unmatched: u32,
}

/// What a variant does to one transcript, or to a place without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Consequence<'r> {
    pub annotator: Annotator,
    /// Which alternate allele, from 1; nothing where the annotation speaks of the record as a
    /// whole.
    pub alternate: Option<u16>,
    /// Symbol.
    pub gene: Option<Cow<'r, str>>,
    /// Ensembl's or another source's id of the gene.
    pub gene_id: Option<Cow<'r, str>>,
    pub transcript: Option<Cow<'r, str>>,
    pub biotype: Option<Cow<'r, str>>,
    pub terms: TermSet,
    /// The annotator's own word where it has one, else that of the most severe term.
    pub impact: Impact,
    /// Ensembl's canonical transcript.
    pub canonical: bool,
    pub mane: Option<Mane>,
    /// HGVS from VEP and snpEff; bcftools writes `position` REF `>` ALT, joined by '+'.
    pub dna_change: Option<Cow<'r, str>>,
    /// HGVS from VEP and snpEff's ANN; EFF and bcftools have notations of their own.
    pub protein_change: Option<Cow<'r, str>>,
    pub exon: Option<Rank>,
    pub intron: Option<Rank>,
    pub loftee: Option<Loftee>,
    /// The variant lies behind a stop that the same haplotype has (BCSQ's `*`).
    pub after_stop: bool,
    /// Frequencies of this allele in VEP's fields.
    pub frequencies: Vec<PopulationFrequency>,
    /// VEP's CLIN_SIG: of all alleles known at the place, unless VEP was told to match alleles.
    pub clinical_significance: Vec<ClinicalSignificance>,
}

/// MANE (Matched Annotation from NCBI and EMBL-EBI).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mane {
    Select,
    PlusClinical,
}

/// LOFTEE's word on a loss-of-function variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loftee {
    /// HC
    HighConfidence,
    /// LC
    LowConfidence,
    /// OS: another splice variant.
    OtherSplice,
}

impl Loftee {
    /// Reads HC, LC or OS.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "HC" => Some(Self::HighConfidence),
            "LC" => Some(Self::LowConfidence),
            "OS" => Some(Self::OtherSplice),
            _ => None,
        }
    }
}

/// Which exon or intron of how many; a variant across several has the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rank {
    pub number: u16,
    pub of: Option<u16>,
}

impl Rank {
    /// Reads `3`, `3/21` or `3-5/21`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, of) = text
            .split_once('/')
            .map_or((text, None), |(number, of)| (number, of.parse().ok()));
        let number = number.split('-').next()?.parse().ok()?;
        Some(Self { number, of })
    }
}

impl<'r> Consequence<'r> {
    /// One of which nothing is known yet.
    fn new(annotator: Annotator, terms: TermSet) -> Self {
        Self {
            annotator,
            alternate: None,
            gene: None,
            gene_id: None,
            transcript: None,
            biotype: None,
            terms,
            impact: terms.impact(),
            canonical: false,
            mane: None,
            dna_change: None,
            protein_change: None,
            exon: None,
            intron: None,
            loftee: None,
            after_stop: false,
            frequencies: Vec::new(),
            clinical_significance: Vec::new(),
        }
    }

    /// The same, independent of the record's text.
    pub fn into_owned(self) -> Consequence<'static> {
        let owned = |text: Option<Cow<'r, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Consequence {
            annotator: self.annotator,
            alternate: self.alternate,
            gene: owned(self.gene),
            gene_id: owned(self.gene_id),
            transcript: owned(self.transcript),
            biotype: owned(self.biotype),
            terms: self.terms,
            impact: self.impact,
            canonical: self.canonical,
            mane: self.mane,
            dna_change: owned(self.dna_change),
            protein_change: owned(self.protein_change),
            exon: self.exon,
            intron: self.intron,
            loftee: self.loftee,
            after_stop: self.after_stop,
            frequencies: self.frequencies,
            clinical_significance: self.clinical_significance,
        }
    }

    /// Whether the consequence is (also) one of this alternate allele, counted from 1.
    pub fn concerns(&self, alternate: u16) -> bool {
        self.alternate.is_none_or(|of| of == alternate)
    }
}
