//! Which variants people are known by, how they make bands, and the likeness of everybody in a
//! snapshot.

use std::{array, collections::BinaryHeap};

use ligate_model::VariantKey;

use super::{
    BAND_VARIANTS, BANDS, Likeness, NO_BAND, People,
    index::{Index, SHARING_MAX},
};
use crate::{
    LakeError,
    partition::Partition,
    scan,
    tables::{HistoryKey, SiteRow, SiteRows},
};

/// Most variants of a panel, and the fewest that can tell people apart.
const VARIANTS_MAX: usize = 1024;
pub const VARIANTS_MIN: usize = 48;

/// Among fewer people nobody knows which variants are common.
const PEOPLE_MIN: usize = 20;

/// Calls of a band that may be missing.
const BAND_MISSING_MAX: u32 = 4;

/// A call that is not a complete diploid one.
pub const MISSING: u8 = 3;

/// People among whom a new panel is tried out.
const TRIED_PEOPLE: usize = 4096;

/// The variants of a panel by which people can be told apart, and their likenesses by it.
pub type Choice = (Vec<VariantKey>, Vec<Likeness>);

/// Chooses a panel for these people; `None` where no variants tell them apart, or they are too few.
pub fn choose(people: &People<'_>, key: &HistoryKey) -> Result<Option<Choice>, LakeError> {
    if people.individuals.len() < PEOPLE_MIN {
        return Ok(None);
    }
    let mut chosen = BinaryHeap::new();
    for partition in Partition::all().filter(|partition| partition.is_autosome()) {
        let path = people.folder.sites(partition);
        let mut rows = path.exists().then(|| SiteRows::open(&path)).transpose()?;
        while let Some(row) = rows.as_mut().map_or(Ok(None), SiteRows::next_row)? {
            if is_common(&row, people.individuals.len()) {
                chosen.push((key.variant(&row.key), row.key));
            }
            if chosen.len() > VARIANTS_MAX {
                chosen.pop();
            }
        }
    }
    let mut variants: Vec<VariantKey> = chosen.into_iter().map(|(_, variant)| variant).collect();
    variants.sort_unstable();
    if variants.len() < VARIANTS_MIN {
        return Ok(None);
    }
    let likenesses = likenesses(people, &variants, key)?;
    Ok(tell_apart(&likenesses).then_some((variants, likenesses)))
}

/// Whether a variant has one alternate allele, is called for nine people in ten, and has a rarer
/// allele of a tenth.
fn is_common(row: &SiteRow, individuals: usize) -> bool {
    let called = u64::from(row.counts.called);
    let copies = u64::from(row.counts.diploid_allele_count);
    let rarer = copies.min((2 * called).saturating_sub(copies));
    let diallelic = row.alternates == 1 && row.key.alternate.is_sequence();
    diallelic && called * 10 >= individuals as u64 * 9 && called > 0 && rarer * 10 >= 2 * called
}

/// Whether few of these people, who are different people, seem to be the same: variants that lie
/// close together do not tell people apart, however many they are.
fn tell_apart(likenesses: &[Likeness]) -> bool {
    let step = likenesses.len().div_ceil(TRIED_PEOPLE).max(1);
    let tried: Vec<&Likeness> = likenesses.iter().step_by(step).collect();
    let index = Index::of(tried.clone());
    let like_another = |(place, likeness): &(usize, &&Likeness)| {
        index
            .alike(likeness, SHARING_MAX)
            .any(|(other, _)| other != *place)
    };
    let double = tried.iter().enumerate().filter(like_another).count();
    double * 10 <= tried.len()
}

/// The likeness of each of these people by a panel's variants.
pub fn likenesses(
    people: &People<'_>,
    variants: &[VariantKey],
    key: &HistoryKey,
) -> Result<Vec<Likeness>, LakeError> {
    let bands = Bands::of(key, variants);
    let mut likenesses = vec![Likeness([0; BANDS]); people.individuals.len()];
    // In a band are the calls of its variants, two bits each, until it is sealed.
    let mut held = vec![[0; BANDS]; people.blocks.len()];
    scan::scan_keys(people.folder, people.blocks, variants, &mut |batch| {
        for (place, variant) in batch.indices.iter().enumerate() {
            for (block, rows) in batch.blocks.iter().enumerate() {
                let Some(row) = &rows[place] else { continue };
                let block_people = &mut likenesses[people.blocks[block].clone()];
                for Place { band, shift } in &bands.places[*variant] {
                    held[block][*band] += 1;
                    let mut add = |sample: u32, call: u32| {
                        block_people[sample as usize].0[*band] |= call << shift
                    };
                    row.carriers()
                        .for_each(|(sample, code)| add(sample, code.count_ones()));
                    row.exceptions()
                        .for_each(|(sample, _)| add(sample, u32::from(MISSING)));
                }
            }
        }
    })?;
    for (block, held) in people.blocks.iter().zip(&held) {
        likenesses[block.clone()]
            .iter_mut()
            .for_each(|likeness| bands.seal(likeness, held));
    }
    Ok(likenesses)
}

/// The bands of a panel under a node's key.
pub struct Bands {
    key: HistoryKey,
    panel: u64,
    /// For every variant where its call goes.
    places: Vec<Vec<Place>>,
}

/// What is hashed of a band: so little that one block of the hash holds it and the key.
fn bytes(panel: u64, band: usize, number: u32) -> [u8; 13] {
    let mut bytes = [0; 13];
    bytes[..8].copy_from_slice(&panel.to_le_bytes());
    bytes[8] = band as u8;
    bytes[9..].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// A band, and the bits of it that a variant's call takes.
struct Place {
    band: usize,
    shift: usize,
}

impl Bands {
    fn of(key: &HistoryKey, variants: &[VariantKey]) -> Self {
        let numbers: Vec<u8> = variants
            .iter()
            .flat_map(|variant| key.variant(variant).to_le_bytes())
            .collect();
        Self::new(key, key.number(b"panel", numbers), variants.len())
    }

    pub fn new(key: &HistoryKey, panel: u64, variants: usize) -> Self {
        let mut places: Vec<Vec<Place>> = (0..variants).map(|_| Vec::new()).collect();
        for band in 0..BANDS {
            let mut order: Vec<(u64, usize)> = (0..variants)
                .map(|variant| {
                    (
                        key.number(b"place", bytes(panel, band, variant as u32)),
                        variant,
                    )
                })
                .collect();
            order.sort_unstable();
            for (number, (_, variant)) in order.into_iter().take(BAND_VARIANTS).enumerate() {
                places[variant].push(Place {
                    band,
                    shift: 2 * number,
                });
            }
        }
        Self {
            key: key.clone(),
            panel,
            places,
        }
    }

    /// Turns the calls of a person's bands into their hashes, given how many variants of each band
    /// the files hold.
    fn seal(&self, likeness: &mut Likeness, held: &[usize; BANDS]) {
        likeness.0 = array::from_fn(|band| {
            let calls = likeness.0[band];
            let missing = (calls & calls >> 1 & 0x5555_5555).count_ones();
            match held[band] == BAND_VARIANTS && missing <= BAND_MISSING_MAX {
                true => (self.key.number(b"band", bytes(self.panel, band, calls)) as u32)
                    .max(NO_BAND + 1),
                false => NO_BAND,
            }
        });
    }

    /// The likeness of somebody with these calls: copies of the alternate allele, or [`MISSING`].
    #[cfg(test)]
    pub fn likeness(&self, calls: &[u8]) -> Likeness {
        let mut likeness = Likeness([0; BANDS]);
        for (places, call) in self.places.iter().zip(calls) {
            places
                .iter()
                .for_each(|Place { band, shift }| likeness.0[*band] |= u32::from(*call) << shift);
        }
        self.seal(&mut likeness, &[BAND_VARIANTS; BANDS]);
        likeness
    }
}
