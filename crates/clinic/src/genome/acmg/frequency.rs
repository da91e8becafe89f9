//! The criteria of frequency: PM2, BA1, BS1. Only a source that covers the place says that a
//! variant is rare; counts of the network may say that it is common. The frequency of a place
//! without alleles may be another allele's and meets nothing.

use super::{Criterion, Judgement, Status, Strength};
use crate::genome::{
    burden::Mode,
    frequency::{Rarity, RaritySource},
};

/// BA1's threshold (Richards 2015).
const BENIGN_ALONE: f64 = 0.05;
/// Frequencies above which an allele is more frequent than a rare disease allows: a dominant one of
/// one patient in 5,000 with one allele in ten of them, a recessive one of one in 10,000 (square
/// root) with one allele in two.
const TOO_FREQUENT_DOMINANT: f64 = 0.0005;
const TOO_FREQUENT_RECESSIVE: f64 = 0.005;
/// PM2 for recessive diseases: extremely rare (ClinGen's recommendation for PM2, version 1.0, 2020:
/// supporting).
const RARE_RECESSIVE: f64 = 0.0001;

pub(super) fn judge(rarity: Rarity, mode: Mode) -> [Judgement; 3] {
    [
        rare(rarity, mode),
        benign_alone(rarity),
        too_frequent(rarity, mode),
    ]
}

fn judgement(criterion: Criterion, status: Status, reason: impl Into<String>) -> Judgement {
    Judgement {
        criterion,
        status,
        reason: reason.into(),
    }
}

fn is_recessive(mode: Mode) -> bool {
    matches!(mode, Mode::Recessive | Mode::XRecessive)
}

fn rare(rarity: Rarity, mode: Mode) -> Judgement {
    let limit = if is_recessive(mode) {
        RARE_RECESSIVE
    } else {
        0.0
    };
    let (status, reason) = match rarity {
        Rarity::Measured {
            frequency,
            source: RaritySource::File | RaritySource::Sites,
        } if frequency <= limit => (
            Status::Met(Strength::Supporting),
            format!("measured at {frequency:.1e}"),
        ),
        Rarity::Measured { frequency, .. } | Rarity::AtLeast { frequency, .. }
            if frequency > limit =>
        {
            (Status::NotMet, format!("frequency {frequency:.1e} or more"))
        }
        Rarity::Below {
            frequency,
            source: RaritySource::Sites,
        } if frequency <= limit => (
            Status::Met(Strength::Supporting),
            format!("below {frequency:.1e} in a source that covers the place"),
        ),
        Rarity::Below { frequency, .. } => (
            Status::NotAssessable,
            format!(
                "the source lists only what is more frequent than {frequency:.1e}: not the same as absent"
            ),
        ),
        Rarity::AtLeast {
            source: RaritySource::Network,
            ..
        } => (
            Status::NotAssessable,
            "the network's counts cannot show that a variant is rare".to_owned(),
        ),
        _ => (
            Status::NotAssessable,
            "no source of frequencies covers the place".to_owned(),
        ),
    };
    judgement(Criterion::Pm2, status, reason)
}

/// A lower bound of the frequency, or that there is none.
fn at_least(rarity: Rarity) -> Option<f64> {
    match rarity {
        Rarity::Measured { frequency, .. } | Rarity::AtLeast { frequency, .. } => Some(frequency),
        Rarity::Below { .. } | Rarity::Unknown => None,
    }
}

fn benign_alone(rarity: Rarity) -> Judgement {
    above(Criterion::Ba1, rarity, BENIGN_ALONE, Strength::StandAlone)
}

fn too_frequent(rarity: Rarity, mode: Mode) -> Judgement {
    let limit = if is_recessive(mode) {
        TOO_FREQUENT_RECESSIVE
    } else {
        TOO_FREQUENT_DOMINANT
    };
    above(Criterion::Bs1, rarity, limit, Strength::Strong)
}

fn above(criterion: Criterion, rarity: Rarity, limit: f64, strength: Strength) -> Judgement {
    if matches!(rarity, Rarity::Measured { source, .. } | Rarity::AtLeast { source, .. } if source == RaritySource::Positions)
    {
        let reason = "the frequency is of the place, perhaps of another allele";
        return judgement(criterion, Status::NotAssessable, reason);
    }
    let (status, reason) = match (at_least(rarity), rarity) {
        (Some(frequency), _) if frequency >= limit => (
            Status::Met(strength),
            format!("frequency {frequency:.1e}, limit {limit:.1e}"),
        ),
        (_, Rarity::Measured { frequency, .. } | Rarity::Below { frequency, .. })
            if frequency < limit =>
        {
            (Status::NotMet, format!("frequency {frequency:.1e} or less"))
        }
        (Some(_), _) => (
            Status::NotAssessable,
            "only a lower bound of the frequency is known".to_owned(),
        ),
        _ => (
            Status::NotAssessable,
            "no source of frequencies covers the place".to_owned(),
        ),
    };
    judgement(criterion, status, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(rarity: Rarity, mode: Mode) -> [Status; 3] {
        judge(rarity, mode).map(|judgement| judgement.status)
    }

    #[test]
    fn only_a_source_that_covers_the_place_gives_pm2() {
        let not = Status::NotAssessable;
        let network = Rarity::AtLeast {
            frequency: 0.0,
            source: RaritySource::Network,
        };
        assert_eq!(statuses(network, Mode::Dominant)[0], not);
        assert_eq!(statuses(Rarity::Unknown, Mode::Dominant), [not; 3]);
        let listed_above = Rarity::Below {
            frequency: 0.0002,
            source: RaritySource::Sites,
        };
        assert_eq!(
            statuses(listed_above, Mode::Dominant),
            [not, Status::NotMet, Status::NotMet]
        );
        let absent = Rarity::Measured {
            frequency: 0.0,
            source: RaritySource::File,
        };
        assert_eq!(
            statuses(absent, Mode::Dominant)[0],
            Status::Met(Strength::Supporting)
        );
    }

    #[test]
    fn frequent_alleles_are_benign() {
        let common = Rarity::AtLeast {
            frequency: 0.2,
            source: RaritySource::Network,
        };
        let met = [
            Status::NotMet,
            Status::Met(Strength::StandAlone),
            Status::Met(Strength::Strong),
        ];
        assert_eq!(statuses(common, Mode::Recessive), met);
        let place = Rarity::AtLeast {
            frequency: 0.2,
            source: RaritySource::Positions,
        };
        assert_eq!(
            statuses(place, Mode::Dominant)[1..],
            [Status::NotAssessable; 2]
        );
        let founder = Rarity::Measured {
            frequency: 0.002,
            source: RaritySource::File,
        };
        assert_eq!(statuses(founder, Mode::Recessive)[2], Status::NotMet);
        assert_eq!(
            statuses(founder, Mode::Dominant)[2],
            Status::Met(Strength::Strong)
        );
    }
}
