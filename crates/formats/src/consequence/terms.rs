//! Terms of the Sequence Ontology that annotators use, in the order of severity and with the
//! impacts that Ensembl publishes ("Calculated consequences",
//! ensembl.org/info/genome/variation/prediction/predicted_data.html, release 110). Terms of
//! snpEff's and bcftools' own are read as the nearest of these.

use std::fmt;

/// How much harm a kind of consequence does, as Ensembl classes it; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impact {
    High,
    Moderate,
    Low,
    Modifier,
}

impl Impact {
    /// Reads HIGH, MODERATE, LOW or MODIFIER.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "HIGH" => Some(Self::High),
            "MODERATE" => Some(Self::Moderate),
            "LOW" => Some(Self::Low),
            "MODIFIER" => Some(Self::Modifier),
            _ => None,
        }
    }
}

macro_rules! terms {
    ($($term:ident, $name:literal, $impact:ident;)*) => {
        /// One kind of consequence; the most severe first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum SequenceOntologyTerm {
            $(#[doc = $name] $term,)*
        }

        impl SequenceOntologyTerm {
            /// All, the most severe first.
            pub const ALL: &[Self] = &[$(Self::$term,)*];

            /// The ontology's name, "missense_variant".
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$term => $name,)*
                }
            }

            pub fn impact(self) -> Impact {
                match self {
                    $(Self::$term => Impact::$impact,)*
                }
            }

            fn by_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$term),)*
                    _ => None,
                }
            }
        }
    };
}

terms! {
    TranscriptAblation, "transcript_ablation", High;
    SpliceAcceptor, "splice_acceptor_variant", High;
    SpliceDonor, "splice_donor_variant", High;
    StopGained, "stop_gained", High;
    Frameshift, "frameshift_variant", High;
    StopLost, "stop_lost", High;
    StartLost, "start_lost", High;
    TranscriptAmplification, "transcript_amplification", High;
    FeatureElongation, "feature_elongation", High;
    FeatureTruncation, "feature_truncation", High;
    InframeInsertion, "inframe_insertion", Moderate;
    InframeDeletion, "inframe_deletion", Moderate;
    Missense, "missense_variant", Moderate;
    ProteinAltering, "protein_altering_variant", Moderate;
    SpliceDonorFifthBase, "splice_donor_5th_base_variant", Low;
    SpliceRegion, "splice_region_variant", Low;
    SpliceDonorRegion, "splice_donor_region_variant", Low;
    SplicePolypyrimidineTract, "splice_polypyrimidine_tract_variant", Low;
    IncompleteTerminalCodon, "incomplete_terminal_codon_variant", Low;
    StartRetained, "start_retained_variant", Low;
    StopRetained, "stop_retained_variant", Low;
    Synonymous, "synonymous_variant", Low;
    CodingSequence, "coding_sequence_variant", Modifier;
    MatureMicroRna, "mature_miRNA_variant", Modifier;
    FivePrimeUtr, "5_prime_UTR_variant", Modifier;
    ThreePrimeUtr, "3_prime_UTR_variant", Modifier;
    NonCodingTranscriptExon, "non_coding_transcript_exon_variant", Modifier;
    Intron, "intron_variant", Modifier;
    NmdTranscript, "NMD_transcript_variant", Modifier;
    NonCodingTranscript, "non_coding_transcript_variant", Modifier;
    CodingTranscript, "coding_transcript_variant", Modifier;
    UpstreamGene, "upstream_gene_variant", Modifier;
    DownstreamGene, "downstream_gene_variant", Modifier;
    BindingSiteAblation, "TFBS_ablation", Modifier;
    BindingSiteAmplification, "TFBS_amplification", Modifier;
    TfBindingSite, "TF_binding_site_variant", Modifier;
    RegulatoryRegionAblation, "regulatory_region_ablation", Modifier;
    RegulatoryRegionAmplification, "regulatory_region_amplification", Modifier;
    RegulatoryRegion, "regulatory_region_variant", Modifier;
    Intergenic, "intergenic_variant", Modifier;
    Sequence, "sequence_variant", Modifier;
}

impl SequenceOntologyTerm {
    /// Reads a term as VEP, snpEff (old names too), `bcftools csq` and gnomAD's tables write it.
    /// Nothing for a name that none of them has.
    pub fn parse(text: &str) -> Option<Self> {
        Self::by_name(text)
            .or_else(|| synonym(text))
            .or_else(|| Self::relaxed(text))
    }

    /// Names with other capitals, spaces for underscores or without "variant": "missense", "3'
    /// UTR", "non_coding".
    fn relaxed(text: &str) -> Option<Self> {
        let name = text
            .to_ascii_lowercase()
            .replace(['-', ' '], "_")
            .replace("'_utr", "_prime_utr");
        let is_same = |term: &&Self| {
            let known = term.name().to_ascii_lowercase();
            known == name || known.strip_suffix("_variant") == Some(&name)
        };
        Self::ALL
            .iter()
            .find(is_same)
            .copied()
            .or_else(|| synonym(&name))
    }
}

impl fmt::Display for SequenceOntologyTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names that are not Ensembl's: snpEff's (pcingola.github.io/SnpEff/snpeff/inputoutput, both
/// lists) and bcftools'.
fn synonym(text: &str) -> Option<SequenceOntologyTerm> {
    use SequenceOntologyTerm as Term;
    Some(match text {
        "missense" => Term::Missense,
        "synonymous" => Term::Synonymous,
        "intron" => Term::Intron,
        "3_prime_utr" => Term::ThreePrimeUtr,
        "5_prime_utr" => Term::FivePrimeUtr,
        "CHROMOSOME_LARGE_DELETION" => Term::TranscriptAblation,
        "exon_loss_variant" | "EXON_DELETED" => Term::FeatureTruncation,
        "chromosome"
        | "chromosome_number_variation"
        | "duplication"
        | "inversion"
        | "gene_fusion"
        | "rearranged_at_DNA_level"
        | "bidirectional_gene_fusion"
        | "transcript_variant"
        | "gene_variant"
        | "TRANSCRIPT"
        | "GENE"
        | "sequence_feature"
        | "CUSTOM"
        | "custom"
        | "protein_protein_contact"
        | "structural_interaction_variant"
        | "NONE"
        | "none" => Term::Sequence,
        "rare_amino_acid_variant"
        | "RARE_AMINO_ACID"
        | "NON_SYNONYMOUS_CODING"
        | "NON_SYNONYMOUS_START"
        | "initiator_codon_variant" => Term::Missense,
        "disruptive_inframe_insertion"
        | "conservative_inframe_insertion"
        | "CODON_INSERTION"
        | "CODON_CHANGE_PLUS_CODON_INSERTION" => Term::InframeInsertion,
        "disruptive_inframe_deletion"
        | "conservative_inframe_deletion"
        | "CODON_DELETION"
        | "CODON_CHANGE_PLUS_CODON_DELETION" => Term::InframeDeletion,
        "inframe_altering" => Term::ProteinAltering,
        "CDS" | "CODON_CHANGE" => Term::CodingSequence,
        "FRAME_SHIFT" | "frameshift_truncation" | "frameshift_elongation" => Term::Frameshift,
        "SPLICE_SITE_ACCEPTOR" => Term::SpliceAcceptor,
        "SPLICE_SITE_DONOR" => Term::SpliceDonor,
        "SPLICE_SITE_REGION"
        | "SPLICE_SITE_BRANCH"
        | "SPLICE_SITE_BRANCH_U12"
        | "splice_branch_variant" => Term::SpliceRegion,
        "SYNONYMOUS_CODING" => Term::Synonymous,
        "SYNONYMOUS_START" | "non_canonical_start_codon" => Term::StartRetained,
        "SYNONYMOUS_STOP" | "NON_SYNONYMOUS_STOP" => Term::StopRetained,
        "START_GAINED"
        | "UTR_5_PRIME"
        | "UTR_5_DELETED"
        | "5_prime_UTR_truncation"
        | "5_prime_UTR_premature_start_codon_gain_variant" => Term::FivePrimeUtr,
        "UTR_3_PRIME" | "UTR_3_DELETED" | "3_prime_UTR_truncation" => Term::ThreePrimeUtr,
        "EXON"
        | "exon_variant"
        | "exon_region"
        | "non_coding_exon_variant"
        | "non_coding_transcript_exon" => Term::NonCodingTranscriptExon,
        "non_coding" | "nc_transcript_variant" => Term::NonCodingTranscript,
        "INTRON_CONSERVED" | "conserved_intron_variant" => Term::Intron,
        "INTERGENIC_CONSERVED" | "conserved_intergenic_variant" | "intergenic_region" => {
            Term::Intergenic
        }
        "INTRAGENIC" | "intragenic_variant" => Term::NonCodingTranscript,
        "MICRO_RNA" | "miRNA" => Term::MatureMicroRna,
        "REGULATION" => Term::RegulatoryRegion,
        "UPSTREAM" | "upstream" => Term::UpstreamGene,
        "DOWNSTREAM" | "downstream" => Term::DownstreamGene,
        _ => return None,
    })
}

/// A set of terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TermSet(u64);

impl TermSet {
    /// Reads terms that are joined by one of `separators`; names that are not known count as
    /// `sequence_variant`, so that a consequence never goes unseen.
    pub fn parse(text: &str, separators: &[char]) -> Self {
        let names = text.split(separators).filter(|name| !name.is_empty());
        names
            .map(|name| SequenceOntologyTerm::parse(name).unwrap_or(SequenceOntologyTerm::Sequence))
            .collect()
    }

    pub fn contains(self, term: SequenceOntologyTerm) -> bool {
        self.0 & (1 << term as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The terms, the most severe first.
    pub fn iter(self) -> impl Iterator<Item = SequenceOntologyTerm> {
        SequenceOntologyTerm::ALL
            .iter()
            .copied()
            .filter(move |term| self.contains(*term))
    }

    pub fn most_severe(self) -> Option<SequenceOntologyTerm> {
        SequenceOntologyTerm::ALL
            .get(self.0.trailing_zeros() as usize)
            .copied()
    }

    /// The impact of the most severe term.
    pub fn impact(self) -> Impact {
        self.most_severe()
            .map_or(Impact::Modifier, SequenceOntologyTerm::impact)
    }
}

impl FromIterator<SequenceOntologyTerm> for TermSet {
    fn from_iter<I: IntoIterator<Item = SequenceOntologyTerm>>(terms: I) -> Self {
        Self(terms.into_iter().fold(0, |set, term| set | 1 << term as u8))
    }
}
