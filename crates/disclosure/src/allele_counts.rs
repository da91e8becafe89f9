//! Allele counts of one node, which its steward may choose to release whole, for the diagnosis of
//! patients elsewhere: the gate's thresholds on people and on copies of the rarer allele hold, the
//! rule of three sites does not, because the counts are this node's own word and no sum that others
//! could subtract from.
//!
//! Whoever has a person's genome can tell from enough allele counts whether the person is among the
//! people (Homer et al., PLoS Genetics 4:e1000167, 2008): that is why a steward has to choose it,
//! and why a table is released for one set of people, and again only for people who differ by a
//! cell or more (the ledger sees to it).

use ligate_model::{AlleleTally, GateRule, Rule};

use crate::{Gate, Released};

impl Gate {
    /// Those of a node's own tallies that may leave, in their order; a variant that is not among
    /// them is unknown, not absent. Refused where the node has too few people.
    pub fn own_alleles(
        &self,
        individuals: u64,
        tallies: impl IntoIterator<Item = AlleleTally>,
    ) -> Result<Released<Vec<AlleleTally>>, GateRule> {
        let least = self.thresholds();
        if individuals < least[Rule::Individuals] {
            return Err(GateRule::Individuals);
        }
        let passes = |tally: &AlleleTally| {
            let (copies, called) = (u64::from(tally.copies), u64::from(tally.called));
            let rarer = copies.min(called.saturating_sub(copies));
            copies <= called
                && called >= 2 * least[Rule::Individuals]
                && rarer >= least[Rule::MinorAlleleCount]
        };
        Ok(Released::new(tallies.into_iter().filter(passes).collect()))
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::{Allele, Contig, Position, VariantKey};

    use super::*;
    use crate::Thresholds;

    fn tally(copies: u32, called: u32) -> AlleleTally {
        let (reference, alternate) = (Allele::new("A").unwrap(), Allele::new("G").unwrap());
        let key = VariantKey {
            contig: Contig::new("1"),
            position: Position::new(7),
            reference,
            alternate,
        };
        AlleleTally {
            key,
            copies,
            called,
        }
    }

    #[test]
    fn a_tally_leaves_only_with_enough_people_and_copies_of_both_alleles() {
        let gate = Gate::new(Thresholds::default()).unwrap();
        let tallies = [
            (20, 200),
            (19, 200),
            (181, 200),
            (180, 200),
            (20, 199),
            (300, 200),
            (0, 200),
        ];
        let released = gate
            .own_alleles(100, tallies.map(|(copies, called)| tally(copies, called)))
            .unwrap();
        assert_eq!(released.into_inner(), [tally(20, 200), tally(180, 200)]);
        assert_eq!(
            gate.own_alleles(99, [tally(20, 200)]).unwrap_err(),
            GateRule::Individuals
        );
    }
}
