//! Counts of people and alleles, as they add up over nodes. The disclosure gate decides on these
//! alone.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The people of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PeopleCounts {
    /// Individuals, at most 2^31.
    pub individuals: u64,
    /// Individuals who have the disease, for a binary trait.
    pub cases: Option<u64>,
    /// Individuals of whom it is not known whether they have the disease: neither cases nor
    /// controls. They count as cases to the share that cases have among the others. 0 for a
    /// quantitative trait.
    pub unknown: u64,
    /// Sites that contributed.
    pub sites: u64,
}

impl PeopleCounts {
    /// Individuals without the disease, for a binary trait.
    pub fn controls(&self) -> Option<u64> {
        self.cases.map(|cases| {
            self.individuals
                .saturating_sub(cases)
                .saturating_sub(self.unknown)
        })
    }
}

/// The counts of one variant over the people of an analysis, diploid calls only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VariantCounts {
    /// Individuals with a complete call.
    pub called: u64,
    /// Copies of the alternate allele among the called, at most `2 * called`.
    pub allele_count: u64,
    /// Called individuals with two copies of the alternate allele.
    pub homozygotes: u64,
    /// Sites at which somebody of the analysis has a call of the variant, but for those that
    /// withhold it.
    pub sites: u64,
    /// Sites that withhold it, because its calls have changed for a few people since it was first
    /// shown, or because not all but a few have a call.
    pub withheld: u64,
    /// Sites of the run at which nobody has a call.
    pub lacking: u64,
    /// The same among cases, for a binary trait.
    pub cases: Option<CaseCounts>,
}

/// The counts of one variant among cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseCounts {
    pub called: u64,
    pub allele_count: u64,
}

/// The rule of the disclosure gate that a count did not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateRule {
    /// Too few individuals in all.
    Individuals,
    /// Too few individuals at a site.
    IndividualsPerSite,
    /// Too few cases or controls.
    Cell,
    /// Too few copies of the rarer allele.
    MinorAlleleCount,
    /// Too few copies of the rarer allele among cases.
    MinorAlleleCountInCases,
    /// Too few copies of the rarer allele among controls.
    MinorAlleleCountInControls,
    /// Too few people carry the rarer allele.
    Carriers,
    /// A few people have two copies of an allele, neither nobody nor enough.
    Homozygotes,
    /// A node of the run lacks it or withholds it: its calls have changed for a few people, or the
    /// node did not hold it before, since it was first shown; or a known part of the people has no
    /// call, and the sums would be over the rest of them. These are one rule, because a variant
    /// that went from one of them to another would tell of whoever left or came: of a file that
    /// lists what somebody carries, it is that person's variant.
    Withheld,
    /// Too few sites take part or count.
    Sites,
    /// More parameters than the individuals can carry.
    Parameters,
}

impl fmt::Display for GateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Individuals => "too few individuals",
            Self::IndividualsPerSite => "too few individuals at a site",
            Self::Cell => "too few cases or controls",
            Self::MinorAlleleCount => "too few copies of the minor allele",
            Self::MinorAlleleCountInCases => "too few copies of the minor allele among cases",
            Self::MinorAlleleCountInControls => "too few copies of the minor allele among controls",
            Self::Carriers => "too few carriers of the minor allele",
            Self::Homozygotes => "a few people only have two copies of an allele",
            Self::Withheld => {
                "not every site has calls that can be shown: one lacks the variant, has calls of fewer than nine people \
                 in ten, or its calls have changed for a few people since the variant was first shown"
            }
            Self::Sites => "too few sites: three must count that have not published their own counts",
            Self::Parameters => "too many parameters for the number of individuals",
        })
    }
}

impl VariantCounts {
    /// Frequency of the alternate allele among the called; `None` where nobody is called.
    pub fn allele_frequency(&self) -> Option<f64> {
        (self.called > 0).then(|| self.allele_count as f64 / (2 * self.called) as f64)
    }

    /// Copies of the rarer allele.
    pub fn minor_allele_count(&self) -> u64 {
        self.allele_count.min(self.reference_count())
    }

    /// Copies, among cases, of the allele that is rarer among all.
    pub fn minor_allele_count_in_cases(&self) -> Option<u64> {
        self.cases.map(|cases| {
            if self.allele_count <= self.reference_count() {
                cases.allele_count
            } else {
                (2 * cases.called).saturating_sub(cases.allele_count)
            }
        })
    }

    /// Copies, among controls and those of whom it is not known, of the allele that is rarer among
    /// all.
    pub fn minor_allele_count_in_controls(&self) -> Option<u64> {
        let in_cases = self.minor_allele_count_in_cases()?;
        Some(self.minor_allele_count().saturating_sub(in_cases))
    }

    /// Called individuals with two reference alleles.
    pub fn reference_homozygotes(&self) -> u64 {
        (self.called + self.homozygotes).saturating_sub(self.allele_count)
    }

    /// Called individuals with a copy of the rarer allele.
    pub fn carriers(&self) -> u64 {
        if self.allele_count <= self.reference_count() {
            self.allele_count.saturating_sub(self.homozygotes)
        } else {
            self.called.saturating_sub(self.homozygotes)
        }
    }

    /// Sum of squared alternate-allele dosages, g'g.
    pub fn squared_dosages(&self) -> u64 {
        self.allele_count + 2 * self.homozygotes
    }

    fn reference_count(&self) -> u64 {
        (2 * self.called).saturating_sub(self.allele_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_allele_is_the_rarer_one_among_all() {
        let counts = VariantCounts {
            called: 10,
            allele_count: 17,
            homozygotes: 8,
            sites: 3,
            withheld: 0,
            lacking: 0,
            cases: Some(CaseCounts {
                called: 4,
                allele_count: 6,
            }),
        };
        assert_eq!(counts.minor_allele_count(), 3);
        assert_eq!(counts.minor_allele_count_in_cases(), Some(2));
        assert_eq!(counts.minor_allele_count_in_controls(), Some(1));
        // Eight have two alternate alleles, one has one, one has none.
        assert_eq!((counts.reference_homozygotes(), counts.carriers()), (1, 2));
        assert_eq!(counts.squared_dosages(), 33);
        assert_eq!(counts.allele_frequency(), Some(0.85));
    }
}
