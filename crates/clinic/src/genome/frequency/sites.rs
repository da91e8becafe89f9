//! Sites files as the genome part needs them: alleles that are listed with frequency and effect,
//! places that are listed without alleles, and which exons the files cover. Coordinates are GRCh38;
//! a GRCh37 file is lifted as it is read.

use std::collections::HashMap;

use ligate_formats::{
    consequence::{Loftee, SequenceOntologyTerm},
    sites::Site,
};
use ligate_model::{Allele, VariantKey};

use super::{Rarity, RaritySource};
use crate::genome::{Chromosome, Place, SmallVariant};

/// A listed allele.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlleleSite {
    /// 0 to 1; nothing where the file lists it without a frequency.
    pub frequency: Option<f32>,
    pub term: Option<SequenceOntologyTerm>,
    pub loftee: Option<Loftee>,
    /// Place of the gene's symbol in the file's list of symbols.
    pub(super) gene: Option<u16>,
}

/// One allele at a position, its bases as a 32-bit hash: two alleles at one place meet once in four
/// billion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AlleleRow {
    pub position: u32,
    pub alleles: u32,
    pub site: AlleleSite,
}

/// One place without alleles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PositionRow {
    pub position: u32,
    pub frequency: f32,
}

/// Listed alleles and places by chromosome, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sites {
    pub(super) alleles: Vec<Vec<AlleleRow>>,
    pub(super) positions: Vec<Vec<PositionRow>>,
    pub(super) symbols: Vec<Box<str>>,
    /// To be listed without a frequency means to be at least this frequent.
    pub(super) floor: f64,
    /// From here on alleles are listed by the files that state frequencies: the largest of their
    /// floors.
    pub(super) stated_floor: f64,
}

/// Bases to the next listed allele within which a place counts as covered: a file with a site in
/// every sixty coding bases that lists none for ten times as long has no data there.
const COVERED_WITHIN: u32 = 600;

impl Sites {
    /// The listed allele.
    pub fn get(&self, variant: &SmallVariant) -> Option<&AlleleSite> {
        let rows = self.alleles.get(variant.place.chromosome.index())?;
        let key = (
            variant.place.position,
            hash(&variant.reference, &variant.alternate),
        );
        let at = rows.partition_point(|row| (row.position, row.alleles) < key);
        rows.get(at)
            .filter(|row| (row.position, row.alleles) == key)
            .map(|row| &row.site)
    }

    /// The gene's symbol of a listed allele.
    pub fn symbol(&self, site: &AlleleSite) -> Option<&str> {
        self.symbols
            .get(usize::from(site.gene?))
            .map(|symbol| &**symbol)
    }

    /// The largest frequency that a positions file lists at the place, whatever the allele.
    pub fn position_frequency(&self, place: Place) -> Option<f32> {
        let rows = self.positions.get(place.chromosome.index())?;
        let at = rows.partition_point(|row| row.position < place.position);
        rows.get(at)
            .filter(|row| row.position == place.position)
            .map(|row| row.frequency)
    }

    /// The frequency below which an allele must be that the lists lack at a place; nothing where no
    /// list has data around it. Alleles listed without a frequency are of a list that starts at its
    /// own floor; alleles with one are of a list that starts where its smallest stated frequency
    /// says.
    pub fn floor_at(&self, place: Place) -> Option<f64> {
        let rows = self.alleles.get(place.chromosome.index())?;
        let from = rows
            .partition_point(|row| row.position < place.position.saturating_sub(COVERED_WITHIN));
        let near = rows[from..]
            .iter()
            .take_while(|row| row.position <= place.position + COVERED_WITHIN);
        let floors = near.map(|row| match row.site.frequency {
            None => self.floor,
            Some(_) => self.stated_floor,
        });
        floors.reduce(f64::min)
    }

    /// What the lists say of a variant. A listed allele without a frequency takes the place's, if
    /// that is larger than the floor of the list.
    pub fn rarity(&self, variant: &SmallVariant) -> Rarity {
        let place = self.position_frequency(variant.place).map(f64::from);
        match self.get(variant) {
            Some(AlleleSite {
                frequency: Some(frequency),
                ..
            }) => Rarity::Measured {
                frequency: f64::from(*frequency),
                source: RaritySource::Sites,
            },
            Some(_) => {
                let floor = self.floor;
                let (frequency, source) = match place {
                    Some(place) if place > floor => (place, RaritySource::Positions),
                    _ => (floor, RaritySource::Sites),
                };
                Rarity::AtLeast { frequency, source }
            }
            None => self
                .floor_at(variant.place)
                .map_or(Rarity::Unknown, |frequency| Rarity::Below {
                    frequency,
                    source: RaritySource::Sites,
                }),
        }
    }

    /// Listed alleles.
    pub fn len(&self) -> usize {
        self.alleles.iter().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.positions.iter().all(Vec::is_empty)
    }
}

/// How a site of a file becomes one of GRCh38.
pub type SiteLift<'a> = dyn Fn(&VariantKey) -> Lifted + 'a;

/// A site's key in GRCh38, or that there is none.
pub type Lifted = Option<VariantKey>;

/// What was left out of the lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SitesNotes {
    pub not_lifted: u64,
    /// On contigs other than 1-22, X, Y and MT, or without bases.
    pub elsewhere: u64,
    /// Alleles without a frequency in a file that states it of others: nothing follows from their
    /// being listed.
    pub without_frequency: u64,
}

/// Collects sites of one or more files.
pub struct SitesBuilder<'a> {
    lift: Option<&'a SiteLift<'a>>,
    alleles: Vec<Vec<AlleleRow>>,
    positions: Vec<Vec<PositionRow>>,
    symbols: HashMap<Box<str>, u16>,
    floor: f64,
    stated_floor: Option<f64>,
    file: FileSoFar,
    notes: SitesNotes,
}

/// What is known of the file that is being read. Lines of a file ascend; one that does not begins
/// another file.
#[derive(Clone, Default)]
struct FileSoFar {
    line: u64,
    /// Where its alleles begin in each chromosome's rows.
    starts: Vec<usize>,
    /// The smallest frequency that it states of an allele.
    smallest: Option<f32>,
}

impl<'a> SitesBuilder<'a> {
    /// `floor` is the frequency from which a file lists alleles that states none; a file that
    /// states frequencies starts at the smallest of them, or at `floor` if that is larger. `lift`
    /// is needed for files that are not GRCh38.
    pub fn new(floor: f64, lift: Option<&'a SiteLift<'a>>) -> Self {
        let alleles = vec![Vec::new(); Chromosome::COUNT];
        let positions = vec![Vec::new(); Chromosome::COUNT];
        Self {
            lift,
            alleles,
            positions,
            symbols: HashMap::new(),
            floor,
            stated_floor: None,
            file: FileSoFar::default(),
            notes: SitesNotes::default(),
        }
    }

    /// Adds a site.
    pub fn add(&mut self, site: &Site<'_>) {
        if site.line <= self.file.line {
            self.end_file();
        }
        self.file.line = site.line;
        if let (Some(_), Some(frequency)) = (
            site.alleles,
            site.frequency.filter(|frequency| *frequency > 0.0),
        ) {
            self.file.smallest = Some(
                self.file
                    .smallest
                    .map_or(frequency, |known| known.min(frequency)),
            );
        }
        let (reference, alternate) = site.alleles.unwrap_or(("N", "A"));
        let (Ok(reference), Ok(alternate)) = (Allele::new(reference), Allele::new(alternate))
        else {
            self.notes.elsewhere += 1;
            return;
        };
        let key = VariantKey {
            contig: site.contig.clone(),
            position: site.position,
            reference,
            alternate,
        };
        let Some(key) = self
            .lift
            .map_or_else(|| Some(key.clone()), |lift| lift(&key))
        else {
            self.notes.not_lifted += 1;
            return;
        };
        let Some(chromosome) = Chromosome::from_contig(&key.contig) else {
            self.notes.elsewhere += 1;
            return;
        };
        let place = Place {
            chromosome,
            position: key.position.get(),
        };
        match site.alleles {
            Some(_) => self.allele(site, place, &key),
            None => {
                let frequency = site.frequency.unwrap_or(self.floor as f32);
                let row = PositionRow {
                    position: place.position,
                    frequency,
                };
                self.positions[chromosome.index()].push(row);
            }
        }
    }

    /// Settles the floor of the file that ends. Where it states frequencies, alleles without one
    /// are dropped.
    fn end_file(&mut self) {
        if let Some(smallest) = self.file.smallest {
            let floor = f64::from(smallest).max(self.floor);
            self.stated_floor = Some(self.stated_floor.map_or(floor, |known| known.max(floor)));
            for (at, rows) in self.alleles.iter_mut().enumerate() {
                let start = self.file.starts.get(at).copied().unwrap_or_default();
                let of_file: Vec<AlleleRow> = rows.drain(start..).collect();
                let all = of_file.len();
                rows.extend(
                    of_file
                        .into_iter()
                        .filter(|row| row.site.frequency.is_some()),
                );
                self.notes.without_frequency += (start + all - rows.len()) as u64;
            }
        }
        let starts = self.alleles.iter().map(Vec::len).collect();
        self.file = FileSoFar {
            starts,
            ..FileSoFar::default()
        };
    }

    fn allele(&mut self, site: &Site<'_>, place: Place, key: &VariantKey) {
        let Some(variant) =
            SmallVariant::new(place, key.reference.as_str(), key.alternate.as_str())
        else {
            self.notes.elsewhere += 1;
            return;
        };
        let gene = site.gene.and_then(|symbol| self.symbol(symbol));
        let site = AlleleSite {
            frequency: site.frequency,
            term: site.term,
            loftee: site.loftee,
            gene,
        };
        let alleles = hash(&variant.reference, &variant.alternate);
        let row = AlleleRow {
            position: variant.place.position,
            alleles,
            site,
        };
        self.alleles[variant.place.chromosome.index()].push(row);
    }

    fn symbol(&mut self, symbol: &str) -> Option<u16> {
        if let Some(known) = self.symbols.get(symbol) {
            return Some(*known);
        }
        let next = u16::try_from(self.symbols.len()).ok()?;
        self.symbols.insert(symbol.into(), next);
        Some(next)
    }

    /// The lists in order. Of two rows for one allele or place, the more frequent counts.
    pub fn finish(mut self) -> (Sites, SitesNotes) {
        self.end_file();
        for rows in &mut self.alleles {
            rows.sort_by(|a, b| {
                let key = |row: &AlleleRow| (row.position, row.alleles);
                let frequency = |row: &AlleleRow| row.site.frequency.unwrap_or(-1.0);
                key(a)
                    .cmp(&key(b))
                    .then(frequency(b).total_cmp(&frequency(a)))
            });
            rows.dedup_by_key(|row| (row.position, row.alleles));
        }
        for rows in &mut self.positions {
            rows.sort_by(|a, b| {
                a.position
                    .cmp(&b.position)
                    .then(b.frequency.total_cmp(&a.frequency))
            });
            rows.dedup_by_key(|row| row.position);
        }
        let mut symbols = vec![Box::default(); self.symbols.len()];
        for (symbol, at) in self.symbols {
            symbols[usize::from(at)] = symbol;
        }
        let (floor, stated_floor) = (self.floor, self.stated_floor.unwrap_or(self.floor));
        let sites = Sites {
            alleles: self.alleles,
            positions: self.positions,
            symbols,
            floor,
            stated_floor,
        };
        (sites, self.notes)
    }
}

/// FNV-1a of the two alleles.
fn hash(reference: &str, alternate: &str) -> u32 {
    let bytes = reference.bytes().chain([b'>']).chain(alternate.bytes());
    bytes.fold(0x811c_9dc5, |state, byte| {
        (state ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use ligate_model::{Contig, Position};

    use super::*;

    fn site(contig: &Contig, position: u32, frequency: Option<f32>, alleles: bool) -> Site<'_> {
        Site {
            contig,
            position: Position::new(position),
            alleles: alleles.then_some(("CT", "C")),
            gene: Some("FGFR2"),
            term: Some(SequenceOntologyTerm::Frameshift),
            loftee: Some(Loftee::HighConfidence),
            frequency,
            allele_number: None,
            line: 2,
        }
    }

    /// A list without frequencies, places with them, and a list with frequencies: three files.
    fn sites() -> Sites {
        let contig = Contig::new("chr10");
        let mut builder = SitesBuilder::new(0.0002, None);
        builder.add(&site(&contig, 1000, None, true));
        builder.add(&Site {
            line: 3,
            ..site(&contig, 5000, None, true)
        });
        builder.add(&site(&contig, 1000, Some(0.3), false));
        builder.add(&site(&contig, 9000, Some(0.01), true));
        builder.add(&Site {
            line: 3,
            ..site(&contig, 9100, None, true)
        });
        let (sites, notes) = builder.finish();
        assert_eq!(
            notes,
            SitesNotes {
                without_frequency: 1,
                ..SitesNotes::default()
            }
        );
        sites
    }

    fn variant(position: u32, alternate: &str) -> SmallVariant {
        let place = Place {
            chromosome: Chromosome::parse("10").unwrap(),
            position,
        };
        SmallVariant::new(place, "CT", alternate).unwrap()
    }

    #[test]
    fn what_the_lists_say() {
        let sites = sites();
        for (position, alternate, expected) in [
            (
                1000,
                "C",
                Rarity::AtLeast {
                    frequency: f64::from(0.3_f32),
                    source: RaritySource::Positions,
                },
            ),
            (
                5000,
                "C",
                Rarity::AtLeast {
                    frequency: 0.0002,
                    source: RaritySource::Sites,
                },
            ),
            (
                9000,
                "C",
                Rarity::Measured {
                    frequency: f64::from(0.01_f32),
                    source: RaritySource::Sites,
                },
            ),
            (
                5000,
                "CTT",
                Rarity::Below {
                    frequency: 0.0002,
                    source: RaritySource::Sites,
                },
            ),
            (5601, "C", Rarity::Unknown),
            // A list that starts at one in a hundred says no more of what it lacks.
            (
                9100,
                "C",
                Rarity::Below {
                    frequency: f64::from(0.01_f32),
                    source: RaritySource::Sites,
                },
            ),
        ] {
            assert_eq!(
                sites.rarity(&variant(position, alternate)),
                expected,
                "{position}"
            );
        }
        let listed = sites.get(&variant(1000, "C")).unwrap();
        assert_eq!(
            (sites.symbol(listed), listed.loftee),
            (Some("FGFR2"), Some(Loftee::HighConfidence))
        );
    }

    #[test]
    fn a_section_is_read_as_it_was_written() {
        let sites = sites();
        assert_eq!(Sites::decode(&sites.encode()).unwrap(), sites);
        assert!(Sites::decode(&sites.encode()[..20]).is_err());
        assert!(Sites::decode(&[]).is_err());
    }
}
