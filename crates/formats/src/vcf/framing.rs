//! Where records begin and end in chunks that end anywhere. The part of a record at the end of one
//! chunk is carried to the next, which needs to know only this: so chunks are read in parallel.

use std::ops::Range;

use super::bcf;

/// Longest record.
const MAX_RECORD: usize = 1 << 30;

/// What separates records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// VCF: lines.
    Lines,
    /// BCF: a length before each record.
    Records,
}

/// A chunk taken apart.
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(super) struct Parts {
    /// What was carried and the rest of its last record.
    pub straddling: Vec<u8>,
    /// The whole records of the chunk that follow.
    pub body: Range<usize>,
    /// What is carried to the next chunk.
    pub tail: Vec<u8>,
}

/// Takes a chunk apart, or what is left after the last chunk. `Err` says how the file is corrupt or
/// cut.
pub(super) fn split(
    framing: Framing,
    carry: Vec<u8>,
    chunk: &[u8],
    last: bool,
) -> Result<Parts, Fault> {
    let parts = match framing {
        Framing::Lines if last => Parts {
            straddling: carry,
            ..Parts::default()
        },
        Framing::Lines => split_lines(carry, chunk),
        Framing::Records => split_records(carry, chunk)?,
    };
    if last && !parts.tail.is_empty() {
        return Err(Fault::Truncated("it ends within a record"));
    }
    if parts.tail.len() > MAX_RECORD {
        return Err(Fault::Corrupt("a record is longer than 1 GiB"));
    }
    Ok(parts)
}

/// Why a file cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Truncated(&'static str),
    Corrupt(&'static str),
}

fn split_lines(mut carry: Vec<u8>, chunk: &[u8]) -> Parts {
    let (Some(first), Some(last)) = (memchr::memchr(b'\n', chunk), memchr::memrchr(b'\n', chunk))
    else {
        carry.extend_from_slice(chunk);
        return Parts {
            tail: carry,
            ..Parts::default()
        };
    };
    let start = if carry.is_empty() { 0 } else { first + 1 };
    carry.extend_from_slice(&chunk[..start]);
    Parts {
        straddling: carry,
        body: start..last + 1,
        tail: chunk[last + 1..].to_vec(),
    }
}

fn split_records(mut carry: Vec<u8>, chunk: &[u8]) -> Result<Parts, Fault> {
    let carried = carry.len();
    let total = carried + chunk.len();
    let byte = |at: usize| {
        if at < carried {
            carry.get(at)
        } else {
            chunk.get(at - carried)
        }
    };
    // The first record that ends in the chunk or is cut, then the last that is whole.
    let (mut start, mut whole) = (0, 0);
    while total - whole >= bcf::PREFIX {
        let prefix = std::array::from_fn(|i| byte(whole + i).copied().unwrap_or_default());
        let length = bcf::record_length(prefix)
            .ok_or(Fault::Corrupt("a record has an impossible length"))?;
        if length > total - whole {
            break;
        }
        whole += length;
        if start < carried {
            start = whole;
        }
    }
    if whole < carried {
        let mut tail = carry.split_off(whole);
        tail.extend_from_slice(chunk);
        return Ok(Parts {
            straddling: carry,
            body: 0..0,
            tail,
        });
    }
    let (start, whole) = (start.max(carried) - carried, whole - carried);
    carry.extend_from_slice(&chunk[..start]);
    Ok(Parts {
        straddling: carry,
        body: start..whole,
        tail: chunk[whole..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reassembles a file from chunks cut at `cuts`.
    fn reassemble(framing: Framing, file: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let (mut carry, mut pieces, mut at) = (Vec::new(), Vec::new(), 0);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (file.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(file.len());
        for cut in cuts {
            let chunk = &file[at..cut];
            let parts = split(framing, carry, chunk, false).unwrap();
            pieces.extend([parts.straddling, chunk[parts.body].to_vec()]);
            (carry, at) = (parts.tail, cut);
        }
        pieces.push(split(framing, carry, &[], true).unwrap().straddling);
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    fn record(length: u8) -> Vec<u8> {
        let mut bytes = vec![24, 0, 0, 0, length, 0, 0, 0];
        bytes.extend((0..24 + length).map(|i| i ^ 0x5a));
        bytes
    }

    proptest! {
        #[test]
        fn pieces_are_whole_records(lengths in proptest::collection::vec(0_u8..60, 0..20), cuts in proptest::collection::vec(0_usize..2000, 0..9)) {
            let records: Vec<Vec<u8>> = lengths.iter().map(|length| record(*length)).collect();
            let pieces = reassemble(Framing::Records, &records.concat(), &cuts);
            prop_assert_eq!(pieces.concat(), records.concat());
            for piece in pieces {
                let mut at = 0;
                while at < piece.len() {
                    at += bcf::record_length(piece[at..at + 8].try_into().unwrap()).unwrap();
                }
                prop_assert_eq!(at, piece.len());
            }
            let lines: Vec<String> = lengths.iter().map(|length| "x".repeat(usize::from(*length)) + "\n").collect();
            let pieces = reassemble(Framing::Lines, lines.concat().as_bytes(), &cuts);
            prop_assert_eq!(pieces.concat(), lines.concat().into_bytes());
            prop_assert!(pieces.iter().all(|piece| piece.ends_with(b"\n")));
        }
    }

    #[test]
    fn a_cut_record_and_an_impossible_length_are_faults() {
        let bytes = record(9);
        assert_eq!(
            split(Framing::Records, bytes[..20].to_vec(), &[], true),
            Err(Fault::Truncated("it ends within a record"))
        );
        assert!(matches!(
            split(Framing::Records, vec![0; 30], &[], false),
            Err(Fault::Corrupt(_))
        ));
    }
}
