//! How rare a variant is, and who says so: the file's own frequencies, sites files, counts of the
//! network.
//!
//! Nothing is ever called absent: a source that covers a place can say that a variant is rarer than
//! the source lists, and where no source covers it the frequency is unknown. Counts of the network
//! are suppressed below a minimum, so they can show that a variant is common and never that it is
//! rare.

mod encoding;
mod sites;

use super::SmallVariant;

pub use sites::{AlleleSite, Lifted, SiteLift, Sites, SitesBuilder, SitesNotes};

/// Who says how frequent a variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RaritySource {
    /// Frequencies in the file.
    File,
    /// A sites file that lists alleles.
    Sites,
    /// A sites file that lists places without alleles.
    Positions,
    /// Allele counts that other nodes released.
    Network,
}

/// How frequent a variant is in people at large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rarity {
    /// Measured, 0 to 1.
    Measured {
        frequency: f64,
        source: RaritySource,
    },
    /// At least this frequent.
    AtLeast {
        frequency: f64,
        source: RaritySource,
    },
    /// Rarer than this: the source covers the place and does not list the variant.
    Below {
        frequency: f64,
        source: RaritySource,
    },
    /// No source covers the place.
    Unknown,
}

/// Classes of frequency that evidence is counted in, rarest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Below 0.0002, and seen nowhere as far as the sources tell.
    Unseen,
    /// Seen by a source that measures, below 0.0002.
    Seen,
    /// 0.0002 to 0.005.
    Low,
    /// 0.005 and more.
    Common,
    /// Nobody knows.
    Unknown,
}

/// Boundaries of the tiers.
pub const LOW: f64 = 0.0002;
pub const COMMON: f64 = 0.005;
/// A list of what is more frequent than this shows that an allele it lacks is rare enough to count
/// as unseen: what lies between [`LOW`] and this is a small part of the alleles that it lacks. Of a
/// list that starts higher, nothing follows.
const UNSEEN_MAX: f64 = 0.001;

impl Tier {
    pub const ALL: [Self; 5] = [
        Self::Unseen,
        Self::Seen,
        Self::Low,
        Self::Common,
        Self::Unknown,
    ];

    /// Share of alleles that cause a dominant disease, by tier. Set, not fitted: a dominant rare
    /// disease cannot be caused often by alleles that one person in 2,500 carries (Whiffin et al.,
    /// Genetics in Medicine 19:1151, 2017).
    pub fn share_of_dominant(self) -> f64 {
        match self {
            Self::Unseen => 0.88,
            Self::Seen => 0.09,
            Self::Low => 0.025,
            Self::Common => 0.005,
            Self::Unknown => 1.0,
        }
    }

    /// Share of alleles that cause a recessive disease, by tier: founder alleles may be frequent.
    /// Set, not fitted.
    pub fn share_of_recessive(self) -> f64 {
        match self {
            Self::Unseen => 0.62,
            Self::Seen => 0.18,
            Self::Low => 0.17,
            Self::Common => 0.03,
            Self::Unknown => 1.0,
        }
    }
}

impl Rarity {
    /// The tier; `common_place` says that a positions file lists a common variant there. What it
    /// lists may be another allele, but a common one that the list of alleles lacks is most likely
    /// this one, written otherwise. A rare one says nothing of this allele.
    pub fn tier(self, common_place: bool) -> Tier {
        let of = |frequency: f64| {
            if frequency >= COMMON {
                Tier::Common
            } else if frequency >= LOW {
                Tier::Low
            } else if frequency > 0.0 {
                Tier::Seen
            } else {
                Tier::Unseen
            }
        };
        match self {
            Self::Measured { frequency, .. } | Self::AtLeast { frequency, .. } => of(frequency),
            Self::Below { .. } if common_place => Tier::Low,
            Self::Below { frequency, .. } if frequency <= UNSEEN_MAX => Tier::Unseen,
            Self::Below { .. } | Self::Unknown => Tier::Unknown,
        }
    }
}

/// What the network's released counts say of an allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkCount {
    /// Copies and called alleles over the nodes that released both.
    Counted { copies: u64, called: u64 },
    /// Too few to be released, or nobody has it: these cannot be told apart.
    Suppressed,
}

/// Called alleles below which a network count says nothing.
const NETWORK_CALLED_MIN: u64 = 2_000;

impl NetworkCount {
    /// A lower bound of the frequency; nothing where it is suppressed, rests on few people, or lies
    /// below [`LOW`]: a count of some nodes may show that a variant is frequent, and is no measure
    /// of a rare one in either direction.
    pub fn rarity(self) -> Option<Rarity> {
        match self {
            Self::Counted { copies, called }
                if called >= NETWORK_CALLED_MIN && copies <= called =>
            {
                let frequency = copies as f64 / called as f64;
                (frequency >= LOW).then_some(Rarity::AtLeast {
                    frequency,
                    source: RaritySource::Network,
                })
            }
            _ => None,
        }
    }
}

/// Everything that is known of how frequent variants are.
#[derive(Default)]
pub struct Frequencies<'a> {
    pub sites: Option<&'a Sites>,
    /// Released counts of an allele, already fetched.
    pub network: Option<&'a dyn Fn(&SmallVariant) -> NetworkCount>,
}

impl Frequencies<'_> {
    /// The best answer for a variant: the largest measured frequency, else a lower bound, else an
    /// upper bound. `in_file` is the largest frequency that the file's record gives, where it gives
    /// one.
    pub fn rarity(&self, variant: &SmallVariant, in_file: Option<f64>) -> Rarity {
        let file = in_file.map(|frequency| Rarity::Measured {
            frequency,
            source: RaritySource::File,
        });
        let sites = self.sites.map(|sites| sites.rarity(variant));
        let network = self.network.and_then(|counts| counts(variant).rarity());
        [file, sites, network]
            .into_iter()
            .flatten()
            .fold(Rarity::Unknown, frequent)
    }

    /// Whether a positions file lists a common variant at the place.
    pub fn common_place(&self, variant: &SmallVariant) -> bool {
        let frequency = self
            .sites
            .and_then(|sites| sites.position_frequency(variant.place));
        frequency.is_some_and(|frequency| f64::from(frequency) >= COMMON)
    }
}

/// Of two statements, the one by which the variant is more frequent; anything beats nothing.
fn frequent(a: Rarity, b: Rarity) -> Rarity {
    let value = |rarity: Rarity| match rarity {
        Rarity::Measured { frequency, .. } | Rarity::AtLeast { frequency, .. } => (2, frequency),
        Rarity::Below { frequency, .. } => (1, frequency),
        Rarity::Unknown => (0, 0.0),
    };
    if value(b) > value(a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::{Chromosome, Place};

    fn variant() -> SmallVariant {
        let place = Place {
            chromosome: Chromosome::X,
            position: 5,
        };
        SmallVariant::new(place, "A", "C").unwrap()
    }

    #[test]
    fn suppressed_counts_are_unknown_and_never_rare() {
        let suppressed = |_: &SmallVariant| NetworkCount::Suppressed;
        let frequencies = Frequencies {
            sites: None,
            network: Some(&suppressed),
        };
        assert_eq!(frequencies.rarity(&variant(), None), Rarity::Unknown);
        let none = NetworkCount::Counted {
            copies: 0,
            called: 10_000,
        };
        let few = NetworkCount::Counted {
            copies: 1,
            called: 10_000,
        };
        assert_eq!((none.rarity(), few.rarity()), (None, None));
        let some = NetworkCount::Counted {
            copies: 2,
            called: 10_000,
        };
        assert_eq!(
            some.rarity().map(|rarity| rarity.tier(false)),
            Some(Tier::Low)
        );
        assert_eq!(
            NetworkCount::Counted {
                copies: 9,
                called: 100
            }
            .rarity(),
            None
        );
    }

    #[test]
    fn the_most_frequent_statement_wins() {
        let common = |_: &SmallVariant| NetworkCount::Counted {
            copies: 500,
            called: 10_000,
        };
        let frequencies = Frequencies {
            sites: None,
            network: Some(&common),
        };
        let rarity = frequencies.rarity(&variant(), Some(0.0));
        assert_eq!(
            rarity,
            Rarity::AtLeast {
                frequency: 0.05,
                source: RaritySource::Network
            }
        );
        assert_eq!(rarity.tier(false), Tier::Common);
        let measured = Frequencies::default().rarity(&variant(), Some(0.0001));
        assert_eq!(measured.tier(false), Tier::Seen);
        let below = |frequency| Rarity::Below {
            frequency,
            source: RaritySource::Sites,
        };
        assert_eq!(
            [0.0002, 0.001, 0.01].map(|floor| below(floor).tier(false)),
            [Tier::Unseen, Tier::Unseen, Tier::Unknown]
        );
        assert_eq!(below(0.01).tier(true), Tier::Low);
    }
}
