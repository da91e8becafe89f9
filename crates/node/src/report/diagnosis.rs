//! One patient's diagnosis as plain values: what the terminal, the JSON file and the HTML page
//! show. The JSON is also what a later report compares itself with.
//!
//! Nothing is computed here but what changed between two reports. Everything in it is personal
//! data: whoever writes it to a file does so with mode 0600.

mod changes;
mod page;
mod picture;
mod terminal;

use serde::{Deserialize, Serialize};

pub use changes::changes;
pub use page::page;
pub use terminal::terminal;

/// What stands on every report.
pub const NOTICE: &str =
    "research use only; not a medical device; confirm in an accredited laboratory";

/// Name of the JSON's form. A previous report of another form is refused.
pub const FORM: &str = "ligate-diagnosis/1";

/// A diagnosis of one patient.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Diagnosis {
    pub form: String,
    pub notice: String,
    /// Year-month-day, UTC.
    pub date: String,
    /// Program, ontology, annotations, model, peers' tables: what and which version.
    pub versions: Vec<Version>,
    pub patient: Patient,
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// Probability that the disease is none of the candidates.
    pub none_of_these: f64,
    /// How many of the leading candidates hold 90% of the probability.
    pub candidates_for_90_percent: usize,
    /// Whether "none of these" is needed for that.
    pub none_in_90_percent: bool,
    /// Genes best first: the sum over their diseases.
    pub genes: Vec<GeneProbability>,
    /// What to look at next to tell the leading candidates apart.
    pub examine_next: Vec<Examination>,
    pub genome: Option<Genome>,
    pub panel: Option<Panel>,
    pub network: Option<Network>,
    /// What changed since the previous report.
    #[serde(default)]
    pub changes: Option<Changes>,
    /// What was noticed in the input, one sentence each.
    pub notes: Vec<String>,
    /// What the probabilities and the ranking assume.
    pub limits: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub what: String,
    pub which: String,
}

impl Candidate {
    /// The gene to name first, and how many more there are.
    fn gene_words(&self) -> String {
        match (&self.gene, self.genes.len()) {
            (None, _) => "\u{2013}".to_owned(),
            (Some(gene), 0 | 1) => gene.clone(),
            (Some(gene), all) => format!("{gene} +{}", all - 1),
        }
    }
}

impl Diagnosis {
    /// The smallest set that holds 90% of the probability, in words.
    fn ninety_percent(&self) -> String {
        let candidates = match self.candidates_for_90_percent {
            0 => {
                return "\u{201c}None of these\u{201d} alone holds 90% of the probability."
                    .to_owned();
            }
            1 => "The first candidate".to_owned(),
            several => format!("The first {several} candidates"),
        };
        let none = if self.none_in_90_percent {
            " and \u{201c}none of these\u{201d}"
        } else {
            ""
        };
        let verb = if none.is_empty() && self.candidates_for_90_percent == 1 {
            "holds"
        } else {
            "hold"
        };
        let before = if self.panel.is_some() {
            " before the panel was applied"
        } else {
            ""
        };
        format!("{candidates}{none} {verb} 90% of the probability{before}.")
    }
}

/// What was said of the patient, in the words of the ontology.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Patient {
    pub id: String,
    pub sex: Option<String>,
    pub age: Option<String>,
    pub observed: Vec<TermName>,
    pub excluded: Vec<TermName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermName {
    pub id: String,
    pub name: String,
}

/// One disease that may explain the patient.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// From 1.
    pub rank: usize,
    /// The disease's id, as OMIM:101600.
    pub disease: String,
    pub name: String,
    /// Symbol of the gene: the one with the best variant, else the first that is linked; none where
    /// none is known.
    pub gene: Option<String>,
    /// All genes linked to the disease.
    pub genes: Vec<String>,
    pub inheritance: Vec<String>,
    pub probability: f64,
    /// S, the log likelihood ratio of the phenotype (natural logarithm).
    pub score: f64,
    /// What the re-ranker adds to S, with its parts.
    pub shift: Shift,
    /// One for each observed term; they sum to `score`.
    pub contributions: Vec<Contribution>,
    /// Frequent features of the disease that were neither observed nor excluded.
    pub missing: Vec<Feature>,
    /// Features of the disease that were looked for and not found.
    pub against: Vec<Feature>,
    /// Variants in its genes that fit, best first.
    pub variants: Vec<Variant>,
    /// Observed terms that the disease leaves unexplained.
    pub unexplained: Vec<TermName>,
    /// Rank without any peer's counts, where peers' counts were used.
    #[serde(default)]
    pub rank_alone: Option<usize>,
}

/// The re-ranker's part of a candidate's score.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Shift {
    pub total: f64,
    pub parts: Vec<(String, f64)>,
}

/// What one observed term adds to a disease's score.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contribution {
    pub term: TermName,
    /// Natural logarithm; all of a candidate sum to its score.
    pub value: f64,
    /// How S changes when the term is removed and an observed ancestor takes its place.
    pub if_removed: f64,
    /// The annotated feature that matched.
    pub matched: Option<TermName>,
    /// How many of how many patients have it, or the stated share, in words.
    pub frequency: Option<String>,
    pub references: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Feature {
    pub term: TermName,
    /// Share of the disease's patients, 0 to 1.
    pub frequency: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GeneProbability {
    pub gene: String,
    pub probability: f64,
}

/// A feature to examine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Examination {
    pub term: TermName,
    /// Expected information gain over the leading candidates.
    pub bits: f64,
    /// Chance that the answer is yes.
    pub expected: f64,
    /// The leading candidates for which it would speak.
    pub speaks_for: Vec<String>,
}

/// A variant of the patient in a candidate's gene.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variant {
    pub gene: String,
    /// chromosome:position reference>alternate, position from 1 in `assembly`.
    pub variant: String,
    pub assembly: String,
    pub zygosity: String,
    /// What it does, with where that is known from.
    pub consequence: String,
    pub hgvs: Option<String>,
    pub frequency: String,
    /// Mode of inheritance that fits, and the second variant of a compound pair.
    pub inheritance: String,
    pub acmg: Option<Acmg>,
    pub notes: Vec<String>,
}

/// The ACMG/AMP criteria of a variant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Acmg {
    pub class: String,
    pub points: i32,
    pub criteria: Vec<Criterion>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Criterion {
    pub name: String,
    pub status: Standing,
    pub reason: String,
}

/// Whether a criterion holds of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    #[serde(rename = "met")]
    Met,
    #[serde(rename = "not met")]
    NotMet,
    #[serde(rename = "not assessable")]
    NotAssessable,
}

impl Standing {
    pub const ALL: [Self; 3] = [Self::Met, Self::NotMet, Self::NotAssessable];

    pub const fn words(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::NotAssessable => "not assessable",
        }
    }
}

/// What the genome could and could not say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Genome {
    pub assembly: String,
    pub records: u64,
    /// Variants left after quality, frequency and consequence.
    pub considered: u64,
    pub sources: Vec<String>,
    /// What was not interpreted, and how many records.
    pub not_interpreted: Vec<(String, u64)>,
    /// Genes of leading candidates in which the file shows no call: "no variant" is not "normal".
    pub perhaps_not_covered: Vec<String>,
    pub warnings: Vec<String>,
    /// Genes without a known disease whose variants are remarkable.
    pub unknown_genes: Vec<Variant>,
    /// Two diseases that together explain what one leaves open.
    pub two_diagnoses: Option<String>,
    /// Findings that do not fit the phenotype: how many are hidden, and themselves where asked for.
    pub incidental_hidden: usize,
    pub incidental: Vec<Variant>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Panel {
    pub name: String,
    pub genes: usize,
    /// Lines of the panel that name no known gene.
    pub unknown: Vec<String>,
    /// Candidates outside the panel, best first, with rank and probability before the panel was
    /// applied.
    pub outside: Vec<(usize, String, f64)>,
}

/// What peers' counts did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    pub peers: Vec<PeerUse>,
    /// Ranks of the leading candidates with all peers, with none and without each peer in turn.
    pub ranks: Vec<RankByPeers>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeerUse {
    pub name: String,
    pub fetched: String,
    pub diseases: usize,
    pub counts: usize,
    /// Why its table was not used, if it was not.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RankByPeers {
    pub disease: String,
    pub with_all: usize,
    pub with_none: usize,
    /// Peer and the rank without it.
    pub without: Vec<(String, usize)>,
}

/// What differs from an earlier report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    pub since: String,
    pub versions: Vec<String>,
    pub terms: Vec<String>,
    pub candidates: Vec<String>,
}

#[cfg(test)]
mod example;
