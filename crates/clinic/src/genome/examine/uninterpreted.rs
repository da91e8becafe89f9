//! What a file has that is not interpreted: counted, so that silence is not taken for health.

/// Records that the patient carries and nobody here reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uninterpreted {
    /// Deletions, duplications, inversions, insertions and copy numbers by symbol, and breakends.
    pub structural: u64,
    /// Repeat expansions.
    pub repeats: u64,
    /// On contigs other than 1-22, X, Y and MT.
    pub other_contigs: u64,
    /// Places that do not lift to GRCh38.
    pub not_lifted: u64,
    /// Alleles that spell nothing.
    pub unusable: u64,
}

impl Uninterpreted {
    /// Counts a symbolic allele if it is carried; false for one that spells bases.
    pub(super) fn count(&mut self, allele: &str, carried: bool) -> bool {
        if !is_symbolic(allele) {
            return false;
        }
        // `*` and `<*>` say that an allele is something else, told in another record.
        if !carried || matches!(allele, "*" | "<*>" | "<NON_REF>" | ".") {
            return true;
        }
        if is_repeat(allele) {
            self.repeats += 1
        } else {
            self.structural += 1
        }
        true
    }
}

/// Whether an allele spells no bases.
pub(super) fn is_symbolic(allele: &str) -> bool {
    !allele.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `<STR12>` of repeat callers, `<CNV:TR>` and `<DUP:TANDEM:...>`-like names that say a repeat unit
/// (VCF 4.4).
fn is_repeat(allele: &str) -> bool {
    let name = allele.trim_matches(['<', '>']).to_ascii_uppercase();
    name.starts_with("STR")
        || name.starts_with("REPEAT")
        || name.split(':').any(|part| matches!(part, "TR" | "STR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_by_kind() {
        let mut counts = Uninterpreted::default();
        for allele in [
            "<DEL>",
            "<CN0>",
            "<STR27>",
            "<CNV:TR>",
            "A]17:198982]",
            "*",
            "<NON_REF>",
        ] {
            assert!(counts.count(allele, true), "{allele}");
        }
        assert!(!counts.count("ACGT", true));
        counts.count("<DUP>", false);
        assert_eq!((counts.structural, counts.repeats), (3, 2));
    }
}
