//! The same bits for any split of the people into sites and blocks, and any number of threads.

mod support;

use ligate_analysis::gwas::{Family, Gwas, Plan};
use proptest::prelude::*;
use support::{
    People, Site, Sites,
    cohort::{Random, random},
    name,
};

const VARIANTS: usize = 16;

fn plan(family: Family, covariates: usize, wald_below: f64) -> Plan {
    let trait_name = name(if family == Family::Linear {
        "ldl"
    } else {
        "t2d"
    });
    let covariates = ["age", "sex", "marker"][..covariates]
        .iter()
        .map(|text| name(text))
        .collect();
    Plan {
        family,
        two_values: family == Family::Logistic,
        trait_name,
        covariates,
        wald_below,
    }
}

fn gwas(plan: &Plan, sites: &[Site], threads: usize) -> Gwas {
    let mut sites = Sites::new(plan, sites, threads);
    let facts = sites.facts(VARIANTS, 0);
    sites.run(&facts).unwrap()
}

/// Every number of a result, bit by bit; the number of sites is the split's own.
fn bits(gwas: &Gwas) -> Vec<(String, [u64; 6])> {
    let of = |found: &ligate_analysis::gwas::Association| {
        let mut counts = found.counts;
        (counts.sites, counts.lacking) = (0, 0);
        let numbers = [
            found.beta,
            found.standard_error,
            found.statistic,
            found.p_value,
            found.neg_log10_p,
            gwas.lambda,
        ];
        (
            format!("{} {counts:?} {:?}", found.key, found.test),
            numbers.map(f64::to_bits),
        )
    };
    let unreported = gwas
        .unreported
        .iter()
        .map(|other| (format!("{other:?}"), [0; 6]));
    gwas.associations.iter().map(of).chain(unreported).collect()
}

/// Unequal sites of permuted people, each in up to four blocks at random places, some of them
/// empty.
fn split(people: &People, sites: usize, random: &mut Random) -> Vec<Site> {
    let order = random.permutation(people.count());
    let mut cuts: Vec<usize> = (1..sites).map(|_| random.below(order.len())).collect();
    cuts.extend([0, order.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| {
            let blocks: Vec<usize> = (0..random.below(4)).map(|_| random.below(1000)).collect();
            people.site(
                &order[pair[0]..pair[1]],
                &blocks,
                1 + random.below(VARIANTS),
            )
        })
        .collect()
}

/// One site per registry, so that registries lack variants altogether.
fn registries(people: &People, origin: &[usize]) -> Vec<Site> {
    (0..3)
        .map(|registry| {
            let own: Vec<usize> = (0..people.count())
                .filter(|person| origin[*person] == registry)
                .collect();
            people.site(&own, &[own.len() / 3], 5)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn any_split_gives_the_same_bits(
        seed in any::<u64>(),
        people in 120_usize..400,
        covariates in 0_usize..=3,
        logistic in any::<bool>(),
        wald_below in prop::sample::select(vec![0.0, 0.1, 1.0]),
    ) {
        let family = if logistic { Family::Logistic } else { Family::Linear };
        let plan = plan(family, covariates, wald_below);
        let (people, origin) = random(seed, people, VARIANTS);
        let pooled = bits(&gwas(&plan, &[people.pooled()], 1));
        prop_assert_eq!(pooled.len(), VARIANTS);
        let mut random = Random::new(seed);
        for (sites, threads) in [(1, 3), (3, 1), (7, 2)] {
            let federated = gwas(&plan, &split(&people, sites, &mut random), threads);
            prop_assert_eq!(&bits(&federated), &pooled, "{} sites", sites);
        }
        prop_assert_eq!(&bits(&gwas(&plan, &registries(&people, &origin), 2)), &pooled, "registries");
    }
}

#[test]
fn the_random_cohorts_exercise_every_path() {
    let (people, origin) = random(7, 300, VARIANTS);
    let pooled = people.pooled();
    let sites = registries(&people, &origin);
    let tests = |plan: &Plan| {
        let found = gwas(plan, std::slice::from_ref(&pooled), 1);
        let missing = |association: &&ligate_analysis::gwas::Association| {
            association.counts.called < found.people.individuals
        };
        (
            found.associations.iter().filter(missing).count(),
            found.associations.len(),
        )
    };
    for plan in [
        plan(Family::Linear, 3, 0.0),
        plan(Family::Logistic, 3, 0.0),
        plan(Family::Logistic, 3, 1.0),
    ] {
        let (missing, reported) = tests(&plan);
        assert!(
            missing >= 5 && reported > missing + 3,
            "{missing} of {reported}"
        );
        let absent = gwas(&plan, &sites, 1);
        assert!(
            absent
                .associations
                .iter()
                .any(|association| association.counts.sites == 2)
        );
    }
}
