//! What of a released result leaves: its leading variants that are common enough, in few digits.
//! The same result under the same bounds gives the same content, to the byte.

use std::{collections::BTreeSet, fmt};

use anyhow::{Context, Result};
use ligate_analysis::gwas::Association;
use ligate_disclosure::{
    Exported, Left,
    export::{
        Regions, guess_of_trait, is_common_enough, lowest_frequency, strength, strength_max,
        variants_max,
    },
};
use ligate_formats::gwas_ssf;
use ligate_model::{Digest, VariantKey};

use crate::run::{release::Release, release_files};

/// Why an effect stays inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldBack {
    Rare,
    Changed,
    /// Another variant beside it leaves, or has left.
    Region,
    Number,
}

impl HeldBack {
    pub const ALL: [Self; 4] = [Self::Rare, Self::Changed, Self::Region, Self::Number];
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rare => "rarer than all that was exported of these people allows (rule: variants)",
            Self::Changed => "calls have changed for a few people since something of them was shown (rule: calls that changed)",
            Self::Region => "beside another variant of this trait that leaves or has left (rule: one for each region of 500,000 bases)",
            Self::Number => "weaker than the variants that may leave (rule: how many)",
        })
    }
}

/// What bounds an export.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// People of the study over all nodes.
    pub people: u64,
    /// The largest leverage of a person in the exported account with this result.
    pub leverage: f64,
    /// What left of the trait before.
    pub left_before: Left,
    /// Whether the permit lets all variants leave that are common enough.
    pub full_table: bool,
}

impl Bounds {
    /// Variants that may still leave, and the sum of their strengths.
    fn left(&self) -> (u64, f64) {
        if self.full_table {
            return (u64::MAX, f64::INFINITY);
        }
        let people = self.people as f64;
        let before = (self.left_before.variants * people).ceil() as u64;
        let variants = variants_max(self.people).saturating_sub(before);
        (
            variants,
            strength_max(self.people) - self.left_before.strength * people,
        )
    }

    /// The lowest frequency of the rarer allele with which an effect leaves.
    pub fn lowest_frequency(&self) -> Option<f64> {
        lowest_frequency(self.leverage)
    }

    /// How well a person's trait can be guessed from all variants of it that will have left, by
    /// whoever holds the person's genome: a correlation.
    pub fn guess(&self, strength: f64) -> f64 {
        guess_of_trait(
            self.left_before.strength * self.people as f64 + strength,
            self.people,
        )
    }
}

/// Variants that do not leave, however common they are.
#[derive(Clone, Copy)]
pub struct KeptBack<'a> {
    /// Those of which calls have changed.
    pub changed: &'a BTreeSet<VariantKey>,
    /// Variants of the same trait that left before: others beside them stay, unless the permit
    /// allows full tables.
    pub regions: &'a Regions,
}

/// A result as it leaves, and what is held back.
pub struct Content {
    /// The result with what leaves of it only.
    pub release: Release,
    pub held_back: Vec<(VariantKey, HeldBack)>,
    pub bounds: Bounds,
    /// The sum of the strengths of the variants that leave.
    pub strength: f64,
    /// The table as it is written, its MD5, and the digest of what it says.
    pub table: Vec<u8>,
    pub md5: String,
    pub digest: Digest,
}

impl Content {
    /// What leaves within `bounds`.
    pub fn of(release: &Release, bounds: Bounds, kept_back: KeptBack<'_>) -> Result<Self> {
        let (leaves, held_back) = choose(&release.gwas.associations, &bounds, kept_back);
        let mut kept = release.clone();
        kept.gwas.associations = leaves;
        let strength = kept.gwas.associations.iter().map(strength_of).sum();
        let mut content = Self {
            release: kept,
            held_back,
            bounds,
            strength,
            table: Vec::new(),
            md5: String::new(),
            digest: Digest::from_bytes([0; 32]),
        };
        let status = content.status()?;
        let mut table = Vec::new();
        content.md5 = release_files::write_table(&mut table, &content.release, &status)?;
        content.digest = digest_of(&table[..])?;
        content.table = table;
        Ok(content)
    }

    pub fn variants(&self) -> u64 {
        self.release.gwas.associations.len() as u64
    }

    /// The variants that leave, where the nodes must be told.
    pub fn named_variants(&self) -> Vec<VariantKey> {
        if !Exported::names_variants(self.variants(), self.bounds.people) {
            return Vec::new();
        }
        self.release
            .gwas
            .associations
            .iter()
            .map(|found| found.key.clone())
            .collect()
    }

    pub fn held_back_by(&self, rule: HeldBack) -> u64 {
        self.held_back
            .iter()
            .filter(|(_, held)| *held == rule)
            .count() as u64
    }

    /// What files that leave say of themselves.
    pub fn status(&self) -> Result<gwas_ssf::ResultStatus> {
        let authority = self
            .release
            .authority
            .as_ref()
            .context("the result was made without a permit")?;
        Ok(gwas_ssf::ResultStatus::Exported {
            permit: authority.permit.to_string(),
            job: authority.job,
            bounds: self.words(),
        })
    }

    /// Which part of the result it is, in words.
    pub fn words(&self) -> String {
        let part = if self.bounds.full_table {
            "All"
        } else {
            "The leading"
        };
        let least = self.bounds.lowest_frequency().map_or_else(
            || "of no frequency".to_owned(),
            |least| {
                format!(
                    "whose rarer allele has a frequency of {:.4} or more",
                    round_up(least)
                )
            },
        );
        format!(
            "{part} variants {least}; numbers have four significant digits, frequencies three decimals. Whoever holds a \
             person's genome can guess that person's trait from them with a correlation of about {:.2}.",
            self.bounds.guess(self.strength)
        )
    }
}

/// The digest of what a table says, whatever it is marked as.
pub fn digest_of(table: impl std::io::Read) -> Result<Digest> {
    Ok(Digest::of(
        "ligate export content",
        &gwas_ssf::content_of(table)?,
    ))
}

/// A lowest frequency as it is told: what is below it stays in any case.
pub fn round_up(frequency: f64) -> f64 {
    (frequency * 1e4).ceil() / 1e4
}

fn strength_of(found: &Association) -> f64 {
    strength(found.beta, found.standard_error)
}

/// The variants that leave, in the order of the result, and the others with the rule that holds
/// them back.
fn choose(
    all: &[Association],
    bounds: &Bounds,
    kept_back: KeptBack<'_>,
) -> (Vec<Association>, Vec<(VariantKey, HeldBack)>) {
    let rule = |found: &Association| {
        let frequency = found.counts.allele_frequency();
        let common =
            frequency.is_some_and(|frequency| is_common_enough(frequency, bounds.leverage));
        match (common, kept_back.changed.contains(&found.key)) {
            (false, _) => Some(HeldBack::Rare),
            (_, true) => Some(HeldBack::Changed),
            _ => (!found.neg_log10_p.is_finite()).then_some(HeldBack::Number),
        }
    };
    let mut rules: Vec<Option<HeldBack>> = all.iter().map(rule).collect();
    let mut strongest: Vec<usize> = (0..all.len())
        .filter(|place| rules[*place].is_none())
        .collect();
    strongest.sort_by(|a, b| {
        all[*b]
            .neg_log10_p
            .total_cmp(&all[*a].neg_log10_p)
            .then(a.cmp(b))
    });
    let (mut variants, mut strength) = bounds.left();
    let mut regions = kept_back.regions.clone();
    for place in strongest {
        let found = &all[place];
        if !bounds.full_table && regions.are_closed_for(&found.key) {
            rules[place] = Some(HeldBack::Region);
            continue;
        }
        strength -= strength_of(found);
        if variants == 0 || strength < 0.0 {
            // Nothing weaker leaves either.
            (variants, rules[place]) = (0, Some(HeldBack::Number));
            continue;
        }
        variants -= 1;
        regions.insert(&found.key);
    }
    let (mut leaves, mut held_back) = (Vec::new(), Vec::new());
    for (found, rule) in all.iter().zip(rules) {
        match rule {
            None => leaves.push(Association {
                baseline: None,
                ..found.clone()
            }),
            Some(rule) => held_back.push((found.key.clone(), rule)),
        }
    }
    (leaves, held_back)
}

#[cfg(test)]
mod tests {
    use ligate_analysis::gwas::Test;
    use ligate_model::{Allele, Contig, Position, VariantCounts};

    use super::*;

    fn found(position: u32, copies: u64, neg_log10_p: f64) -> Association {
        let key = VariantKey {
            contig: Contig::new("1"),
            position: Position::new(position),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new("C").unwrap(),
        };
        let (homozygotes, sites, withheld, lacking) = (0, 3, 0, 0);
        let counts = VariantCounts {
            called: 90,
            allele_count: copies,
            homozygotes,
            sites,
            withheld,
            lacking,
            cases: None,
        };
        let (beta, standard_error, statistic) = (neg_log10_p.sqrt(), 1.0, 1.0);
        let p_value = 10_f64.powf(-neg_log10_p);
        let (test, baseline) = (Test::Linear, None);
        Association {
            key,
            counts,
            beta,
            standard_error,
            statistic,
            p_value,
            neg_log10_p,
            test,
            baseline,
        }
    }

    fn positions<'a>(found: impl IntoIterator<Item = &'a VariantKey>) -> Vec<u32> {
        found.into_iter().map(|key| key.position.get()).collect()
    }

    #[test]
    fn the_leading_variants_leave_in_their_order_and_rare_ones_stay() {
        // At h = 0.1 the frequency must be 0.0591 or more: 11 of 180 copies.
        let bounds = Bounds {
            people: 90,
            leverage: 0.1,
            left_before: Left::default().and(7, 1.0, 90),
            full_table: false,
        };
        let far = |place: u32| 1_000_000 * place;
        let all: Vec<Association> = [
            (1, 60, 1.0),
            (2, 10, 9.0),
            (3, 11, 5.0),
            (4, 169, 4.0),
            (5, 60, 0.5),
            (6, 60, 5.0),
        ]
        .map(|(place, copies, p)| found(far(place), copies, p))
        .into();
        let choose = |bounds: &Bounds, changed: &[u32]| {
            let keys = changed
                .iter()
                .map(|place| found(far(*place), 60, 1.0).key)
                .collect();
            let kept_back = KeptBack {
                changed: &keys,
                regions: &Regions::default(),
            };
            let (leaves, held_back) = super::choose(&all, bounds, kept_back);
            let by = |rule| {
                let held = held_back.iter().filter(|(_, held)| *held == rule);
                positions(held.map(|(key, _)| key))
                    .iter()
                    .map(|position| position / 1_000_000)
                    .collect::<Vec<_>>()
            };
            let leaves = positions(leaves.iter().map(|found| &found.key));
            let leaves: Vec<u32> = leaves.iter().map(|position| position / 1_000_000).collect();
            (
                leaves,
                by(HeldBack::Rare),
                by(HeldBack::Number),
                by(HeldBack::Changed),
            )
        };
        // Of 10 - 1 in all the second of 5 finds no room any more, so nothing weaker leaves either.
        assert_eq!(
            choose(&bounds, &[]),
            (vec![3], vec![2], vec![1, 4, 5, 6], vec![])
        );
        assert_eq!(
            choose(&bounds, &[3, 2]),
            (vec![6], vec![2], vec![1, 4, 5], vec![3])
        );
        let full = Bounds {
            full_table: true,
            ..bounds
        };
        assert_eq!(
            choose(&full, &[]),
            (vec![1, 3, 4, 5, 6], vec![2], vec![], vec![])
        );
        assert!(
            choose(
                &Bounds {
                    leverage: 0.4,
                    ..bounds
                },
                &[]
            )
            .0
            .is_empty()
        );
    }

    #[test]
    fn one_variant_leaves_for_each_region() {
        let bounds = Bounds {
            people: 900,
            leverage: 0.01,
            left_before: Left::default(),
            full_table: false,
        };
        let all = [
            (1_000_000, 2.0),
            (1_500_000, 9.0),
            (2_000_000, 3.0),
            (2_000_001, 4.0),
            (2_500_001, 1.0),
        ]
        .map(|(position, p)| found(position, 60, p));
        let choose = |bounds: &Bounds, changed: &[u32], left: &[u32]| {
            let key = |position: &u32| found(*position, 60, 1.0).key;
            let changed = changed.iter().map(key).collect();
            let mut regions = Regions::default();
            left.iter()
                .for_each(|position| regions.insert(&key(position)));
            let kept_back = KeptBack {
                changed: &changed,
                regions: &regions,
            };
            let (leaves, held_back) = super::choose(&all, bounds, kept_back);
            let rules: BTreeSet<HeldBack> = held_back.into_iter().map(|(_, rule)| rule).collect();
            (
                positions(leaves.iter().map(|found| &found.key)),
                rules.into_iter().collect::<Vec<_>>(),
            )
        };
        let region = [HeldBack::Region];
        assert_eq!(
            choose(&bounds, &[], &[]),
            (vec![1_500_000, 2_000_001], region.to_vec())
        );
        // In a later export those that left may leave again, weaker or not, and no other one beside
        // them.
        assert_eq!(
            choose(&bounds, &[], &[1_500_000, 2_000_001]),
            (vec![1_500_000, 2_000_001], region.to_vec())
        );
        assert_eq!(choose(&bounds, &[], &[1_000_000]).0, [1_000_000, 2_000_001]);
        let both = vec![HeldBack::Changed, HeldBack::Region];
        assert_eq!(
            choose(&bounds, &[1_500_000], &[1_500_000, 2_000_001]),
            (vec![2_000_001], both)
        );
        let full = Bounds {
            full_table: true,
            ..bounds
        };
        assert_eq!(choose(&full, &[1_500_000], &[1_500_000]).0.len(), 4);
    }
}
