//! Masks over Z_2^64 and the sum of masked vectors (Bonawitz et al. 2017, "Practical Secure
//! Aggregation for Privacy-Preserving Machine Learning", section 4). This module owns the mask
//! streams, the sign rule of pairwise masks and the one place where an [`Opened`] sum comes into
//! being. It refuses to open a sum of fewer than three nodes' vectors, or one that still carries a
//! mask.

use aes::{
    Aes128,
    cipher::{KeyIvInit, StreamCipher},
};
use ctr::Ctr128BE;
use zeroize::{Zeroize, Zeroizing};

use crate::Opened;

/// A sum holds at least this many nodes' vectors. Not configurable: with two, each could subtract
/// its own.
pub const MINIMUM_CONTRIBUTORS: usize = 3;
/// Nodes are numbered below this, so that sets of them fit one word.
pub const MAXIMUM_CONTRIBUTORS: usize = 64;

/// Words masked at a time: 8 KiB of key stream stay in the first-level cache.
const CHUNK_WORDS: usize = 1024;
const WORD_BYTES: usize = 8;

/// What a mask is made from: an AES-128 key (16 bytes) and the first counter block (16 bytes). One
/// seed masks one vector, once. Wiped from memory when dropped, never printed.
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// `bytes` are uniformly random: the output of a key derivation.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn stream(&self) -> Ctr128BE<Aes128> {
        let (key, counter) = self.0.split_at(16);
        Ctr128BE::<Aes128>::new(key.into(), counter.into())
    }
}

/// `words[i] += mask[i]` mod 2^64. The mask is the AES-128-CTR key stream as little-endian words.
pub fn add_mask(seed: &Seed, words: &mut [u64]) {
    with_mask(seed, words, u64::wrapping_add);
}

/// `words[i] -= mask[i]` mod 2^64.
pub fn subtract_mask(seed: &Seed, words: &mut [u64]) {
    with_mask(seed, words, u64::wrapping_sub);
}

/// Masks node `own`'s vector against node `peer`: the lower number adds, the higher subtracts, so
/// that the two cancel in a sum that holds both.
pub fn add_pair_mask(own: usize, peer: usize, seed: &Seed, words: &mut [u64]) {
    if own < peer {
        add_mask(seed, words)
    } else {
        subtract_mask(seed, words)
    }
}

fn with_mask(seed: &Seed, words: &mut [u64], combine: impl Fn(u64, u64) -> u64) {
    let mut stream = seed.stream();
    let mut bytes = Zeroizing::new(vec![0; words.len().min(CHUNK_WORDS) * WORD_BYTES]);
    for chunk in words.chunks_mut(CHUNK_WORDS) {
        let bytes = &mut bytes[..chunk.len() * WORD_BYTES];
        bytes.fill(0);
        stream.apply_keystream(bytes);
        for (word, mask) in chunk.iter_mut().zip(bytes.as_chunks().0) {
            *word = combine(*word, u64::from_le_bytes(*mask));
        }
    }
}

/// Why a masked sum was not added to or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskedSumError {
    #[error(
        "a sum of {contributors} nodes' vectors is not opened: at least {MINIMUM_CONTRIBUTORS} are needed"
    )]
    TooFew { contributors: usize },
    #[error("a vector has {words} words where the sum has {expected}")]
    Length { words: usize, expected: usize },
    #[error("node {0} is out of range or was counted already")]
    Contributor(usize),
    #[error("the mask of node {0} was not removed")]
    Masked(usize),
}

/// A sum of masked vectors mod 2^64, at the coordinator. Self-masks of the contributors and the
/// masks that they shared with lost nodes are removed from it; then it opens.
pub struct MaskedSum {
    words: Vec<u64>,
    contributors: u64,
    unmasked: u64,
}

impl MaskedSum {
    pub fn new(words: usize) -> Self {
        Self {
            words: vec![0; words],
            contributors: 0,
            unmasked: 0,
        }
    }

    /// Adds the masked vector of one node, once.
    pub fn add(
        &mut self,
        node: usize,
        masked: impl ExactSizeIterator<Item = u64>,
    ) -> Result<(), MaskedSumError> {
        if masked.len() != self.words.len() {
            return Err(MaskedSumError::Length {
                words: masked.len(),
                expected: self.words.len(),
            });
        }
        if node >= MAXIMUM_CONTRIBUTORS || self.contributors & (1 << node) != 0 {
            return Err(MaskedSumError::Contributor(node));
        }
        self.contributors |= 1 << node;
        for (sum, word) in self.words.iter_mut().zip(masked) {
            *sum = sum.wrapping_add(word);
        }
        Ok(())
    }

    /// The number of vectors in the sum.
    pub fn contributors(&self) -> usize {
        self.contributors.count_ones() as usize
    }

    /// Removes the mask that contributor `node` put on its own vector.
    pub fn remove_self_mask(&mut self, node: usize, seed: &Seed) -> Result<(), MaskedSumError> {
        self.require(node)?;
        if self.unmasked & (1 << node) != 0 {
            return Err(MaskedSumError::Contributor(node));
        }
        self.unmasked |= 1 << node;
        subtract_mask(seed, &mut self.words);
        Ok(())
    }

    /// Removes the mask that contributor `node` put on its vector against `lost`, whose vector is
    /// not in the sum.
    pub fn remove_pair_mask(
        &mut self,
        node: usize,
        lost: usize,
        seed: &Seed,
    ) -> Result<(), MaskedSumError> {
        self.require(node)?;
        if lost >= MAXIMUM_CONTRIBUTORS || self.contributors & (1 << lost) != 0 {
            return Err(MaskedSumError::Contributor(lost));
        }
        add_pair_mask(lost, node, seed, &mut self.words);
        Ok(())
    }

    /// The sum, if it holds at least three nodes' vectors and none of their self-masks.
    pub fn open(mut self) -> Result<Opened<Vec<u64>>, MaskedSumError> {
        if self.contributors() < MINIMUM_CONTRIBUTORS {
            return Err(MaskedSumError::TooFew {
                contributors: self.contributors(),
            });
        }
        match self.contributors & !self.unmasked {
            0 => Ok(Opened::new(std::mem::take(&mut self.words))),
            masked => Err(MaskedSumError::Masked(masked.trailing_zeros() as usize)),
        }
    }

    fn require(&self, node: usize) -> Result<(), MaskedSumError> {
        if node < MAXIMUM_CONTRIBUTORS && self.contributors & (1 << node) != 0 {
            Ok(())
        } else {
            Err(MaskedSumError::Contributor(node))
        }
    }
}

/// A sum that was not opened may be bare of masks already.
impl Drop for MaskedSum {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seed(byte: u8) -> Seed {
        Seed::new([byte; 32])
    }

    #[test]
    fn the_stream_is_aes_128_ctr() {
        // NIST SP 800-38A, F.5.1: CTR-AES128, key and initial counter, first two blocks (plaintext
        // xor ciphertext).
        let mut bytes = [0; 32];
        hex::decode_to_slice("2b7e151628aed2a6abf7158809cf4f3c", &mut bytes[..16]).unwrap();
        hex::decode_to_slice("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", &mut bytes[16..]).unwrap();
        let stream =
            hex::decode("ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae")
                .unwrap();
        let expected: Vec<u64> = stream
            .as_chunks()
            .0
            .iter()
            .map(|word: &[u8; 8]| u64::from_le_bytes(*word))
            .collect();
        let mut words = [0; 4];
        add_mask(&Seed::new(bytes), &mut words);
        assert_eq!(words.as_slice(), expected);
    }

    /// Node `own` of `count`, with pair seeds that depend on the pair and self seeds that depend on
    /// the node.
    fn mask(own: usize, count: usize, words: &mut [u64]) {
        add_mask(&seed(100 + own as u8), words);
        for peer in (0..count).filter(|peer| *peer != own) {
            add_pair_mask(own, peer, &pair(own, peer), words);
        }
    }

    fn pair(a: usize, b: usize) -> Seed {
        seed((a.min(b) * 10 + a.max(b)) as u8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn masks_cancel_and_those_of_lost_nodes_are_removed(
            count in 3_usize..8, lost in 0_usize..5, length in 0_usize..2500, salt: u64,
        ) {
            let lost = lost.min(count - MINIMUM_CONTRIBUTORS);
            let mut sum = MaskedSum::new(length);
            let mut expected = vec![0_u64; length];
            for node in lost..count {
                let plain: Vec<u64> =
                    (0..length as u64).map(|i| i.wrapping_add(salt).wrapping_mul(!(node as u64))).collect();
                expected.iter_mut().zip(&plain).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
                let mut masked = plain.clone();
                mask(node, count, &mut masked);
                prop_assert!(length < 2 || masked != plain);
                sum.add(node, masked.into_iter()).unwrap();
            }
            for node in lost..count {
                sum.remove_self_mask(node, &seed(100 + node as u8)).unwrap();
                for gone in 0..lost {
                    sum.remove_pair_mask(node, gone, &pair(node, gone)).unwrap();
                }
            }
            let opened = sum.open().ok().unwrap();
            prop_assert_eq!(opened.get(), &expected);
        }
    }

    fn masked_sum(nodes: &[usize]) -> MaskedSum {
        let mut sum = MaskedSum::new(1);
        for node in nodes {
            sum.add(*node, [0].into_iter()).unwrap();
        }
        sum
    }

    #[test]
    fn two_vectors_are_never_opened() {
        let mut sum = masked_sum(&[0, 1]);
        sum.remove_self_mask(0, &seed(0)).unwrap();
        sum.remove_self_mask(1, &seed(1)).unwrap();
        assert_eq!(
            sum.open().err(),
            Some(MaskedSumError::TooFew { contributors: 2 })
        );
    }

    #[test]
    fn a_vector_counts_once() {
        let mut sum = masked_sum(&[0, 1]);
        assert_eq!(
            sum.add(1, [0].into_iter()),
            Err(MaskedSumError::Contributor(1))
        );
        assert_eq!(
            sum.add(64, [0].into_iter()),
            Err(MaskedSumError::Contributor(64))
        );
        assert_eq!(
            sum.add(2, [0, 0].into_iter()),
            Err(MaskedSumError::Length {
                words: 2,
                expected: 1
            })
        );
        assert_eq!(sum.contributors(), 2);
    }

    #[test]
    fn a_sum_that_carries_a_mask_is_not_opened() {
        let mut sum = masked_sum(&[0, 1, 63]);
        sum.remove_self_mask(0, &seed(0)).unwrap();
        sum.remove_self_mask(63, &seed(0)).unwrap();
        assert_eq!(
            sum.remove_self_mask(0, &seed(0)),
            Err(MaskedSumError::Contributor(0))
        );
        assert_eq!(
            sum.remove_self_mask(5, &seed(0)),
            Err(MaskedSumError::Contributor(5))
        );
        assert_eq!(
            sum.remove_pair_mask(0, 1, &seed(0)),
            Err(MaskedSumError::Contributor(1))
        );
        assert_eq!(sum.open().err(), Some(MaskedSumError::Masked(1)));
    }
}
