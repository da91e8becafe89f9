//! By what a node knows people again whose ids have changed: for everybody who was ever loaded a
//! keyed sketch of common calls, his likeness.
//!
//! A panel is up to 1,024 common variants, by which 64 bands are made of 16 variants each; a
//! likeness has a keyed hash of 32 bits of the calls in each band. Who is loaded again has the same
//! calls but for a few: a percent of other calls leaves 0.99^16 = 0.85 of the bands, three percent
//! 0.61, eight percent 0.26. Two people are the same where 16 bands agree. Strangers agree in a few
//! of a million bands, full siblings in a few of a thousand (`cargo test -p ligate-lake --lib
//! likeness`), unless the variants lie on a short piece of one chromosome, which siblings may share
//! whole.
//!
//! `book` stores panels and people, `panel` chooses variants and makes likenesses, `compare` and
//! `index` find people who are the same.

mod book;
mod compare;
mod index;
mod panel;

use std::ops::Range;

use ligate_model::IndividualId;

use crate::layout::SnapshotFolder;
pub use book::LikenessBook;

const BANDS: usize = 64;

/// Variants of a band.
const BAND_VARIANTS: usize = 16;

/// Bands in which people agree who are the same, and that a likeness must have to be compared at
/// all.
const BANDS_AGREEING: usize = 16;

/// The keyed hash of each band; 0 where there is none, because the files lack variants of the band,
/// or the person most calls.
#[derive(Clone, PartialEq, Eq)]
struct Likeness([u32; BANDS]);

const NO_BAND: u32 = 0;

impl Likeness {
    fn is_comparable(&self) -> bool {
        self.0.iter().filter(|band| **band != NO_BAND).count() >= BANDS_AGREEING
    }

    fn is_same(&self, other: &Self) -> bool {
        let agree = |(one, other): &(&u32, &u32)| one == other && **one != NO_BAND;
        self.0.iter().zip(&other.0).filter(agree).count() >= BANDS_AGREEING
    }
}

/// The people of a snapshot, or of what becomes one, and where their calls lie.
pub struct People<'a> {
    pub folder: &'a SnapshotFolder,
    pub individuals: &'a [IndividualId],
    pub blocks: &'a [Range<usize>],
}

#[cfg(test)]
mod tests {
    use super::{index::Index, panel::Bands, *};
    use crate::tables::HistoryKey;

    /// Deterministic; Knuth's MMIX constants.
    struct Draw(u64);

    impl Draw {
        fn uniform(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn happens(&mut self, chance: f64) -> bool {
            self.uniform() < chance
        }
    }

    /// Per variant the two alleles.
    type Genome = Vec<[u8; 2]>;

    /// Variants with rarer alleles of all frequencies from 0.1 to 0.5.
    struct Population {
        draw: Draw,
        frequencies: Vec<f64>,
        bands: Bands,
    }

    impl Population {
        fn new(variants: usize, seed: u64) -> Self {
            let mut draw = Draw(seed);
            let frequencies = (0..variants).map(|_| 0.1 + 0.4 * draw.uniform()).collect();
            Self {
                draw,
                frequencies,
                bands: Bands::new(&HistoryKey::new([5; 32]), seed, variants),
            }
        }

        fn person(&mut self) -> Genome {
            let draw = &mut self.draw;
            let alleles = |frequency: &f64| [0; 2].map(|_: u8| u8::from(draw.happens(*frequency)));
            self.frequencies.iter().map(alleles).collect()
        }

        fn child(&mut self, parents: &[Genome; 2]) -> Genome {
            let draw = &mut self.draw;
            let mut one_of = |alleles: [u8; 2]| alleles[usize::from(draw.happens(0.5))];
            parents[0]
                .iter()
                .zip(&parents[1])
                .map(|(one, other)| [one_of(*one), one_of(*other)])
                .collect()
        }

        /// The likeness of a person of whose calls a share is read otherwise, half of these as
        /// missing.
        fn likeness(&mut self, genome: &Genome, others: f64) -> Likeness {
            let mut calls: Vec<u8> = genome.iter().map(|alleles| alleles.iter().sum()).collect();
            for call in &mut calls {
                if self.draw.happens(others) {
                    *call = if self.draw.happens(0.5) {
                        panel::MISSING
                    } else {
                        (*call + 1) % 3
                    };
                }
            }
            self.bands.likeness(&calls)
        }
    }

    /// The share of `pairs` that are the same, and of bands in which they agree.
    fn same(pairs: usize, mut pair: impl FnMut() -> [Likeness; 2]) -> (f64, f64) {
        let (mut same, mut agreeing) = (0, 0);
        for _ in 0..pairs {
            let [one, other] = pair();
            same += usize::from(one.is_same(&other));
            agreeing += one
                .0
                .iter()
                .zip(&other.0)
                .filter(|(one, other)| one == other)
                .count();
        }
        (
            same as f64 / pairs as f64,
            agreeing as f64 / (pairs * BANDS) as f64,
        )
    }

    #[test]
    fn a_person_is_known_again_with_a_few_other_calls() {
        for (others, bands) in [(0.0, 1.0), (0.01, 0.85), (0.03, 0.61)] {
            let mut people = Population::new(1024, 1);
            let (same, agreeing) = same(2000, || {
                let genome = people.person();
                [
                    people.likeness(&genome, 0.0),
                    people.likeness(&genome, others),
                ]
            });
            assert!(
                same == 1.0 && (agreeing - bands).abs() < 0.02,
                "{others}: {same}, {agreeing}"
            );
        }
        // With fewer variants the bands have more in common; the second is as few as a panel may
        // have.
        for (variants, others) in [(200, 0.03), (panel::VARIANTS_MIN, 0.01)] {
            let mut people = Population::new(variants, 2);
            let (same, _) = same(2000, || {
                let genome = people.person();
                [
                    people.likeness(&genome, 0.0),
                    people.likeness(&genome, others),
                ]
            });
            assert!(same > 0.99, "{variants} variants: {same}");
        }
    }

    #[test]
    fn siblings_and_strangers_are_told_apart() {
        for (variants, siblings_same, siblings_agree) in
            [(1024, 0.0, 0.01), (panel::VARIANTS_MIN, 0.01, 0.05)]
        {
            let mut people = Population::new(variants, 3);
            let (same_siblings, agreeing) = same(3000, || {
                let parents = [people.person(), people.person()];
                [0; 2].map(|_| {
                    let child = people.child(&parents);
                    people.likeness(&child, 0.0)
                })
            });
            assert!(
                same_siblings <= siblings_same && agreeing < siblings_agree,
                "{same_siblings}, {agreeing}"
            );
            let (same_strangers, agreeing) = same(10_000, || {
                [0; 2].map(|_| {
                    let person = people.person();
                    people.likeness(&person, 0.0)
                })
            });
            assert!(
                same_strangers == 0.0 && agreeing < 0.001,
                "{same_strangers}, {agreeing}"
            );
        }
    }

    #[test]
    fn the_index_finds_each_person_among_thousands() {
        let mut people = Population::new(300, 4);
        let genomes: Vec<Genome> = (0..3000).map(|_| people.person()).collect();
        let known: Vec<Likeness> = genomes
            .iter()
            .map(|genome| people.likeness(genome, 0.0))
            .collect();
        let index = Index::of(known.iter().collect());
        for (place, genome) in genomes.iter().enumerate() {
            let again = people.likeness(genome, 0.02);
            assert!(
                index
                    .alike(&again, index::SHARING_MAX)
                    .map(|(place, _)| place)
                    .eq([place])
            );
        }
        for _ in 0..3000 {
            let stranger = people.person();
            let stranger = people.likeness(&stranger, 0.0);
            assert!(index.alike(&stranger, index::SHARING_MAX).next().is_none());
        }
    }

    #[test]
    fn who_has_hardly_any_calls_is_like_nobody() {
        let people = Population::new(200, 5);
        let uncalled = people.bands.likeness(&[panel::MISSING; 200]);
        assert!(!uncalled.is_comparable() && !uncalled.is_same(&uncalled));
    }

    #[test]
    fn another_key_makes_another_likeness() {
        let calls: Vec<u8> = (0..200).map(|variant| (variant % 3) as u8).collect();
        let made =
            |key: u8, panel| Bands::new(&HistoryKey::new([key; 32]), panel, 200).likeness(&calls);
        assert!(made(1, 1).is_same(&made(1, 1)));
        assert!(!made(1, 1).is_same(&made(2, 1)) && !made(1, 1).is_same(&made(1, 2)));
    }
}
