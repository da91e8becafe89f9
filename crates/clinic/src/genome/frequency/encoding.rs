//! The sites as a section of the knowledge: positions as differences, the rest in as few bytes as
//! it takes.

use ligate_formats::consequence::{Loftee, SequenceOntologyTerm};

use super::sites::{AlleleRow, AlleleSite, PositionRow, Sites};
use crate::genome::{
    Chromosome,
    compact::{ByteReader, CompactError, Writer},
};

const SECTION: &str = "sites";
/// Version 1 has no floor of its own for files that state frequencies.
const VERSION: u64 = 2;
/// Terms and genes that are missing are 0; a frequency that is missing is no float of theirs.
const NO_FREQUENCY: u32 = u32::MAX;

impl Sites {
    /// The section's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(VERSION);
        out.number(self.floor.to_bits());
        out.number(self.stated_floor.to_bits());
        out.number(self.symbols.len() as u64);
        for symbol in &self.symbols {
            out.text(symbol);
        }
        for rows in &self.alleles {
            out.number(rows.len() as u64);
            let mut at = 0;
            for row in rows {
                out.number(u64::from(row.position - at));
                at = row.position;
                write_allele(&mut out, row);
            }
        }
        for rows in &self.positions {
            out.number(rows.len() as u64);
            let mut at = 0;
            for row in rows {
                out.number(u64::from(row.position - at));
                at = row.position;
                out.number(u64::from(row.frequency.to_bits()));
            }
        }
        out.finish()
    }

    /// Reads what [`Sites::encode`] wrote.
    ///
    /// # Errors
    /// Bytes that end early, or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, CompactError> {
        let mut from = ByteReader::new(SECTION, bytes);
        let version = from.number()?;
        if !(1..=VERSION).contains(&version) {
            return Err(from.fault());
        }
        let floor = f64::from_bits(from.number()?);
        let stated = if version == 1 {
            None
        } else {
            Some(f64::from_bits(from.number()?))
        };
        let count = from.count()?;
        let symbols: Vec<Box<str>> = (0..count)
            .map(|_| from.text().map(Into::into))
            .collect::<Result<_, _>>()?;
        let alleles: Vec<Vec<AlleleRow>> = (0..Chromosome::COUNT)
            .map(|_| alleles(&mut from))
            .collect::<Result<_, _>>()?;
        let positions = (0..Chromosome::COUNT)
            .map(|_| positions(&mut from))
            .collect::<Result<_, _>>()?;
        if !from.is_empty() {
            return Err(from.fault());
        }
        let stated_floor =
            stated.unwrap_or_else(|| smallest(&alleles).map_or(floor, |least| least.max(floor)));
        Ok(Self {
            alleles,
            positions,
            symbols,
            floor,
            stated_floor,
        })
    }
}

/// The smallest frequency that is stated of an allele.
fn smallest(alleles: &[Vec<AlleleRow>]) -> Option<f64> {
    let stated = alleles
        .iter()
        .flatten()
        .filter_map(|row| row.site.frequency)
        .map(f64::from);
    stated.filter(|frequency| *frequency > 0.0).reduce(f64::min)
}

fn write_allele(out: &mut Writer, row: &AlleleRow) {
    let AlleleSite {
        frequency,
        term,
        loftee,
        gene,
    } = row.site;
    out.number(u64::from(row.alleles));
    out.number(u64::from(
        frequency.map_or(NO_FREQUENCY, f32::to_bits).wrapping_add(1),
    ));
    out.byte(term.map_or(0, |term| term as u8 + 1));
    out.byte(match loftee {
        None => 0,
        Some(Loftee::HighConfidence) => 1,
        Some(Loftee::LowConfidence) => 2,
        Some(Loftee::OtherSplice) => 3,
    });
    out.number(gene.map_or(0, |gene| u64::from(gene) + 1));
}

fn alleles(from: &mut ByteReader<'_>) -> Result<Vec<AlleleRow>, CompactError> {
    let count = from.count()?;
    let (mut rows, mut position) = (Vec::with_capacity(count), 0_u32);
    for _ in 0..count {
        position = position.checked_add(from.small()?).ok_or(from.fault())?;
        let alleles = from.small()?;
        let frequency = match from.small()?.wrapping_sub(1) {
            NO_FREQUENCY => None,
            bits => Some(f32::from_bits(bits)),
        };
        let term = match from.byte()? {
            0 => None,
            number => {
                let term = SequenceOntologyTerm::ALL.get(usize::from(number) - 1);
                Some(*term.ok_or(from.fault())?)
            }
        };
        let loftee = match from.byte()? {
            0 => None,
            1 => Some(Loftee::HighConfidence),
            2 => Some(Loftee::LowConfidence),
            _ => Some(Loftee::OtherSplice),
        };
        let gene = from
            .small()?
            .checked_sub(1)
            .and_then(|gene| u16::try_from(gene).ok());
        rows.push(AlleleRow {
            position,
            alleles,
            site: AlleleSite {
                frequency,
                term,
                loftee,
                gene,
            },
        });
    }
    Ok(rows)
}

fn positions(from: &mut ByteReader<'_>) -> Result<Vec<PositionRow>, CompactError> {
    let count = from.count()?;
    let (mut rows, mut position) = (Vec::with_capacity(count), 0_u32);
    for _ in 0..count {
        position = position.checked_add(from.small()?).ok_or(from.fault())?;
        rows.push(PositionRow {
            position,
            frequency: f32::from_bits(from.small()?),
        });
    }
    Ok(rows)
}
