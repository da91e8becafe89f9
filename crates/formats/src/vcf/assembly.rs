//! Which reference assembly a header speaks of: contig lengths, contig lines' `assembly=` and
//! `##reference`. Two different answers are none.

use ligate_model::{Assembly, Contig};

/// What the header's lines said so far.
#[derive(Default)]
pub(super) struct Evidence {
    found: Option<Assembly>,
    conflict: bool,
}

impl Evidence {
    pub fn contig(&mut self, contig: &Contig, length: Option<u64>) {
        if let Some(length) = length {
            self.add(Assembly::from_contig_length(&contig.to_string(), length));
        }
    }

    /// Looks for the name of an assembly in free text, such as a path.
    pub fn text(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words {
            self.add(match word {
                "grch37" | "hg19" | "b37" | "hs37d5" | "assembly19" | "v37" => {
                    Some(Assembly::Grch37)
                }
                "grch38" | "hg38" | "b38" | "hs38" | "hs38dh" | "assembly38" => {
                    Some(Assembly::Grch38)
                }
                "chm13" | "chm13v2" | "hs1" => Some(Assembly::T2tChm13),
                _ => None,
            });
        }
    }

    fn add(&mut self, assembly: Option<Assembly>) {
        let Some(assembly) = assembly else { return };
        self.conflict |= self.found.is_some_and(|found| found != assembly);
        self.found = Some(assembly);
    }

    /// The one assembly that all lines agree on.
    pub fn assembly(&self) -> Option<Assembly> {
        self.found.filter(|_| !self.conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lengths: &[(&str, u64)], texts: &[&str], expected: Option<Assembly>) {
        let mut evidence = Evidence::default();
        for (name, length) in lengths {
            evidence.contig(&Contig::new(name), Some(*length));
        }
        texts.iter().for_each(|text| evidence.text(text));
        assert_eq!(evidence.assembly(), expected);
    }

    #[test]
    fn agrees_or_says_nothing() {
        let (chr1, chr2) = (("chr1", 248_956_422), ("2", 243_199_373));
        check(&[chr1], &[], Some(Assembly::Grch38));
        check(&[chr1, chr2], &[], None);
        check(
            &[chr2],
            &["file:///data/b37/human_g1k_v37_decoy.fasta"],
            Some(Assembly::Grch37),
        );
        check(&[chr1], &["hg19.fasta"], None);
        check(
            &[("1", 1000)],
            &["Homo_sapiens_assembly38.fasta"],
            Some(Assembly::Grch38),
        );
        check(&[], &["1000GenomesPilot-NCBI36"], None);
    }
}
