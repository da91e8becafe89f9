//! What a coordinator has claimed in a run, and the order in which it may ask.
//!
//! A node cannot verify an opened count. But it holds the coordinator to one story: the same
//! people, the same scaling, the same counts of a variant each time they are named, never less than
//! the node's own; statistics only for variants that were counted before, each once; no more
//! iterations than the method makes. Everything else is refused. Memory: about 64 bytes per counted
//! variant.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use ligate_analysis::{
    gwas::{self, Ask, MAX_ROUNDS, Plan},
    quantise::Scaling,
};
use ligate_disclosure::Gate;
use ligate_model::{Digest, PeopleCounts, Rule, VariantCounts, VariantKey};

use crate::session::rounds::{Broadcast, RoundAsk};

/// The story so far.
pub struct Claims {
    /// This node's own people.
    own: PeopleCounts,
    people: Option<PeopleCounts>,
    scaling: Option<Vec<Scaling>>,
    asked: Asked,
    variants: HashMap<Name, Variant>,
}

/// The asks without variants that have been answered.
#[derive(Default)]
struct Asked {
    people: bool,
    scale: bool,
    moments: bool,
    null_rounds: usize,
}

/// The first 16 bytes of the digest of a key: shorter than the key, and no two keys share one.
type Name = [u8; 16];

/// One counted variant.
struct Variant {
    own: [u32; 5],
    claimed: Option<Name>,
    statistics: bool,
    wald_rounds: u8,
    presence: bool,
    baseline: bool,
}

impl Claims {
    pub fn new(own: PeopleCounts) -> Self {
        Self {
            own,
            people: None,
            scaling: None,
            asked: Asked::default(),
            variants: HashMap::new(),
        }
    }

    /// People over all nodes, as the coordinator tells them; 0 before it did.
    pub fn individuals(&self) -> u64 {
        self.people.map_or(0, |people| people.individuals)
    }

    /// Checks a broadcast against the gate, this node's own figures and the story so far, and adds
    /// it to the story. `members` are the nodes whose vectors are in the first sum.
    pub fn check(
        &mut self,
        broadcast: &Broadcast,
        members: usize,
        plan: &Plan,
        gate: &Gate,
    ) -> Result<()> {
        let Some(people) = &broadcast.people else {
            let counts_people = matches!(broadcast.ask, RoundAsk::Study(Ask::People { .. }));
            ensure!(
                counts_people && !self.asked.people,
                "the question omits the people counts it stands on"
            );
            self.asked.people = true;
            return Ok(());
        };
        self.check_people(people, members as u64, plan, gate)?;
        match &broadcast.ask {
            RoundAsk::Study(ask) => {
                let wald = matches!(ask, Ask::Wald { .. });
                ensure!(
                    !wald || plan.has_wald_tests(),
                    "the job asks for no Wald tests"
                );
                self.check_study(ask, people, gate)
            }
            RoundAsk::Account(ask) => {
                let study = ask.study.as_ref().context("the question names no study")?;
                self.check_scaling(&study.model.scaling)
            }
            RoundAsk::Refine(_) | RoundAsk::Climb(_) => Ok(()),
        }
    }

    fn check_study(&mut self, ask: &Ask, people: &PeopleCounts, gate: &Gate) -> Result<()> {
        ensure!(
            !matches!(ask, Ask::People { .. }),
            "the people are counted once"
        );
        let individuals = ask.claimed_individuals().unwrap_or(people.individuals);
        ensure!(
            individuals == people.individuals,
            "the question contradicts itself on the number of people"
        );
        if let Some(scaling) = ask.scaling() {
            self.check_scaling(scaling)?;
        }
        self.check_order(ask)?;
        for (key, counts) in ask.keys().iter().zip(ask.claimed_counts()) {
            gate.check_variant(counts)
                .map_err(|rule| anyhow::anyhow!("the disclosure gate refuses a variant: {rule}"))?;
            self.check_variant(key, counts, people, ask)?;
        }
        Ok(())
    }

    pub fn check_scaling(&mut self, scaling: &[Scaling]) -> Result<()> {
        let known = self.scaling.get_or_insert_with(|| scaling.to_vec());
        ensure!(
            known.as_slice() == scaling,
            "the scaling of the variables has changed during the run"
        );
        Ok(())
    }

    fn check_people(
        &mut self,
        people: &PeopleCounts,
        members: u64,
        plan: &Plan,
        gate: &Gate,
    ) -> Result<()> {
        let refused = |rule| anyhow::anyhow!("the disclosure gate refuses the run: {rule}");
        gate.check_people(people, plan.parameters())
            .map_err(refused)?;
        let own = &self.own;
        let others = members
            .saturating_sub(1)
            .saturating_mul(gate.thresholds()[Rule::IndividualsPerSite]);
        let possible = people.sites == members
            && people.individuals >= own.individuals.saturating_add(others)
            && people.cases.is_some() == own.cases.is_some()
            && people.cases.unwrap_or(0) >= own.cases.unwrap_or(0)
            && people.unknown >= own.unknown
            && people.controls().unwrap_or(0) >= own.controls().unwrap_or(0);
        ensure!(
            possible,
            "the number of people that the question claims is impossible"
        );
        let known = self.people.get_or_insert(*people);
        ensure!(
            known == people,
            "the number of people has changed during the run"
        );
        Ok(())
    }

    fn check_order(&mut self, ask: &Ask) -> Result<()> {
        let asked = &mut self.asked;
        let first_time = |done: &mut bool| !std::mem::replace(done, true);
        let in_order = match ask {
            Ask::People { .. } => false,
            Ask::Scale { .. } => first_time(&mut asked.scale),
            Ask::Moments { .. } => first_time(&mut asked.moments),
            Ask::Null { .. } => {
                asked.null_rounds += 1;
                asked.null_rounds <= MAX_ROUNDS
            }
            Ask::Counts { keys, .. } => keys
                .iter()
                .all(|key| !self.variants.contains_key(&name(key))),
            _ => true,
        };
        ensure!(
            in_order,
            "the question {} was answered before, or comes out of order",
            ask.name()
        );
        Ok(())
    }

    fn check_variant(
        &mut self,
        key: &VariantKey,
        counts: &VariantCounts,
        people: &PeopleCounts,
        ask: &Ask,
    ) -> Result<()> {
        let Some(variant) = self.variants.get_mut(&name(key)) else {
            bail!("a statistic was asked for a variant that was not counted before");
        };
        let within = counts.called <= people.individuals
            && counts.sites <= people.sites
            && counts.cases.is_some() == people.cases.is_some()
            && counts
                .cases
                .is_none_or(|cases| Some(cases.called) <= people.cases);
        ensure!(
            within && at_least(counts, &variant.own),
            "the counts that the question claims for a variant are impossible"
        );
        let claimed = fingerprint(counts);
        ensure!(
            *variant.claimed.get_or_insert(claimed) == claimed,
            "the counts of a variant have changed during the run"
        );
        ensure!(
            variant.answers(ask),
            "a statistic of a variant was answered before, or comes out of order"
        );
        Ok(())
    }

    /// Remembers this node's own counts of the variants that it has just counted.
    pub fn counted(&mut self, ask: &Ask, plan: &Plan, vector: &[u64]) {
        let Ask::Counts { keys, .. } = ask else {
            return;
        };
        for (key, own) in keys
            .iter()
            .zip(gwas::decode_counts(plan, vector, keys.len()))
        {
            self.variants.insert(name(key), Variant::counted(&own));
        }
    }
}

impl Variant {
    fn counted(own: &VariantCounts) -> Self {
        let own = figures(own).map(|figure| u32::try_from(figure).unwrap_or(u32::MAX));
        Self {
            own,
            claimed: None,
            statistics: false,
            wald_rounds: 0,
            presence: false,
            baseline: false,
        }
    }

    /// Whether `ask` may still be answered for this variant; if so, it has been.
    fn answers(&mut self, ask: &Ask) -> bool {
        let first_time = |done: &mut bool| !std::mem::replace(done, true);
        match ask {
            Ask::Linear { .. } | Ask::Score { .. } => first_time(&mut self.statistics),
            Ask::Wald { .. } => {
                self.wald_rounds += 1;
                self.statistics && usize::from(self.wald_rounds) <= MAX_ROUNDS
            }
            Ask::BaselinePresence { .. } => self.statistics && first_time(&mut self.presence),
            Ask::Baseline { .. } => self.presence && first_time(&mut self.baseline),
            _ => false,
        }
    }
}

fn name(key: &VariantKey) -> Name {
    first_half(&Digest::of("ligate variant", key.to_string().as_bytes()))
}

fn fingerprint(counts: &VariantCounts) -> Name {
    first_half(&Digest::of(
        "ligate counts",
        format!("{counts:?}").as_bytes(),
    ))
}

fn first_half(digest: &Digest) -> Name {
    let mut name = [0; 16];
    name.copy_from_slice(&digest.as_bytes()[..16]);
    name
}

/// Called, alternate, reference, called cases, alternate among cases.
fn figures(counts: &VariantCounts) -> [u64; 5] {
    let cases = counts.cases.unwrap_or_default();
    let reference = (2 * counts.called).saturating_sub(counts.allele_count);
    [
        counts.called,
        counts.allele_count,
        reference,
        cases.called,
        cases.allele_count,
    ]
}

fn at_least(claimed: &VariantCounts, own: &[u32; 5]) -> bool {
    figures(claimed)
        .iter()
        .zip(own)
        .all(|(claimed, own)| *claimed >= u64::from(*own))
}

#[cfg(test)]
mod tests {
    use ligate_analysis::gwas::{Family, Variants};
    use ligate_disclosure::Thresholds;
    use ligate_model::{Allele, Contig, Position};

    use super::*;

    const PEOPLE: PeopleCounts = PeopleCounts {
        individuals: 300,
        cases: None,
        unknown: 0,
        sites: 3,
    };
    const OWN: PeopleCounts = PeopleCounts {
        individuals: 100,
        cases: None,
        unknown: 0,
        sites: 1,
    };
    const COUNTS: VariantCounts = VariantCounts {
        called: 300,
        allele_count: 90,
        homozygotes: 9,
        sites: 3,
        withheld: 0,
        lacking: 0,
        cases: None,
    };
    const SCALING: Scaling = Scaling {
        exponent: 3,
        mean: 0,
        deviation: 2_097_152.0,
        fill: 0,
    };

    fn key(position: u32) -> VariantKey {
        VariantKey {
            contig: Contig::new("1"),
            position: Position::new(position),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new("C").unwrap(),
        }
    }

    fn plan() -> Plan {
        Plan {
            family: Family::Linear,
            two_values: false,
            trait_name: "y".parse().unwrap(),
            covariates: vec![],
            wald_below: 1e-3,
        }
    }

    fn linear(position: u32, counts: VariantCounts) -> Ask {
        let variants = Variants {
            keys: vec![key(position)],
            counts: vec![counts],
        };
        Ask::Linear {
            scaling: vec![SCALING],
            individuals: 300,
            variants,
        }
    }

    fn baseline(presence: bool) -> Ask {
        let (scaling, variants) = (
            vec![SCALING],
            Variants {
                keys: vec![key(1)],
                counts: vec![COUNTS],
            },
        );
        if presence {
            Ask::BaselinePresence {
                scaling,
                fill: 0.0,
                variants,
            }
        } else {
            Ask::Baseline {
                scaling,
                fill: 0.0,
                variants,
            }
        }
    }

    /// A run of three nodes in which the people and variant 1 have been counted; this node has 20
    /// copies of it.
    fn counted() -> Claims {
        let mut claims = Claims::new(OWN);
        let gate = Gate::new(Thresholds::default()).unwrap();
        let people = Broadcast {
            people: None,
            ask: RoundAsk::Study(Ask::People { two_values: false }),
        };
        claims.check(&people, 0, &plan(), &gate).unwrap();
        let ask = Ask::Counts {
            two_values: false,
            keys: vec![key(1)],
        };
        let broadcast = Broadcast {
            people: Some(PEOPLE),
            ask: RoundAsk::Study(ask),
        };
        claims.check(&broadcast, 3, &plan(), &gate).unwrap();
        let own = VariantCounts {
            called: 100,
            allele_count: 20,
            ..COUNTS
        };
        claims
            .variants
            .insert(name(&key(1)), Variant::counted(&own));
        claims
    }

    #[track_caller]
    fn check(claims: &mut Claims, people: PeopleCounts, ask: Ask, expected: Result<(), &str>) {
        let gate = Gate::new(Thresholds::default()).unwrap();
        let result = claims.check(
            &Broadcast {
                people: Some(people),
                ask: RoundAsk::Study(ask),
            },
            3,
            &plan(),
            &gate,
        );
        match expected {
            Ok(()) => result.unwrap(),
            Err(words) => {
                let said = result.unwrap_err().to_string();
                assert!(said.contains(words), "{said}");
            }
        }
    }

    #[test]
    fn an_honest_run_is_answered() {
        let mut claims = counted();
        check(
            &mut claims,
            PEOPLE,
            Ask::Scale { exponents: vec![3] },
            Ok(()),
        );
        check(
            &mut claims,
            PEOPLE,
            Ask::Moments {
                scaling: vec![SCALING],
            },
            Ok(()),
        );
        check(&mut claims, PEOPLE, linear(1, COUNTS), Ok(()));
        check(&mut claims, PEOPLE, baseline(true), Ok(()));
        check(&mut claims, PEOPLE, baseline(false), Ok(()));
    }

    #[test]
    fn statistics_need_counts_that_do_not_change() {
        check(
            &mut counted(),
            PEOPLE,
            linear(2, COUNTS),
            Err("not counted before"),
        );
        let rare = VariantCounts {
            allele_count: 19,
            ..COUNTS
        };
        check(&mut counted(), PEOPLE, linear(1, rare), Err("gate refuses"));
        let fewer_than_own = VariantCounts {
            called: 300,
            allele_count: 585,
            homozygotes: 290,
            ..COUNTS
        };
        let mut claims = counted();
        claims.variants.insert(
            name(&key(1)),
            Variant::counted(&VariantCounts {
                called: 100,
                allele_count: 20,
                ..COUNTS
            }),
        );
        check(
            &mut claims,
            PEOPLE,
            linear(1, fewer_than_own),
            Err("gate refuses"),
        );
        let impossible = VariantCounts {
            called: 300,
            allele_count: 570,
            homozygotes: 280,
            ..COUNTS
        };
        check(
            &mut claims,
            PEOPLE,
            linear(1, impossible),
            Err("impossible"),
        );
        let mut claims = counted();
        check(&mut claims, PEOPLE, linear(1, COUNTS), Ok(()));
        let other = VariantCounts {
            allele_count: 91,
            ..COUNTS
        };
        let ask = Ask::BaselinePresence {
            scaling: vec![SCALING],
            fill: 0.0,
            variants: Variants {
                keys: vec![key(1)],
                counts: vec![other],
            },
        };
        check(&mut claims, PEOPLE, ask, Err("have changed"));
    }

    #[test]
    fn nothing_is_answered_twice_or_out_of_order() {
        let mut claims = counted();
        check(&mut claims, PEOPLE, baseline(true), Err("out of order"));
        let mut claims = counted();
        check(&mut claims, PEOPLE, linear(1, COUNTS), Ok(()));
        check(
            &mut claims,
            PEOPLE,
            linear(1, COUNTS),
            Err("answered before"),
        );
        check(&mut claims, PEOPLE, baseline(false), Err("out of order"));
        let again = Ask::Counts {
            two_values: false,
            keys: vec![key(1)],
        };
        check(&mut claims, PEOPLE, again, Err("answered before"));
        check(
            &mut claims,
            PEOPLE,
            Ask::People { two_values: false },
            Err("once"),
        );
    }

    #[test]
    fn people_and_scaling_stay_what_they_were() {
        let mut claims = counted();
        check(
            &mut claims,
            PeopleCounts {
                individuals: 301,
                ..PEOPLE
            },
            linear(1, COUNTS),
            Err("has changed"),
        );
        check(
            &mut claims,
            PEOPLE,
            Ask::Moments {
                scaling: vec![SCALING],
            },
            Ok(()),
        );
        let other = Scaling { mean: 1, ..SCALING };
        let variants = Variants {
            keys: vec![key(1)],
            counts: vec![COUNTS],
        };
        let ask = Ask::Linear {
            scaling: vec![other],
            individuals: 300,
            variants,
        };
        check(&mut claims, PEOPLE, ask, Err("scaling"));
        let mut claims = Claims::new(OWN);
        claims.asked.people = true;
        let few = PeopleCounts {
            individuals: 139,
            ..PEOPLE
        };
        check(
            &mut claims,
            few,
            Ask::Scale { exponents: vec![3] },
            Err("impossible"),
        );
    }
}
