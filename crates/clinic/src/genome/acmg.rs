//! ACMG/AMP criteria (Richards et al., Genetics in Medicine 17:405, 2015) for one variant and one
//! disease: each met, not met or not assessable with what is at hand, with its reason, and the
//! class by points (Tavtigian et al., Human Mutation 41:1734, 2020).
//!
//! PP4 is stated and never added, because the ranking's score has the phenotype already. PP5 and
//! BP6 are not used: they hand on somebody else's conclusion. ClinVar is not read here at all. Gene
//! structures alone never give PVS1, and counts of the network never give PM2. Criteria that need
//! functional studies, case series or prediction scores are not assessable. This is an aid to a
//! geneticist's classification, not one.

mod assess;
mod frequency;

pub use assess::{AcmgContext, assess};

/// A criterion that can be assessed here, or that is named because it is left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// Loss of function where that is the mechanism.
    Pvs1,
    /// New, with confirmed parents.
    Ps2,
    Ps1,
    Ps3,
    Ps4,
    Pm1,
    /// Absent from controls, or extremely rare if recessive.
    Pm2,
    /// In trans with a pathogenic variant.
    Pm3,
    /// Protein length changed.
    Pm4,
    Pm5,
    /// New, parents not confirmed.
    Pm6,
    /// Cosegregates in the family.
    Pp1,
    /// Missense in a gene that tolerates little of it.
    Pp2,
    Pp3,
    Pp4,
    Pp5,
    /// Frequency above 5%.
    Ba1,
    /// Frequency greater than expected for the disorder.
    Bs1,
    /// Seen in a healthy adult with full penetrance.
    Bs2,
    Bs3,
    /// Lack of segregation.
    Bs4,
    /// Missense where only truncation causes disease.
    Bp1,
    /// In trans with a pathogenic dominant variant, or in cis.
    Bp2,
    /// In-frame indel in a repeat.
    Bp3,
    Bp4,
    Bp5,
    Bp6,
    /// Synonymous without predicted effect on splicing.
    Bp7,
}

impl Criterion {
    /// As geneticists write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pvs1 => "PVS1",
            Self::Ps1 => "PS1",
            Self::Ps2 => "PS2",
            Self::Ps3 => "PS3",
            Self::Ps4 => "PS4",
            Self::Pm1 => "PM1",
            Self::Pm2 => "PM2",
            Self::Pm3 => "PM3",
            Self::Pm4 => "PM4",
            Self::Pm5 => "PM5",
            Self::Pm6 => "PM6",
            Self::Pp1 => "PP1",
            Self::Pp2 => "PP2",
            Self::Pp3 => "PP3",
            Self::Pp4 => "PP4",
            Self::Pp5 => "PP5",
            Self::Ba1 => "BA1",
            Self::Bs1 => "BS1",
            Self::Bs2 => "BS2",
            Self::Bs3 => "BS3",
            Self::Bs4 => "BS4",
            Self::Bp1 => "BP1",
            Self::Bp2 => "BP2",
            Self::Bp3 => "BP3",
            Self::Bp4 => "BP4",
            Self::Bp5 => "BP5",
            Self::Bp6 => "BP6",
            Self::Bp7 => "BP7",
        }
    }

    /// Why a criterion that nothing here can assess is not assessable; `None` for those that are
    /// assessed.
    fn left_out(self) -> Option<&'static str> {
        Some(match self {
            Self::Ps1 | Self::Pm5 => "no list of pathogenic amino-acid changes is read",
            Self::Ps3 | Self::Bs3 => "needs functional studies",
            Self::Ps4 => "needs case series",
            Self::Pm1 => "needs a map of hot spots and domains",
            Self::Pp3 | Self::Bp4 => "no prediction score is read",
            Self::Pp4 => "used already: the ranking's score contains the phenotype",
            Self::Pp5 | Self::Bp6 => "not used: it hands on another laboratory's conclusion",
            Self::Bp1 => "needs the gene's spectrum of variants",
            Self::Bp3 => "needs the reference sequence",
            Self::Bp5 => "needs another diagnosis that is confirmed",
            _ => return None,
        })
    }
}

/// How much a criterion weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    Supporting,
    Moderate,
    Strong,
    VeryStrong,
    /// BA1.
    StandAlone,
}

impl Strength {
    fn points(self) -> i32 {
        match self {
            Self::Supporting => 1,
            Self::Moderate => 2,
            Self::Strong => 4,
            Self::VeryStrong | Self::StandAlone => 8,
        }
    }
}

/// What came of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Met(Strength),
    NotMet,
    NotAssessable,
}

/// A criterion with its outcome and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub criterion: Criterion,
    pub status: Status,
    pub reason: String,
}

/// Classes by points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Benign,
    LikelyBenign,
    Uncertain,
    LikelyPathogenic,
    Pathogenic,
}

impl Class {
    /// Tavtigian 2020, Table 2; BA1 alone is benign.
    pub fn of_points(points: i32) -> Self {
        match points {
            10.. => Self::Pathogenic,
            6..=9 => Self::LikelyPathogenic,
            0..=5 => Self::Uncertain,
            -6..=-1 => Self::LikelyBenign,
            _ => Self::Benign,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::LikelyBenign => "likely benign",
            Self::Uncertain => "uncertain significance",
            Self::LikelyPathogenic => "likely pathogenic",
            Self::Pathogenic => "pathogenic",
        }
    }
}

/// All criteria of one variant for one disease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Every criterion once, in the guideline's order.
    pub judgements: Vec<Judgement>,
    pub points: i32,
    pub class: Class,
}

impl Assessment {
    fn of(judgements: Vec<Judgement>) -> Self {
        let stand_alone = judgements
            .iter()
            .any(|judgement| judgement.status == Status::Met(Strength::StandAlone));
        let points = judgements.iter().map(Judgement::points).sum();
        let class = if stand_alone {
            Class::Benign
        } else {
            Class::of_points(points)
        };
        Self {
            judgements,
            points,
            class,
        }
    }

    /// What was met, by name.
    pub fn met(&self) -> impl Iterator<Item = &Judgement> {
        self.judgements
            .iter()
            .filter(|judgement| matches!(judgement.status, Status::Met(_)))
    }
}

impl Judgement {
    fn points(&self) -> i32 {
        let Status::Met(strength) = self.status else {
            return 0;
        };
        if self.criterion >= Criterion::Ba1 {
            -strength.points()
        } else {
            strength.points()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_tavtigians() {
        for (points, class) in [
            (10, Class::Pathogenic),
            (9, Class::LikelyPathogenic),
            (6, Class::LikelyPathogenic),
            (5, Class::Uncertain),
            (0, Class::Uncertain),
            (-1, Class::LikelyBenign),
            (-6, Class::LikelyBenign),
            (-7, Class::Benign),
        ] {
            assert_eq!(Class::of_points(points), class, "{points}");
        }
    }
}
