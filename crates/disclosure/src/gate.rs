//! The disclosure gate: thresholds on counts of people and alleles. It is the only way from
//! [`Opened`] to [`Released`]. It refuses counts that are too small, counts that are impossible,
//! and thresholds below the floors.
//!
//! The coordinator applies it to opened counts. Every node applies the same rules again
//! ([`Gate::check_people`], [`Gate::check_variant`]) to the counts it is told, before it adds any
//! statistic.

use ligate_model::{GateRule, PeopleCounts, Rule, VariantCounts};

use crate::{
    Opened, Released,
    thresholds::{BelowFloor, Thresholds},
};

/// The largest number of people that any sum is made for. A larger claimed count is impossible and
/// would overflow.
const INDIVIDUALS_MAX: u64 = 1 << 31;

/// The gate, with thresholds that hold the floors.
#[derive(Clone, Debug)]
pub struct Gate {
    thresholds: Thresholds,
}

impl Gate {
    pub fn new(thresholds: Thresholds) -> Result<Self, BelowFloor> {
        thresholds.validate()?;
        Ok(Self { thresholds })
    }

    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// This gate, tightened where `other` asks for more: a permit's output rules, or those of a
    /// peer.
    #[must_use]
    pub fn tightened(&self, other: &Thresholds) -> Self {
        Self {
            thresholds: self.thresholds.stricter(other),
        }
    }

    /// Round 0: the people of the run, all sites together. `parameters` counts the model's
    /// coefficients, with the intercept and the variant.
    pub fn people(
        &self,
        opened: Opened<Vec<u64>>,
        decode: impl FnOnce(&[u64]) -> PeopleCounts,
        parameters: usize,
    ) -> Result<(Released<PeopleCounts>, Cleared), GateRule> {
        let people = decode(opened.get());
        self.check_people(&people, parameters)?;
        Ok((Released::new(people), Cleared { people }))
    }

    /// Round 1: one result per key, in the order of the sum. A key that fails gives its rule and no
    /// count.
    pub fn variants(
        &self,
        cleared: &Cleared,
        opened: Opened<Vec<u64>>,
        decode: impl FnOnce(&[u64]) -> Vec<VariantCounts>,
    ) -> Vec<Result<Released<VariantCounts>, GateRule>> {
        let check = |counts: VariantCounts| {
            cleared.holds(&counts)?;
            self.check_variant(&counts).map(|()| Released::new(counts))
        };
        decode(opened.get()).into_iter().map(check).collect()
    }

    /// What a node checks again before it adds to any further sum.
    pub fn check_people(&self, people: &PeopleCounts, parameters: usize) -> Result<(), GateRule> {
        let least = &self.thresholds;
        let per_site = people.sites.saturating_mul(least[Rule::IndividualsPerSite]);
        let parameters = (parameters as u64).saturating_mul(least[Rule::ParameterShare]);
        require(people.sites >= least[Rule::Sites], GateRule::Sites)?;
        require(people.individuals <= INDIVIDUALS_MAX, GateRule::Individuals)?;
        require(
            people.individuals >= least[Rule::Individuals],
            GateRule::Individuals,
        )?;
        require(people.individuals >= per_site, GateRule::IndividualsPerSite)?;
        if let Some(cases) = people.cases {
            require(people.unknown <= people.individuals, GateRule::Cell)?;
            self.check_cells(people.individuals - people.unknown, cases)?;
        }
        require(parameters <= people.individuals, GateRule::Parameters)
    }

    /// What a node checks again for every variant before it adds its statistics.
    pub fn check_variant(&self, counts: &VariantCounts) -> Result<(), GateRule> {
        let least = &self.thresholds;
        // The span rule judges the people of all nodes, and of all but the one who reads. Whether a
        // node lacks the variant or withholds it is not told.
        require(
            counts.withheld == 0 && counts.lacking == 0,
            GateRule::Withheld,
        )?;
        require(counts.sites >= least[Rule::Sites], GateRule::Sites)?;
        require(counts.called <= INDIVIDUALS_MAX, GateRule::Individuals)?;
        require(
            counts.called >= least[Rule::Individuals],
            GateRule::Individuals,
        )?;
        require(
            counts.minor_allele_count() >= least[Rule::MinorAlleleCount],
            GateRule::MinorAlleleCount,
        )?;
        let possible = counts.homozygotes <= counts.allele_count / 2;
        require(
            possible && counts.carriers() >= least[Rule::Carriers],
            GateRule::Carriers,
        )?;
        let enough = |people: u64| people == 0 || people >= least[Rule::Homozygotes];
        let homozygotes = enough(counts.homozygotes) && enough(counts.reference_homozygotes());
        require(homozygotes, GateRule::Homozygotes)?;
        let Some(cases) = counts.cases else {
            return Ok(());
        };
        self.check_cells(counts.called, cases.called)?;
        let possible = cases.allele_count <= (2 * cases.called).min(counts.allele_count);
        let in_cases = counts.minor_allele_count_in_cases().unwrap_or(0);
        require(
            possible && in_cases >= least[Rule::MinorAlleleCountInCases],
            GateRule::MinorAlleleCountInCases,
        )?;
        let in_controls = counts.minor_allele_count_in_controls().unwrap_or(0);
        require(
            in_controls >= least[Rule::MinorAlleleCountInControls],
            GateRule::MinorAlleleCountInControls,
        )
    }

    /// Whether this node has enough people of its own to take part.
    pub fn own_site(&self, individuals: u64) -> Result<OwnSite, GateRule> {
        require(
            individuals >= self.thresholds[Rule::IndividualsPerSite],
            GateRule::IndividualsPerSite,
        )?;
        Ok(OwnSite(()))
    }

    fn check_cells(&self, individuals: u64, cases: u64) -> Result<(), GateRule> {
        let controls = individuals.checked_sub(cases).ok_or(GateRule::Cell)?;
        require(
            cases.min(controls) >= self.thresholds[Rule::Cell],
            GateRule::Cell,
        )
    }
}

fn require(met: bool, rule: GateRule) -> Result<(), GateRule> {
    if met { Ok(()) } else { Err(rule) }
}

/// Proof that the people of a run passed the gate: without it no other opened sum is released.
///
/// ```compile_fail,E0451
/// use ligate_model::PeopleCounts;
/// let people = PeopleCounts { individuals: 1, cases: None, unknown: 0, sites: 1 };
/// let forged = ligate_disclosure::Cleared { people };
/// ```
#[derive(Debug)]
pub struct Cleared {
    people: PeopleCounts,
}

impl Cleared {
    /// The clearance of a run that passed before, by the counts that were released then: for what
    /// is decided about its result later.
    pub fn of_released(
        gate: &Gate,
        people: PeopleCounts,
        parameters: usize,
    ) -> Result<Self, GateRule> {
        gate.check_people(&people, parameters)?;
        Ok(Self { people })
    }

    /// The people that were let through.
    pub fn people(&self) -> &PeopleCounts {
        &self.people
    }

    /// Forms the next state or the result from an opened sum. `next` is the method's own pure
    /// function: what it returns is released, so it must return aggregates over all people of the
    /// run, for keys that passed.
    pub fn release<T, U>(&self, opened: Opened<T>, next: impl FnOnce(&T) -> U) -> Released<U> {
        Released::new(next(opened.get()))
    }

    /// A variant's counts are part of the run's: not more people or sites, and cases exactly where
    /// the run has them.
    fn holds(&self, counts: &VariantCounts) -> Result<(), GateRule> {
        require(
            counts.called <= self.people.individuals,
            GateRule::Individuals,
        )?;
        require(counts.sites <= self.people.sites, GateRule::Sites)?;
        match (self.people.cases, counts.cases) {
            (None, None) => Ok(()),
            (Some(all), Some(called)) => require(called.called <= all, GateRule::Cell),
            _ => Err(GateRule::Cell),
        }
    }
}

/// Proof that this node has enough people to take part in a run.
///
/// ```compile_fail,E0423
/// let forged = ligate_disclosure::OwnSite(());
/// ```
#[derive(Debug)]
pub struct OwnSite(());

impl OwnSite {
    /// Releases a fact about a site that passed: the exponents of its columns' scale, a variable's
    /// kind and coding, the keys of the variants that it brings, which its node chooses by
    /// [`Rule::OfferedAlleleCount`]. Not for sums or counts, which leave masked only.
    pub fn release<T>(&self, fact: T) -> Released<T> {
        Released::new(fact)
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::CaseCounts;

    use super::*;

    fn gate() -> Gate {
        Gate::new(Thresholds::default()).unwrap()
    }

    const PEOPLE: PeopleCounts = PeopleCounts {
        individuals: 100,
        cases: Some(10),
        unknown: 0,
        sites: 3,
    };

    const VARIANT: VariantCounts = VariantCounts {
        called: 100,
        allele_count: 20,
        homozygotes: 0,
        sites: 3,
        withheld: 0,
        lacking: 0,
        cases: Some(CaseCounts {
            called: 10,
            allele_count: 5,
        }),
    };

    #[track_caller]
    fn check_people(
        change: impl FnOnce(&mut PeopleCounts),
        parameters: usize,
        expected: Result<(), GateRule>,
    ) {
        let mut people = PEOPLE;
        change(&mut people);
        assert_eq!(gate().check_people(&people, parameters), expected);
    }

    #[track_caller]
    fn check_variant(change: impl FnOnce(&mut VariantCounts), expected: Result<(), GateRule>) {
        let mut counts = VARIANT;
        change(&mut counts);
        assert_eq!(gate().check_variant(&counts), expected);
    }

    fn cases(called: u64, allele_count: u64) -> Option<CaseCounts> {
        Some(CaseCounts {
            called,
            allele_count,
        })
    }

    #[test]
    fn people_pass_at_each_threshold_and_fail_below_it() {
        check_people(|_| (), 33, Ok(()));
        check_people(|p| p.cases = Some(90), 33, Ok(()));
        check_people(|p| p.cases = None, 33, Ok(()));
        check_people(|p| p.individuals = 99, 3, Err(GateRule::Individuals));
        check_people(|p| p.individuals = u64::MAX, 3, Err(GateRule::Individuals));
        check_people(|p| p.sites = 2, 3, Err(GateRule::Sites));
        check_people(|p| p.sites = 6, 3, Err(GateRule::IndividualsPerSite));
        check_people(|p| p.sites = u64::MAX, 3, Err(GateRule::IndividualsPerSite));
        check_people(|p| p.cases = Some(9), 3, Err(GateRule::Cell));
        check_people(|p| p.cases = Some(91), 3, Err(GateRule::Cell));
        check_people(|p| p.cases = Some(101), 3, Err(GateRule::Cell));
        check_people(|p| (p.cases, p.unknown) = (Some(85), 5), 3, Ok(()));
        check_people(
            |p| (p.cases, p.unknown) = (Some(85), 6),
            3,
            Err(GateRule::Cell),
        );
        check_people(|p| p.unknown = 101, 3, Err(GateRule::Cell));
        check_people(|_| (), 34, Err(GateRule::Parameters));
        check_people(|_| (), usize::MAX, Err(GateRule::Parameters));
    }

    #[test]
    fn a_variant_passes_at_each_threshold_and_fails_below_it() {
        check_variant(|_| (), Ok(()));
        check_variant(|v| v.cases = None, Ok(()));
        check_variant(|v| v.sites = 2, Err(GateRule::Sites));
        check_variant(|v| v.called = 99, Err(GateRule::Individuals));
        check_variant(|v| v.called = u64::MAX, Err(GateRule::Individuals));
        check_variant(|v| v.allele_count = 19, Err(GateRule::MinorAlleleCount));
        check_variant(|v| v.allele_count = 181, Err(GateRule::MinorAlleleCount));
        check_variant(|v| v.allele_count = 201, Err(GateRule::MinorAlleleCount));
        check_variant(|v| v.cases = cases(9, 5), Err(GateRule::Cell));
        check_variant(|v| v.cases = cases(91, 5), Err(GateRule::Cell));
        check_variant(|v| v.cases = cases(101, 5), Err(GateRule::Cell));
        check_variant(|v| v.cases = cases(u64::MAX, 5), Err(GateRule::Cell));
        check_variant(
            |v| v.cases = cases(10, 4),
            Err(GateRule::MinorAlleleCountInCases),
        );
        check_variant(
            |v| v.cases = cases(10, 21),
            Err(GateRule::MinorAlleleCountInCases),
        );
        check_variant(|v| v.cases = cases(10, 15), Ok(()));
        check_variant(
            |v| v.cases = cases(10, 16),
            Err(GateRule::MinorAlleleCountInControls),
        );
    }

    #[test]
    fn a_variant_that_a_node_withholds_is_not_shown() {
        check_variant(|v| v.withheld = 1, Err(GateRule::Withheld));
        check_variant(|v| v.lacking = 1, Err(GateRule::Withheld));
    }

    #[test]
    fn a_few_carriers_or_homozygotes_are_not_shown() {
        let change = |alleles, homozygotes| {
            move |v: &mut VariantCounts| {
                (v.allele_count, v.homozygotes, v.cases) = (alleles, homozygotes, None)
            }
        };
        check_variant(change(20, 3), Ok(()));
        check_variant(change(20, 10), Ok(()));
        for few in [1, 2] {
            check_variant(change(20, few), Err(GateRule::Homozygotes));
        }
        check_variant(change(20, 11), Err(GateRule::Carriers));
        // Where the reference is rarer: 100 called, 180 alternates; with 95 homozygotes five carry
        // ten references each.
        check_variant(change(180, 80), Ok(()));
        check_variant(change(180, 90), Ok(()));
        check_variant(change(180, 82), Err(GateRule::Homozygotes));
    }

    #[test]
    fn where_the_reference_is_rarer_its_copies_are_counted_in_cases() {
        let common = |alternates| {
            move |v: &mut VariantCounts| {
                (v.allele_count, v.homozygotes, v.cases) = (180, 80, cases(10, alternates));
            }
        };
        check_variant(common(15), Ok(()));
        check_variant(common(16), Err(GateRule::MinorAlleleCountInCases));
    }

    #[test]
    fn nothing_is_released_for_people_who_fail() {
        let refusal = gate()
            .people(Opened::new(vec![99, 3]), decode, 3)
            .unwrap_err();
        assert_eq!(refusal, GateRule::Individuals);
    }

    fn decode(sum: &[u64]) -> PeopleCounts {
        PeopleCounts {
            individuals: sum[0],
            cases: None,
            unknown: 0,
            sites: sum[1],
        }
    }

    #[test]
    fn variants_are_released_one_by_one() {
        let (released, cleared) = gate().people(Opened::new(vec![100, 3]), decode, 3).unwrap();
        assert_eq!(released.get(), cleared.people());
        let quantitative = VariantCounts {
            cases: None,
            ..VARIANT
        };
        let rare = VariantCounts {
            allele_count: 3,
            ..quantitative
        };
        let too_many = VariantCounts {
            called: 101,
            ..quantitative
        };
        let with_cases = VARIANT;
        let keys = vec![quantitative, rare, too_many, with_cases];
        let results = gate().variants(&cleared, Opened::new(vec![]), |_| keys);
        assert_eq!(results[0], Ok(Released::new(quantitative)));
        assert_eq!(results[1], Err(GateRule::MinorAlleleCount));
        assert_eq!(results[2], Err(GateRule::Individuals));
        assert_eq!(results[3], Err(GateRule::Cell));
        let state = cleared.release(Opened::new(vec![6_u64, 2]), |sum| sum[0] / sum[1]);
        assert_eq!(state.into_inner(), 3);
    }

    #[test]
    fn a_small_site_takes_no_part() {
        assert_eq!(
            gate().own_site(19).unwrap_err(),
            GateRule::IndividualsPerSite
        );
        let site = gate().own_site(20).unwrap();
        assert_eq!(site.release([5_i16]).into_inner(), [5]);
    }

    #[test]
    fn a_permit_only_tightens() {
        let none = Thresholds::new(|_| 0);
        assert_eq!(gate().tightened(&none).thresholds(), &Thresholds::default());
        let tightened = gate().tightened(&none.with(Rule::Cell, 20));
        assert_eq!(
            tightened.thresholds(),
            &Thresholds::default().with(Rule::Cell, 20)
        );
    }
}
