//! What of a released result leaves: its leading variants that are common enough, in few digits. The same result under
//! the same bounds gives the same content, to the byte.

use std::{collections::BTreeSet, fmt};

use anyhow::{Context, Result};
use ligate_analysis::gwas::Association;
use ligate_disclosure::{
    Left,
    export::{guess_of_trait, is_common_enough, lowest_frequency, strength, strength_max, variants_max},
};
use ligate_formats::gwas_ssf;
use ligate_model::{Digest, VariantKey};

use crate::run::release::{self, Release};

/// Why an effect stays inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBack {
    Rare,
    Number,
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rare => "rarer than all that was exported of these people allows (rule: variants)",
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
        (variants, strength_max(self.people) - self.left_before.strength * people)
    }

    /// The lowest frequency of the rarer allele with which an effect leaves.
    pub fn lowest_frequency(&self) -> Option<f64> {
        lowest_frequency(self.leverage)
    }

    /// How well a person's trait can be guessed from all variants of it that will have left, by whoever holds the person's
    /// genome: a correlation.
    pub fn guess(&self, strength: f64) -> f64 {
        guess_of_trait(self.left_before.strength * self.people as f64 + strength, self.people)
    }
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
    pub fn of(release: &Release, bounds: Bounds) -> Result<Self> {
        let (leaves, held_back) = choose(&release.gwas.associations, &bounds);
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
        content.md5 = release::write_table(&mut table, &content.release, &status)?;
        content.digest = digest_of(&table[..])?;
        content.table = table;
        Ok(content)
    }

    pub fn variants(&self) -> u64 {
        self.release.gwas.associations.len() as u64
    }

    pub fn held_back_by(&self, rule: HeldBack) -> u64 {
        self.held_back.iter().filter(|(_, held)| *held == rule).count() as u64
    }

    /// What files that leave say of themselves.
    pub fn status(&self) -> Result<gwas_ssf::Release> {
        let authority = self.release.authority.as_ref().context("the result was made without a permit")?;
        Ok(gwas_ssf::Release::Exported {
            permit: authority.permit.to_string(),
            job: authority.job,
            bounds: self.words(),
        })
    }

    /// Which part of the result it is, in words.
    pub fn words(&self) -> String {
        let part = if self.bounds.full_table { "All" } else { "The leading" };
        let least = self.bounds.lowest_frequency().map_or_else(
            || "of no frequency".to_owned(),
            |least| format!("whose rarer allele has a frequency of {:.4} or more", round_up(least)),
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
    Ok(Digest::of("ligate export content", &gwas_ssf::content_of(table)?))
}

fn round_up(frequency: f64) -> f64 {
    (frequency * 1e4).ceil() / 1e4
}

fn strength_of(found: &Association) -> f64 {
    strength(found.beta, found.standard_error)
}

/// The variants that leave, in the order of the result, and the others with the rule that holds them back.
fn choose(all: &[Association], bounds: &Bounds) -> (Vec<Association>, Vec<(VariantKey, HeldBack)>) {
    let common = |found: &Association| {
        found.counts.allele_frequency().is_some_and(|frequency| is_common_enough(frequency, bounds.leverage))
    };
    let mut leading: Vec<usize> = (0..all.len()).filter(|place| common(&all[*place])).collect();
    leading.retain(|place| all[*place].neg_log10_p.is_finite());
    leading.sort_by(|a, b| all[*b].neg_log10_p.total_cmp(&all[*a].neg_log10_p).then(a.cmp(b)));
    let (variants, mut strength) = bounds.left();
    let fit = leading.iter().take_while(|place| {
        strength -= strength_of(&all[**place]);
        strength >= 0.0
    });
    leading.truncate(fit.count().min(usize::try_from(variants).unwrap_or(usize::MAX)));
    let leading: BTreeSet<usize> = leading.into_iter().collect();
    let (mut leaves, mut held_back) = (Vec::new(), Vec::new());
    for (place, found) in all.iter().enumerate() {
        if leading.contains(&place) {
            leaves.push(Association { baseline: None, ..found.clone() });
        } else {
            let rule = if common(found) { HeldBack::Number } else { HeldBack::Rare };
            held_back.push((found.key.clone(), rule));
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
        Association { key, counts, beta, standard_error, statistic, p_value, neg_log10_p, test, baseline }
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
        let all: Vec<Association> =
            [(1, 60, 1.0), (2, 10, 9.0), (3, 11, 5.0), (4, 169, 4.0), (5, 60, 0.5), (6, 60, 5.0)]
                .map(|(position, copies, p)| found(position, copies, p))
                .into();
        let (leaves, held_back) = choose(&all, &bounds);
        // Of 10 - 1 in all the second of 5 finds no room any more, so nothing weaker leaves either.
        assert_eq!(positions(leaves.iter().map(|found| &found.key)), [3]);
        let by = |rule| positions(held_back.iter().filter(|(_, held)| *held == rule).map(|(key, _)| key));
        assert_eq!((by(HeldBack::Rare), by(HeldBack::Number)), (vec![2], vec![1, 4, 5, 6]));
        let (leaves, _) = choose(&all, &Bounds { full_table: true, ..bounds });
        assert_eq!(positions(leaves.iter().map(|found| &found.key)), [1, 3, 4, 5, 6]);
        let (leaves, _) = choose(&all, &Bounds { leverage: 0.4, ..bounds });
        assert!(leaves.is_empty());
    }
}
