//! What a variant does to a gene, in the few classes that evidence is counted in, and who says so:
//! the file's own annotation, a sites file, or gene structures alone.

use ligate_formats::consequence::{Consequence, Loftee, SequenceOntologyTerm as So};

use super::gene_model::{ModelGene, Region};

/// Classes of effect, hardest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// A stop codon gained.
    Nonsense,
    Frameshift,
    /// One of the two intron bases beside an exon.
    SpliceSite,
    /// The start codon changed.
    StartCodon,
    /// The stop codon lost: the protein is longer.
    StopLost,
    /// An amino acid exchanged.
    Missense,
    /// A base change in the coding part that nobody read: silent, missense or nonsense.
    CodingUnread,
    InframeIndel,
    SpliceRegion,
    Synonymous,
    /// Untranslated, deeper in an intron, beside a gene, or in an RNA.
    Noncoding,
}

impl Effect {
    pub const ALL: [Self; 11] = [
        Self::Nonsense,
        Self::Frameshift,
        Self::SpliceSite,
        Self::StartCodon,
        Self::StopLost,
        Self::Missense,
        Self::CodingUnread,
        Self::InframeIndel,
        Self::SpliceRegion,
        Self::Synonymous,
        Self::Noncoding,
    ];

    /// Share of pathogenic small variants that are of this class, from the Human Gene Mutation
    /// Database's totals (Stenson et al., Human Genetics 139:1197, 2020: missense 49, nonsense 11,
    /// splicing 9, small deletions 15, insertions 6.5 and indels 1.5 percent of variants, of which
    /// one in eight keeps the frame; gross and regulatory variants left out). Classes overlap: what
    /// structures cannot read is the sum of what it may be.
    pub fn share_of_pathogenic(self) -> f64 {
        match self {
            Self::Nonsense => 0.115,
            Self::Frameshift => 0.21,
            Self::SpliceSite => 0.075,
            Self::StartCodon => 0.005,
            Self::StopLost => 0.003,
            Self::Missense => 0.51,
            Self::CodingUnread => 0.63,
            Self::InframeIndel => 0.03,
            Self::SpliceRegion => 0.02,
            Self::Synonymous => 0.005,
            Self::Noncoding => 0.02,
        }
    }

    /// Whether the gene's product is expected to be lost.
    pub fn is_loss_of_function(self) -> bool {
        matches!(self, Self::Nonsense | Self::Frameshift | Self::SpliceSite)
    }

    /// Whether chance hits grow with the number of coding bases; else with the number of exons.
    pub fn grows_with_coding_bases(self) -> bool {
        !matches!(
            self,
            Self::SpliceSite | Self::SpliceRegion | Self::Noncoding
        )
    }

    /// What a person reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nonsense => "nonsense",
            Self::Frameshift => "frameshift",
            Self::SpliceSite => "splice site",
            Self::StartCodon => "start codon",
            Self::StopLost => "stop codon lost",
            Self::Missense => "missense",
            Self::CodingUnread => "coding (silent, missense or nonsense: not told apart)",
            Self::InframeIndel => "in-frame indel",
            Self::SpliceRegion => "splice region",
            Self::Synonymous => "synonymous",
            Self::Noncoding => "non-coding",
        }
    }

    /// The class of an annotation's most severe term; `None` for what lies outside of genes.
    pub fn of_term(term: So) -> Option<Self> {
        Some(match term {
            So::StopGained => Self::Nonsense,
            So::Frameshift | So::TranscriptAblation | So::FeatureTruncation => Self::Frameshift,
            So::SpliceAcceptor | So::SpliceDonor => Self::SpliceSite,
            So::StartLost => Self::StartCodon,
            So::StopLost => Self::StopLost,
            So::Missense | So::ProteinAltering => Self::Missense,
            So::InframeInsertion | So::InframeDeletion => Self::InframeIndel,
            So::SpliceDonorFifthBase | So::SpliceRegion | So::SpliceDonorRegion => {
                Self::SpliceRegion
            }
            So::Synonymous | So::StopRetained | So::StartRetained | So::IncompleteTerminalCodon => {
                Self::Synonymous
            }
            So::CodingSequence => Self::CodingUnread,
            So::MatureMicroRna
            | So::FivePrimeUtr
            | So::ThreePrimeUtr
            | So::NonCodingTranscriptExon
            | So::SplicePolypyrimidineTract
            | So::Intron
            | So::NmdTranscript
            | So::NonCodingTranscript
            | So::CodingTranscript => Self::Noncoding,
            _ => return None,
        })
    }
}

impl From<Region> for Effect {
    fn from(region: Region) -> Self {
        match region {
            Region::SpliceSite => Self::SpliceSite,
            Region::Frameshift => Self::Frameshift,
            Region::StartCodon => Self::StartCodon,
            Region::InframeIndel => Self::InframeIndel,
            Region::Coding => Self::CodingUnread,
            Region::SpliceRegion => Self::SpliceRegion,
            Region::FivePrimeUtr | Region::ThreePrimeUtr | Region::Intron => Self::Noncoding,
        }
    }
}

/// Who says what a variant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EffectSource {
    /// The file's own annotation (VEP, snpEff or bcftools csq).
    Annotation,
    /// A sites file that lists the allele.
    Sites,
    /// Gene structures alone.
    Structures,
}

/// What a variant does to one gene.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneEffect {
    pub gene: ModelGene,
    pub effect: Effect,
    pub source: EffectSource,
    /// Whether the gene's canonical transcript is hit as hard.
    pub canonical: bool,
    /// LOFTEE's view of a loss of function.
    pub loftee: Option<Loftee>,
    /// Transcript and change as the annotation writes them (HGVS), for display.
    pub description: Option<Box<str>>,
}

/// Finds a gene by symbol or Ensembl id.
pub type FindGene<'f> = dyn Fn(Option<&str>, Option<&str>) -> Option<ModelGene> + 'f;

/// The effects that a file's annotation gives allele `alternate` (from 1), each gene once with its
/// hardest; `gene` finds a gene by symbol or Ensembl id.
pub fn annotated(
    consequences: &[Consequence<'_>],
    alternate: u16,
    gene: &FindGene<'_>,
) -> Vec<GeneEffect> {
    let mut effects: Vec<GeneEffect> = Vec::new();
    for consequence in consequences
        .iter()
        .filter(|consequence| consequence.concerns(alternate))
    {
        let found = gene(consequence.gene.as_deref(), consequence.gene_id.as_deref());
        let effect = consequence.terms.iter().filter_map(Effect::of_term).min();
        let (Some(gene), Some(effect)) = (found, effect) else {
            continue;
        };
        if !is_protein_coding(consequence) && effect != Effect::Noncoding {
            continue;
        }
        add(&mut effects, described(gene, effect, consequence));
    }
    effects.sort_by_key(|effect| (effect.effect, effect.gene));
    effects
}

/// Consequences on transcripts that make no protein (or are not said to) count only as non-coding.
fn is_protein_coding(consequence: &Consequence<'_>) -> bool {
    consequence.biotype.as_deref().is_none_or(|biotype| {
        biotype.eq_ignore_ascii_case("protein_coding") || biotype.eq_ignore_ascii_case("CODING")
    })
}

fn described(gene: ModelGene, effect: Effect, consequence: &Consequence<'_>) -> GeneEffect {
    let change = [&consequence.dna_change, &consequence.protein_change];
    let words = std::iter::once(&consequence.transcript)
        .chain(change)
        .flatten()
        .map(|word| word.as_ref());
    let description = words.collect::<Vec<_>>().join(" ");
    GeneEffect {
        gene,
        effect,
        source: EffectSource::Annotation,
        canonical: consequence.canonical || consequence.mane.is_some(),
        loftee: consequence.loftee,
        description: (!description.is_empty()).then(|| description.into()),
    }
}

fn add(effects: &mut Vec<GeneEffect>, new: GeneEffect) {
    match effects.iter_mut().find(|known| known.gene == new.gene) {
        None => effects.push(new),
        Some(known) => {
            let harder = (new.effect, !new.canonical) < (known.effect, !known.canonical);
            if harder {
                *known = new;
            }
        }
    }
}
