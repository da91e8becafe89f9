//! What people look at: a Manhattan and a QQ plot per trait as SVG, and one HTML page that says
//! what was asked, what came out, where the result stands and how far to trust it.
//!
//! This module takes plain values and gives back text. It computes no statistic, reads no file and
//! decides nothing about disclosure: whoever calls it has numbers that passed the gate, or marks
//! them as local. The page is one file without scripts or addresses elsewhere, so that it can be
//! archived and opened anywhere. Every text from outside is escaped.

mod band;
mod components;
pub mod diagnosis;
mod figures;
mod labels;
mod lead;
mod manhattan;
mod page;
mod qq;
mod scale;
mod svg;
mod tables;
mod thinning;

pub use lead::{GENOME_WIDE, LEAD_WINDOW, SUGGESTIVE, is_strongest_within, lead_variants};
pub use manhattan::manhattan;
pub use page::page;
pub use qq::qq;

/// A report on one or more traits that were studied in one run or one session.
#[derive(Clone, Debug)]
pub struct Report {
    pub title: String,
    pub status: Status,
    /// Year-month-day, UTC.
    pub date: String,
    pub assembly: String,
    pub traits: Vec<Trait>,
    pub nodes: Vec<Node>,
    /// What the disclosure gate asked for: rule and value. Empty where no gate was applied.
    pub thresholds: Vec<(String, String)>,
    /// Permit, job hashes, software version: name and value.
    pub provenance: Vec<(String, String)>,
}

/// Where the numbers stand. Neither is for export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Computed on own data; nothing passed a gate.
    Local,
    /// Passed the gate under a permit; for those inside its secure processing environment.
    Inside { permit: String },
}

/// One trait's result.
#[derive(Clone, Debug)]
pub struct Trait {
    pub name: String,
    pub method: Method,
    pub covariates: Vec<String>,
    pub people: u64,
    /// People with the disease, for a binary trait.
    pub cases: Option<u64>,
    pub sites_answered: u64,
    pub sites_asked: u64,
    /// In genomic order.
    pub associations: Vec<Association>,
    /// Reason and number of keys without a result.
    pub suppressed: Vec<(String, u64)>,
    /// Genomic inflation: median of the squared test statistics over its expectation.
    pub lambda: f64,
    /// The comparison with pooled data, which only the demo can make.
    pub identity: Option<Identity>,
    /// Effects that are known to be in simulated data; empty for real data.
    pub planted: Vec<Planted>,
    /// Names of the files beside the report.
    pub files: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Linear,
    Logistic,
}

/// Where a variant is and what it is. Chromosomes are numbers: X = 23, Y = 24, MT = 25.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub chromosome: u8,
    pub position: u32,
    pub reference: String,
    pub alternate: String,
}

/// One variant's association. Effects are per copy of the alternate allele.
#[derive(Clone, Debug)]
pub struct Association {
    pub place: Place,
    /// The name to show, such as an rs number.
    pub id: Option<String>,
    pub beta: f64,
    pub standard_error: f64,
    pub neg_log10_p: f64,
    pub allele_frequency: f64,
    pub n: u64,
    pub sites: u64,
    /// "linear", "score" or "wald".
    pub test: String,
    /// Beta and standard error of the inverse-variance meta-analysis.
    pub baseline: Option<(f64, f64)>,
}

/// How the federated result compares with the pooled one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub compared: u64,
    pub different: u64,
    pub pooled_only: u64,
    pub federated_only: u64,
}

/// An effect that a simulation put in.
#[derive(Clone, Debug)]
pub struct Planted {
    pub place: Place,
    pub effect: f64,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub name: String,
    pub country: String,
    pub dataset: String,
    /// The first digits of the snapshot's digest.
    pub snapshot: String,
    /// Only where it was released.
    pub people: Option<u64>,
    pub answered: bool,
}

impl Place {
    /// "8:5648090", with X, Y and MT as people write them.
    fn position_label(&self) -> String {
        format!("{}:{}", chromosome_name(self.chromosome), self.position)
    }
}

impl Association {
    /// The name if there is one, else the position.
    fn label(&self) -> String {
        self.id
            .clone()
            .unwrap_or_else(|| self.place.position_label())
    }
}

fn chromosome_name(code: u8) -> String {
    match code {
        23 => "X".to_owned(),
        24 => "Y".to_owned(),
        25 => "MT".to_owned(),
        code => code.to_string(),
    }
}

#[cfg(test)]
mod example;
