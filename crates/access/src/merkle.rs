//! The Merkle tree of RFC 6962, section 2.1, over SHA-256: roots, inclusion proofs and consistency
//! proofs. Pure functions over leaf hashes; the log that they protect is in
//! [`audit`](crate::audit).

use ligate_model::Digest;
use sha2::{Digest as _, Sha256};

/// The hash of a leaf: SHA-256 of a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest::from_bytes(
        Sha256::new()
            .chain_update([0])
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new()
        .chain_update([1])
        .chain_update(left.as_bytes())
        .chain_update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

fn empty_root() -> Digest {
    Digest::from_bytes(Sha256::digest([]).into())
}

/// A growing tree: all leaf hashes (32 bytes an entry) and the perfect subtrees of its right edge,
/// so that an append and the new root cost O(log n) hashes. Proofs hash the leaves anew, O(n).
#[derive(Clone, Debug, Default)]
pub struct Tree {
    leaves: Vec<Digest>,
    peaks: Vec<Digest>,
}

impl Tree {
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub fn push(&mut self, leaf: Digest) {
        push_peak(&mut self.peaks, self.leaves.len(), leaf);
        self.leaves.push(leaf);
    }

    pub fn root(&self) -> Digest {
        fold_peaks(&self.peaks)
    }

    /// The root that the tree would have with one more leaf.
    pub fn root_with(&self, leaf: Digest) -> Digest {
        let mut peaks = self.peaks.clone();
        push_peak(&mut peaks, self.leaves.len(), leaf);
        fold_peaks(&peaks)
    }

    /// The root of the first `size` leaves; `None` where there are fewer.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        Some(root(self.leaves.get(..usize::try_from(size).ok()?)?))
    }

    /// The audit path of a leaf in the whole tree (RFC 6962, 2.1.1).
    pub fn inclusion_proof(&self, index: u64) -> Option<Vec<Digest>> {
        let index = usize::try_from(index)
            .ok()
            .filter(|index| *index < self.leaves.len())?;
        Some(path(index, &self.leaves))
    }

    /// The proof that the first `old` leaves begin the whole tree (RFC 6962, 2.1.2). Empty for no
    /// or all leaves.
    pub fn consistency_proof(&self, old: u64) -> Option<Vec<Digest>> {
        let old = usize::try_from(old)
            .ok()
            .filter(|old| *old <= self.leaves.len())?;
        Some(if old == 0 {
            Vec::new()
        } else {
            subproof(old, &self.leaves, true)
        })
    }
}

/// Merges equal-sized neighbours, as a binary counter carries: one merge per trailing one of the
/// old size.
fn push_peak(peaks: &mut Vec<Digest>, size: usize, leaf: Digest) {
    let mut hash = leaf;
    for _ in 0..size.trailing_ones() {
        if let Some(left) = peaks.pop() {
            hash = node_hash(&left, &hash);
        }
    }
    peaks.push(hash);
}

fn fold_peaks(peaks: &[Digest]) -> Digest {
    peaks
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or_else(empty_root)
}

/// Where a tree of `size` > 1 leaves splits: the largest power of two below it.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

fn path(index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, sibling) = match index.checked_sub(left.len()) {
        None => (path(index, left), root(right)),
        Some(index) => (path(index, right), root(left)),
    };
    proof.push(sibling);
    proof
}

fn subproof(old: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if old == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![root(leaves)]
        };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, sibling) = match old.checked_sub(left.len()) {
        None | Some(0) => (subproof(old, left, whole), root(right)),
        Some(old) => (subproof(old, right, false), root(left)),
    };
    proof.push(sibling);
    proof
}

/// Whether `leaf` is entry `index` of the tree with this size and root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut index, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            hash = node_hash(sibling, &hash);
            climb_past_left_edge(&mut index, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (index, last) = (index >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Whether the tree `new` = (size, root) continues the tree `old` (RFC 9162, 2.1.4.2).
pub fn verify_consistency(old: (u64, Digest), new: (u64, Digest), proof: &[Digest]) -> bool {
    if old.0 == new.0 {
        return old.1 == new.1 && proof.is_empty();
    }
    if old.0 == 0 {
        return old.1 == empty_root() && proof.is_empty();
    }
    // Where the old tree is a perfect one, its root is the first hash and is left out of the proof.
    let (first, rest) = if old.0.is_power_of_two() {
        (old.1, proof)
    } else {
        match proof {
            [first, rest @ ..] => (*first, rest),
            [] => return false,
        }
    };
    old.0 < new.0 && climb_both(old, new, first, rest)
}

/// Rebuilds both roots from the shared subtree `first` upwards.
fn climb_both(old: (u64, Digest), new: (u64, Digest), first: Digest, rest: &[Digest]) -> bool {
    let (mut index, mut last) = (old.0 - 1, new.0 - 1);
    while index & 1 == 1 {
        (index, last) = (index >> 1, last >> 1);
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            climb_past_left_edge(&mut index, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (index, last) = (index >> 1, last >> 1);
    }
    last == 0 && old_hash == old.1 && new_hash == new.1
}

/// A node on the right edge of an incomplete tree has no sibling on some levels: skip them.
fn climb_past_left_edge(index: &mut u64, last: &mut u64) {
    while *index & 1 == 0 && *index != 0 {
        (*index, *last) = (*index >> 1, *last >> 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight entries, and the roots of the trees of 0 to 8 of them, of
    /// certificate-transparency's `merkletree` tests (also transparency-dev/merkle,
    /// `testonly/constants.go`).
    const ENTRIES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    /// Proofs of the same tests: (index, size, path) and (old size, new size, path).
    const INCLUSION: [(u64, u64, &[&str]); 2] = [
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];
    const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];

    fn digests(texts: &[&str]) -> Vec<Digest> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn vector_leaf(index: usize) -> Digest {
        leaf_hash(&hex::decode(ENTRIES[index]).unwrap())
    }

    fn vector_tree(size: u64) -> Tree {
        let mut tree = Tree::default();
        (0..size as usize).for_each(|index| tree.push(vector_leaf(index)));
        tree
    }

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(vector_tree(size as u64).root().to_string(), *expected);
            assert_eq!(
                vector_tree(8).root_at(size as u64).unwrap().to_string(),
                *expected
            );
        }
        assert_eq!(
            vector_tree(4).root_with(vector_leaf(4)).to_string(),
            ROOTS[5]
        );
        assert_eq!(vector_tree(4).root_at(5), None);
    }

    #[test]
    fn proofs_are_those_of_certificate_transparency() {
        for (index, size, expected) in INCLUSION {
            let proof = vector_tree(size).inclusion_proof(index).unwrap();
            assert_eq!(proof, digests(expected));
            let root = ROOTS[size as usize].parse().unwrap();
            assert!(verify_inclusion(
                vector_leaf(index as usize),
                index,
                size,
                &proof,
                root
            ));
        }
        for (old, new, expected) in CONSISTENCY {
            let proof = vector_tree(new).consistency_proof(old).unwrap();
            assert_eq!(proof, digests(expected));
            let [from, to] = [old, new].map(|size| (size, ROOTS[size as usize].parse().unwrap()));
            assert!(verify_consistency(from, to, &proof));
        }
    }

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::default();
        (0..size).for_each(|index| tree.push(leaf_hash(&index.to_le_bytes())));
        tree
    }

    #[test]
    fn every_proof_of_small_trees_holds_and_no_other_does() {
        for size in 0..20 {
            let whole = tree(size);
            assert_eq!(whole.root_at(size), Some(whole.root()));
            assert_eq!(whole.inclusion_proof(size), None);
            assert_eq!(whole.consistency_proof(size + 1), None);
            for index in 0..size {
                check_inclusion(&whole, index);
            }
            for old in 0..=size {
                check_consistency(&whole, old);
            }
        }
    }

    fn check_inclusion(whole: &Tree, index: u64) {
        let (size, root, leaf) = (whole.size(), whole.root(), leaf_hash(&index.to_le_bytes()));
        let proof = whole.inclusion_proof(index).unwrap();
        assert!(verify_inclusion(leaf, index, size, &proof, root));
        assert!(!verify_inclusion(
            leaf,
            index,
            size,
            &proof,
            leaf_hash(b"other")
        ));
        assert!(!verify_inclusion(
            leaf_hash(b"other"),
            index,
            size,
            &proof,
            root
        ));
        for other in (0..=size + 1).filter(|other| *other != index) {
            assert!(!verify_inclusion(leaf, other, size, &proof, root));
        }
        for wrong in wrong_proofs(&proof) {
            assert!(!verify_inclusion(leaf, index, size, &wrong, root));
        }
    }

    fn check_consistency(whole: &Tree, old: u64) {
        let from = (old, whole.root_at(old).unwrap());
        let to = (whole.size(), whole.root());
        let proof = whole.consistency_proof(old).unwrap();
        assert!(verify_consistency(from, to, &proof));
        assert!(!verify_consistency((old, leaf_hash(b"other")), to, &proof));
        // Everything continues the empty tree; any other pair must fail with another root.
        assert!(old == 0 || !verify_consistency(from, (to.0, leaf_hash(b"other")), &proof));
        assert!(old == to.0 || !verify_consistency(to, from, &proof));
        for wrong in wrong_proofs(&proof) {
            assert!(!verify_consistency(from, to, &wrong));
        }
    }

    fn wrong_proofs(proof: &[Digest]) -> Vec<Vec<Digest>> {
        let mut longer = proof.to_vec();
        longer.push(leaf_hash(b"other"));
        let mut wrong = vec![longer];
        if let Some((_, shorter)) = proof.split_last() {
            wrong.push(shorter.to_vec());
        }
        for at in 0..proof.len() {
            let mut changed = proof.to_vec();
            changed[at] = leaf_hash(b"other");
            wrong.push(changed);
        }
        wrong
    }
}
