//! Calls of any shape: any number of alleles, any ploidy, half-missing, with other FORMAT fields
//! behind. Reads a record's calls once and hands them out once for each allele, because a site of
//! several alternate alleles becomes one row for each: a haplotype sets its bit in exactly the row
//! of its allele.

use ligate_genotypes::{Calls, Exception, Phase};

/// A missing allele, `.`.
const MISSING: u16 = u16::MAX;
/// There is no second allele: a haploid call.
const NONE: u16 = u16::MAX - 1;
/// More than two alleles; the first member of the call is its place in `polyploid`.
const MANY: u16 = u16::MAX - 2;

/// Largest allele number of a record.
pub(super) const MAX_ALLELES: usize = u16::MAX as usize - 3;

/// Largest ploidy.
const MAX_PLOIDY: usize = 255;

pub(super) const BAD_CALL: &str = "a GT is not of the form 0/1, 0|1, 0 or .";
pub(super) const OUT_OF_RANGE: &str = "a GT names an allele that the record does not have";
pub(super) const PLOIDY: &str = "a GT has more than 255 alleles";
const MANY_POLYPLOID: &str = "more than 65,533 calls have more than two alleles";
const COLUMNS: &str = "the record does not have one column for each sample";

/// One sample's call.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
struct Call {
    first: u16,
    second: u16,
    phased: bool,
}

impl Call {
    fn is_diploid(self) -> bool {
        self.first < MANY && self.second < MANY
    }
}

/// The calls of one record, all alleles together.
#[derive(Default)]
pub(super) struct Genotypes {
    calls: Vec<Call>,
    polyploid: Vec<Vec<u16>>,
    /// Alleles of the call at hand.
    alleles: Vec<u16>,
}

impl Genotypes {
    pub fn clear(&mut self) {
        self.calls.clear();
        self.polyploid.clear();
    }

    /// Reads the first field of every sample column. `samples` has a tab before each; `alleles`
    /// counts REF too; `prefix` says whether a call may begin with its phase (`|0/1`, from version
    /// 4.4 on).
    pub fn read(
        &mut self,
        samples: &[u8],
        count: usize,
        alleles: u16,
        prefix: bool,
    ) -> Result<(), &'static str> {
        self.clear();
        let mut rest = samples;
        for _ in 0..count {
            let Some((b'\t', field)) = rest.split_first() else {
                return Err(COLUMNS);
            };
            rest = match *field {
                [a, separator, b, ref after @ ..] if is_simple(a, separator, b, after) => {
                    self.push(allele(a), allele(b), separator == b'|', alleles)?;
                    to_next(after)
                }
                _ => {
                    let end = memchr::memchr2(b'\t', b':', field).unwrap_or(field.len());
                    let (call, after) = field.split_at(end);
                    self.parse(call, alleles, prefix)?;
                    to_next(after)
                }
            };
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(COLUMNS)
        }
    }

    fn push(
        &mut self,
        first: u16,
        second: u16,
        phased: bool,
        alleles: u16,
    ) -> Result<(), &'static str> {
        let known = |allele: u16| allele < alleles || allele == MISSING;
        if !known(first) || !(known(second) || second == NONE) {
            return Err(OUT_OF_RANGE);
        }
        self.calls.push(Call {
            first,
            second,
            phased,
        });
        Ok(())
    }

    fn parse(&mut self, call: &[u8], alleles: u16, prefix: bool) -> Result<(), &'static str> {
        let mut rest = match call.split_first() {
            Some((b'/' | b'|', rest)) if prefix => rest,
            _ => call,
        };
        self.alleles.clear();
        let mut phased = false;
        loop {
            let end = memchr::memchr2(b'/', b'|', rest).unwrap_or(rest.len());
            self.alleles.push(parse_allele(&rest[..end])?);
            let Some(separator) = rest.get(end) else {
                break;
            };
            phased = *separator == b'|';
            rest = &rest[end + 1..];
        }
        self.push_alleles(phased, alleles)
    }

    /// Adds the call whose alleles are in `self.alleles`.
    fn push_alleles(&mut self, phased: bool, alleles: u16) -> Result<(), &'static str> {
        match *self.alleles.as_slice() {
            [first] => self.push(first, NONE, false, alleles),
            [first, second] => self.push(first, second, phased, alleles),
            ref many => {
                if many.len() > MAX_PLOIDY {
                    return Err(PLOIDY);
                }
                if self.polyploid.len() >= usize::from(MANY) {
                    return Err(MANY_POLYPLOID);
                }
                if many
                    .iter()
                    .any(|allele| *allele >= alleles && *allele != MISSING)
                {
                    return Err(OUT_OF_RANGE);
                }
                let place = self.polyploid.len() as u16;
                self.polyploid.push(many.to_vec());
                self.calls.push(Call {
                    first: place,
                    second: MANY,
                    phased: false,
                });
                Ok(())
            }
        }
    }

    /// Adds a BCF call: `(allele + 1) << 1 | phased` for each allele, 0 for a missing one.
    pub fn push_encoded(
        &mut self,
        values: impl Iterator<Item = i32>,
        alleles: u16,
    ) -> Result<(), &'static str> {
        self.alleles.clear();
        let mut phased = false;
        for value in values {
            let allele = match u32::try_from(value).map_err(|_| BAD_CALL)? >> 1 {
                0 => MISSING,
                number => u16::try_from(number - 1)
                    .ok()
                    .filter(|n| *n < MANY)
                    .ok_or(OUT_OF_RANGE)?,
            };
            phased = value & 1 == 1;
            self.alleles.push(allele);
        }
        if self.alleles.is_empty() {
            self.alleles.push(MISSING);
        }
        self.push_alleles(phased, alleles)
    }

    /// Adds samples without a call.
    pub fn push_missing(&mut self, count: usize) {
        let missing = Call {
            first: MISSING,
            second: MISSING,
            phased: false,
        };
        self.calls.resize(self.calls.len() + count, missing);
    }

    /// The calls as one allele sees them: 1 for this allele, 0 for every other.
    pub fn fill(&self, allele: u16, out: &mut Calls) {
        out.clear();
        let (mut phased, mut unphased) = (0_usize, 0_usize);
        for (word, calls) in self.calls.chunks(32).enumerate() {
            let mut bits = 0;
            for (at, call) in calls.iter().enumerate() {
                if call.is_diploid() {
                    let code =
                        u64::from(call.first == allele) | u64::from(call.second == allele) << 1;
                    bits |= code << (2 * at);
                    *if call.phased {
                        &mut phased
                    } else {
                        &mut unphased
                    } += 1;
                } else {
                    out.push_exception((word * 32 + at) as u32, self.exception(*call, allele));
                }
            }
            out.codes_mut()[word] = bits;
        }
        if unphased == 0 && phased > 0 {
            out.set_phase(Phase::Phased);
        } else if phased > 0 {
            self.fill_phased(allele, out);
        }
    }

    /// In a row of mixed phase: the phased calls, of heterozygous ones because phase means nothing
    /// in others.
    fn fill_phased(&self, allele: u16, out: &mut Calls) {
        for (sample, call) in self.calls.iter().enumerate() {
            let heterozygous = (call.first == allele) != (call.second == allele);
            if call.phased && call.is_diploid() && heterozygous {
                out.push_phased(sample as u32);
            }
        }
    }

    fn exception(&self, call: Call, allele: u16) -> Exception {
        match (call.first, call.second) {
            (MISSING, NONE) => Exception::HaploidMissing,
            (first, NONE) => Exception::Haploid {
                alternate: first == allele,
            },
            (place, MANY) => {
                let alleles = self
                    .polyploid
                    .get(usize::from(place))
                    .map_or(&[][..], Vec::as_slice);
                let count =
                    |keep: &dyn Fn(u16) -> bool| alleles.iter().filter(|a| keep(**a)).count() as u8;
                Exception::Polyploid {
                    alternates: count(&|a| a == allele),
                    alleles: count(&|a| a != MISSING),
                }
            }
            (MISSING, MISSING) => Exception::Missing,
            (MISSING, one) | (one, _) => Exception::HalfMissing {
                alternate: one == allele,
            },
        }
    }
}

/// A call of two alleles of one character each, followed by nothing else that belongs to it.
fn is_simple(a: u8, separator: u8, b: u8, after: &[u8]) -> bool {
    let allele = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    allele(a)
        && allele(b)
        && (separator == b'/' || separator == b'|')
        && matches!(after.first(), None | Some(b'\t' | b':'))
}

fn allele(byte: u8) -> u16 {
    if byte == b'.' {
        MISSING
    } else {
        u16::from(byte.wrapping_sub(b'0'))
    }
}

fn parse_allele(text: &[u8]) -> Result<u16, &'static str> {
    if text == b"." {
        return Ok(MISSING);
    }
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(BAD_CALL);
    }
    let value = text.iter().fold(0_u32, |value, b| {
        (value * 10 + u32::from(b - b'0')).min(1 << 20)
    });
    u16::try_from(value)
        .ok()
        .filter(|value| *value < MANY)
        .ok_or(OUT_OF_RANGE)
}

/// What follows a call, from the next sample's tab on.
fn to_next(after: &[u8]) -> &[u8] {
    match after.first() {
        None | Some(b'\t') => after,
        Some(_) => &after[memchr::memchr(b'\t', after).unwrap_or(after.len())..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(samples: &str, alleles: u16) -> Result<Genotypes, &'static str> {
        let mut genotypes = Genotypes::default();
        genotypes.read(
            samples.as_bytes(),
            samples.matches('\t').count(),
            alleles,
            false,
        )?;
        Ok(genotypes)
    }

    #[test]
    fn a_haplotype_sets_its_bit_in_the_row_of_its_allele() {
        let genotypes = read("\t0|1\t2|1:7\t./2\t2\t.\t0/1/2\t./.\t2/2:9,9", 3).unwrap();
        let mut calls = Calls::new(8);
        genotypes.fill(2, &mut calls);
        assert_eq!(calls.codes()[0], 0b01 << 2 | 0b11 << 14);
        assert_eq!(
            calls.exceptions(),
            [
                (2, Exception::HalfMissing { alternate: true }),
                (3, Exception::Haploid { alternate: true }),
                (4, Exception::HaploidMissing),
                (
                    5,
                    Exception::Polyploid {
                        alternates: 1,
                        alleles: 3
                    }
                ),
                (6, Exception::Missing),
            ]
        );
        assert_eq!((calls.phase(), calls.phased()), (Phase::Unphased, &[1][..]));
        genotypes.fill(1, &mut calls);
        assert_eq!(calls.codes()[0], 0b10 | 0b10 << 2);
        assert_eq!(calls.phased(), [0, 1]);
    }

    #[test]
    fn bad_calls_are_refused() {
        for (call, fault) in [
            ("\t1/C", BAD_CALL),
            ("\t0/3", OUT_OF_RANGE),
            ("\t0.000", BAD_CALL),
            ("\t0/|1", BAD_CALL),
            ("\t", BAD_CALL),
            ("\t/1", BAD_CALL),
            ("\t99999999999", OUT_OF_RANGE),
            ("\t65535/0", OUT_OF_RANGE),
        ] {
            assert_eq!(read(call, 3).err(), Some(fault), "{call}");
        }
        let mut genotypes = Genotypes::default();
        assert_eq!(genotypes.read(b"\t0/1", 2, 2, false), Err(COLUMNS));
        assert_eq!(genotypes.read(b"\t0/1\t0/1", 1, 2, false), Err(COLUMNS));
        assert_eq!(genotypes.read(b"\t|0/1", 1, 2, true), Ok(()));
    }

    #[test]
    fn binary_calls_are_the_same_calls() {
        let text = read("\t0|1\t2/1\t./2\t2\t.\t./.", 3).unwrap();
        let mut binary = Genotypes::default();
        for values in [&[2, 5][..], &[6, 4], &[0, 6], &[6], &[0], &[0, 0]] {
            binary.push_encoded(values.iter().copied(), 3).unwrap();
        }
        assert_eq!(text.calls, binary.calls);
    }
}
