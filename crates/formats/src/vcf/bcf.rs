//! BCF 2.1 and 2.2 records (VCF 4.5, section 6): the fixed part, alleles and GT. Checks every
//! length before it is used; other fields are walked over.

use ligate_genotypes::{Exception, Phase};

use super::header::Header;

/// Bytes before a record that give the lengths of its two parts.
pub(super) const PREFIX: usize = 8;

/// Longest part of a record.
const MAX_PART: u32 = 1 << 30;

const CUT: &str = "the record's fields do not fit its length";

/// Bytes of the record with this prefix, which is included; `None` if it gives impossible lengths.
pub(super) fn record_length(prefix: [u8; PREFIX]) -> Option<usize> {
    let [a, b, c, d, e, f, g, h] = prefix;
    let (shared, individual) = (
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    );
    ((24..=MAX_PART).contains(&shared) && individual <= MAX_PART)
        .then_some(PREFIX + shared as usize + individual as usize)
}

/// A record, its alleles as a VCF line would have them.
pub(super) struct Record<'r> {
    pub chromosome: &'r str,
    /// Counted from 1.
    pub position: u32,
    pub id: &'r [u8],
    pub reference: &'r [u8],
    /// Separated by commas; `.` where there is none.
    pub alternates: Vec<u8>,
    pub calls: Option<EncodedCalls<'r>>,
}

/// GT of all samples: `each` integers of `width` bytes for each.
#[derive(Clone, Copy)]
pub(super) struct EncodedCalls<'r> {
    pub data: &'r [u8],
    pub width: usize,
    pub each: usize,
}

impl EncodedCalls<'_> {
    /// The integers of one sample up to the end of its vector.
    pub fn values(&self, sample: usize) -> impl Iterator<Item = i32> + '_ {
        let size = self.width * self.each;
        let values = self
            .data
            .get(sample * size..(sample + 1) * size)
            .unwrap_or_default();
        let (width, end) = (self.width, end_of_vector(self.width));
        values
            .chunks_exact(width)
            .map(integer)
            .take_while(move |value| *value != end)
    }
}

/// What [`EncodedCalls::pack`] found beside the codes.
pub(super) struct Packed {
    pub phase: Phase,
    /// Samples with a missing allele, ascending.
    pub missing: Vec<(u32, Exception)>,
}

impl EncodedCalls<'_> {
    /// Packs diploid calls of alleles 0, 1 and `.`, all phased or all unphased, as `tokenise` does
    /// those of text: 32 samples a word, two bits each. `None` if they are not of this kind: then
    /// `codes` mean nothing.
    pub fn pack(&self, codes: &mut [u64]) -> Option<Packed> {
        if (self.width, self.each) != (1, 2) {
            return None;
        }
        let (mut missing, mut phased, mut unphased) = (Vec::new(), false, false);
        for (word, (calls, code)) in self.data.chunks(64).zip(codes).enumerate() {
            *code = 0;
            for (at, [a, b]) in calls.as_chunks::<2>().0.iter().enumerate() {
                match (a >> 1, b >> 1) {
                    (first @ 1..=2, second @ 1..=2) => {
                        *code |= u64::from((first - 1) | (second - 1) << 1) << (2 * at);
                        *(if b & 1 == 1 {
                            &mut phased
                        } else {
                            &mut unphased
                        }) = true;
                    }
                    (0, 0) => missing.push(((word * 32 + at) as u32, Exception::Missing)),
                    (0, one @ 1..=2) | (one @ 1..=2, 0) => {
                        let alternate = one == 2;
                        missing.push((
                            (word * 32 + at) as u32,
                            Exception::HalfMissing { alternate },
                        ));
                    }
                    _ => return None,
                }
            }
        }
        let phase = if phased {
            Phase::Phased
        } else {
            Phase::Unphased
        };
        (!(phased && unphased)).then_some(Packed { phase, missing })
    }
}

impl<'r> Record<'r> {
    /// Parses a record, its prefix included, whose length is right.
    pub fn parse(bytes: &'r [u8], header: &'r Header) -> Result<Self, &'static str> {
        let mut lengths = Cursor(bytes);
        let shared = lengths.integer(4)?;
        lengths.integer(4)?;
        let split = usize::try_from(shared)
            .ok()
            .filter(|at| *at <= lengths.0.len())
            .ok_or(CUT)?;
        let (shared, individual) = lengths.0.split_at(split);
        let mut fields = Cursor(shared);
        let contig =
            usize::try_from(fields.integer(4)?).map_err(|_| "CHROM is no contig of the header")?;
        let chromosome = header
            .contig_names
            .get(contig)
            .ok_or("CHROM is no contig of the header")?;
        let position = fields.integer(4)?;
        fields.take(8)?;
        let (infos, alleles) = (fields.integer(2)? as u16, fields.integer(2)? as u16);
        let counts = fields.integer(4)? as u32;
        let (samples, formats) = (counts & 0xff_ffff, counts >> 24);
        if samples as usize != header.samples.len() {
            return Err("the record does not have one column for each sample");
        }
        let id = fields.text()?;
        let reference = if alleles == 0 { b"." } else { fields.text()? };
        let alternates = alternates(&mut fields, alleles)?;
        check_strings(&mut fields, infos, header)?;
        let calls = calls(Cursor(individual), formats, samples as usize, header)?;
        let position = u32::try_from(position.wrapping_add(1)).map_err(|_| "POS is no position")?;
        let id = if id.is_empty() { b"." } else { id };
        Ok(Self {
            chromosome,
            position,
            id,
            reference,
            alternates,
            calls,
        })
    }
}

fn alternates(fields: &mut Cursor<'_>, alleles: u16) -> Result<Vec<u8>, &'static str> {
    let mut all = Vec::new();
    for at in 1..alleles {
        if at > 1 {
            all.push(b',');
        }
        all.extend_from_slice(fields.text()?);
    }
    if alleles < 2 {
        all.push(b'.');
    }
    Ok(all)
}

/// Walks over FILTER and INFO; their keys must be in the header.
fn check_strings(fields: &mut Cursor<'_>, infos: u16, header: &Header) -> Result<(), &'static str> {
    let known = |key: i32| {
        usize::try_from(key)
            .ok()
            .and_then(|key| header.strings.get(key))
    };
    let (width, filters) = fields.typed()?;
    if filters
        .chunks_exact(width.max(1))
        .any(|value| known(integer(value)).is_none())
    {
        return Err("FILTER is not in the header");
    }
    for _ in 0..infos {
        known(fields.typed_integer()?).ok_or("an INFO key is not in the header")?;
        fields.typed()?;
    }
    Ok(())
}

fn calls<'r>(
    mut fields: Cursor<'r>,
    formats: u32,
    samples: usize,
    header: &Header,
) -> Result<Option<EncodedCalls<'r>>, &'static str> {
    let mut found = None;
    for _ in 0..formats {
        let key = usize::try_from(fields.typed_integer()?).map_err(|_| CUT)?;
        let name = header
            .strings
            .get(key)
            .ok_or("a FORMAT key is not in the header")?;
        let (kind, each) = fields.descriptor()?;
        let width = width(kind)?;
        let data = fields.take(
            samples
                .checked_mul(width)
                .and_then(|n| n.checked_mul(each))
                .ok_or(CUT)?,
        )?;
        if name == "GT" {
            if kind > 3 {
                return Err("GT is not made of integers");
            }
            found = (each > 0 && width > 0).then_some(EncodedCalls { data, width, each });
        }
    }
    Ok(found)
}

/// Bytes still to be read.
#[derive(Clone, Copy)]
struct Cursor<'r>(&'r [u8]);

impl<'r> Cursor<'r> {
    fn take(&mut self, count: usize) -> Result<&'r [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(CUT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn integer(&mut self, width: usize) -> Result<i32, &'static str> {
        self.take(width).map(integer)
    }

    /// The type and the number of values that follow.
    fn descriptor(&mut self) -> Result<(u8, usize), &'static str> {
        let byte = self.take(1)?[0];
        let count = match byte >> 4 {
            15 => usize::try_from(self.typed_integer()?).map_err(|_| CUT)?,
            count => usize::from(count),
        };
        Ok((byte & 15, count))
    }

    fn typed_integer(&mut self) -> Result<i32, &'static str> {
        let byte = self.take(1)?[0];
        if byte >> 4 != 1 || !(1..=3).contains(&(byte & 15)) {
            return Err(CUT);
        }
        self.integer(width(byte & 15)?)
    }

    /// A value of any type: the width of its members and its bytes.
    fn typed(&mut self) -> Result<(usize, &'r [u8]), &'static str> {
        let (kind, count) = self.descriptor()?;
        let width = width(kind)?;
        Ok((width, self.take(count.checked_mul(width).ok_or(CUT)?)?))
    }

    fn text(&mut self) -> Result<&'r [u8], &'static str> {
        let (kind, count) = self.descriptor()?;
        if kind != 7 && count > 0 {
            return Err("text is expected where the record has none");
        }
        self.take(count)
    }
}

/// Bytes of a type's members.
fn width(kind: u8) -> Result<usize, &'static str> {
    match kind {
        0 => Ok(0),
        1 | 7 => Ok(1),
        2 => Ok(2),
        3 | 5 => Ok(4),
        _ => Err("a field has a type that BCF does not have"),
    }
}

/// A little-endian integer of 1, 2 or 4 bytes.
fn integer(bytes: &[u8]) -> i32 {
    match *bytes {
        [a] => i32::from(a as i8),
        [a, b] => i32::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// The integer after the last value of a sample with fewer values than others.
fn end_of_vector(width: usize) -> i32 {
    match width {
        1 => i32::from(i8::MIN) + 1,
        2 => i32::from(i16::MIN) + 1,
        _ => i32::MIN + 1,
    }
}

#[cfg(test)]
mod tests {
    use ligate_genotypes::Calls;
    use proptest::prelude::*;

    use super::{super::genotype::Genotypes, *};

    proptest! {
        #[test]
        fn packed_calls_are_the_calls_read_one_by_one(
            pairs in proptest::collection::vec((0_u8..6, 0_u8..6), 1..100),
            phased: bool,
            mixed: bool,
            odd in (0_usize..3000, any::<u8>()),
        ) {
            let mut data: Vec<u8> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
            if !mixed {
                data.iter_mut().skip(1).step_by(2).for_each(|value| *value = *value & 6 | u8::from(phased));
            }
            if let Some(value) = data.get_mut(odd.0) {
                *value = odd.1;
            }
            let (encoded, samples) = (EncodedCalls { data: &data, width: 1, each: 2 }, pairs.len());
            let mut packed = Calls::new(samples);
            let found = encoded.pack(packed.codes_mut());
            let mut genotypes = Genotypes::default();
            let read = (0..samples).try_for_each(|at| genotypes.push_encoded(encoded.values(at), 2));
            let mut expected = Calls::new(samples);
            if let Some(found) = found {
                prop_assert_eq!(read, Ok(()));
                genotypes.fill(1, &mut expected);
                packed.set_phase(found.phase);
                found.missing.iter().for_each(|(at, exception)| packed.push_exception(*at, *exception));
                prop_assert!(packed == expected);
            } else {
                prop_assert!(mixed || odd.0 < data.len());
            }
        }
    }
}
