//! A run over own rows alone: every sum is what this node would add, and nothing leaves, so no gate
//! applies.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use ligate_access::job::PeopleRule;
use ligate_analysis::codes;
use ligate_analysis::gwas::{
    self, Ask, Cohort, Family, GenotypeSource, Gwas, Model, OwnGate, Plan, PublishedFacts,
    RunProgress, Summation,
};
use ligate_genotypes::Batch;
use ligate_lake::{LakeError, Snapshot};
use ligate_model::{
    BinaryCoding, GateRule, PeopleCounts, Phenotypes, Rule, VariableKind, VariableName,
    VariantCounts, VariantKey,
};

use super::{Study, offer};
use crate::interrupt;

/// A snapshot as the source of a method's genotypes.
pub struct SnapshotRows<'a>(pub &'a Snapshot);

impl GenotypeSource for SnapshotRows<'_> {
    type Error = LakeError;

    fn scan(
        &mut self,
        keys: &[VariantKey],
        visit: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<(), LakeError> {
        self.0.scan(keys, visit)
    }
}

/// Sums over one snapshot.
struct OwnRows<'a> {
    plan: &'a Plan,
    cohort: &'a Cohort,
    snapshot: &'a Snapshot,
    threads: usize,
}

impl Summation for OwnRows<'_> {
    type Error = anyhow::Error;

    fn people(&mut self, ask: &Ask) -> Result<PeopleCounts, Self::Error> {
        Ok(gwas::decode_people(&self.add(ask)?))
    }

    fn counts(&mut self, ask: &Ask) -> Result<Vec<Result<VariantCounts, GateRule>>, Self::Error> {
        let counts = gwas::decode_counts(self.plan, &self.add(ask)?, ask.keys().len());
        Ok(counts.into_iter().map(Ok).collect())
    }

    /// Nothing leaves this node.
    fn admit(&mut self, _model: &Model) -> Result<(), Self::Error> {
        Ok(())
    }

    fn sum<T>(&mut self, ask: &Ask, next: impl FnOnce(&[u64]) -> T) -> Result<T, Self::Error> {
        Ok(next(&self.add(ask)?))
    }
}

/// A run over own rows asks for no baseline, so nothing is held against this.
const NO_BASELINE: OwnGate = OwnGate {
    individuals: u64::MAX,
    cell: u64::MAX,
    minor_allele_count: u64::MAX,
    minor_allele_count_in_cases: u64::MAX,
};

impl OwnRows<'_> {
    fn add(&self, ask: &Ask) -> Result<Vec<u64>> {
        interrupt::check()?;
        let mut rows = SnapshotRows(self.snapshot);
        Ok(gwas::local(
            ask,
            self.plan,
            self.cohort,
            &mut rows,
            &NO_BASELINE,
            self.threads,
        )?)
    }
}

/// A finished run over own rows.
pub struct OwnRun {
    pub gwas: Gwas,
    pub plan: Plan,
    pub rsids: BTreeMap<VariantKey, u64>,
}

/// Runs `study` over those people of `snapshot` of whom the rule speaks.
pub fn run(
    snapshot: &Snapshot,
    study: &Study,
    people: PeopleRule,
    all_variables: &[VariableName],
    threads: usize,
    progress: &dyn Fn(RunProgress),
) -> Result<OwnRun> {
    let phenotypes = snapshot.phenotypes()?;
    let wanted = study.covariates.iter().chain([&study.trait_name]);
    check_variables(snapshot, &phenotypes, wanted).with_context(|| {
        let known: Vec<_> = phenotypes
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        format!("the dataset's variables are {}", known.join(", "))
    })?;
    let (family, coding) = family_and_coding(&phenotypes, study)?;
    let plan = study.plan(family);
    let people = eligible(snapshot, &phenotypes, &plan, people, all_variables)?;
    let cohort = Cohort::new(&phenotypes, &plan, &people, coding, snapshot.blocks())?;
    // As many as a node offers to others, so that both kinds of run have the same keys.
    let least = Rule::OfferedAlleleCount.default_value();
    let variants = offer::offered(snapshot, &cohort, least)?;
    let facts = PublishedFacts {
        exponents: cohort.exponents(),
        fills: vec![None; plan.covariates.len() + 1],
        grids: cohort.grids(),
        keys: variants.iter().map(|variant| variant.key.clone()).collect(),
        baseline_sites: 0,
    };
    let mut sums = OwnRows {
        plan: &plan,
        cohort: &cohort,
        snapshot,
        threads,
    };
    let gwas = gwas::run(&plan, &facts, &mut sums, progress).map_err(super::sum_error)?;
    let rsids = variants
        .into_iter()
        .filter_map(|variant| Some((variant.key, variant.rsid?)))
        .collect();
    Ok(OwnRun { gwas, plan, rsids })
}

/// Rounds what a code could be read of in the plan's variables, and gives those of which values
/// were rounded. One that has two values then is binary: whatever a few people's decimals were, its
/// cases and controls are counted.
pub fn without_codes<'a>(
    phenotypes: &mut Phenotypes,
    names: impl Iterator<Item = &'a VariableName>,
) -> Vec<VariableName> {
    let (names, mut rounded) = (names.collect::<Vec<_>>(), Vec::new());
    for variable in phenotypes
        .variables
        .iter_mut()
        .filter(|variable| names.contains(&&variable.name))
    {
        if !codes::without_codes(&mut variable.values) {
            continue;
        }
        rounded.push(variable.name.clone());
        if let Some(coding) = BinaryCoding::of_values(variable.values.iter().flatten().copied()) {
            (variable.kind, variable.coding) = (VariableKind::Binary, Some(coding));
        }
    }
    rounded
}

/// The individuals of whom a rule speaks, ascending: everybody, those with the plan's variables, or
/// those with all of the permit's.
pub fn eligible(
    snapshot: &Snapshot,
    phenotypes: &Phenotypes,
    plan: &Plan,
    rule: PeopleRule,
    all_variables: &[VariableName],
) -> Result<Vec<u32>> {
    match rule {
        PeopleRule::Filled => Ok((0..u32::try_from(snapshot.individuals().len())?).collect()),
        PeopleRule::Complete => Ok(gwas::complete_in(phenotypes, plan.variables())?),
        PeopleRule::AllVariables => {
            check_variables(snapshot, phenotypes, all_variables.iter())?;
            Ok(gwas::complete_in(
                phenotypes,
                plan.variables().chain(all_variables),
            )?)
        }
    }
}

/// Refuses by name a variable that the dataset does not have as numbers.
pub fn check_variables<'a>(
    snapshot: &Snapshot,
    phenotypes: &Phenotypes,
    names: impl Iterator<Item = &'a VariableName>,
) -> Result<()> {
    for name in names {
        if phenotypes.variable(name).is_some() {
            continue;
        }
        if snapshot
            .text_columns()
            .iter()
            .any(|column| column == name.as_str())
        {
            bail!("the variable {name} holds text; code it as numbers and load the dataset again");
        }
        bail!("the dataset has no variable {name}");
    }
    Ok(())
}

fn family_and_coding(
    phenotypes: &Phenotypes,
    study: &Study,
) -> Result<(Family, Option<BinaryCoding>)> {
    let variable = phenotypes
        .variable(&study.trait_name)
        .context("the trait is missing")?;
    let natural = match variable.kind {
        VariableKind::Binary => Family::Logistic,
        VariableKind::Quantitative => Family::Linear,
    };
    let family = study.family.unwrap_or(natural);
    match (family, variable.kind) {
        (Family::Logistic, VariableKind::Quantitative) => {
            bail!(
                "trait {} has more than two values; use --family linear",
                study.trait_name
            )
        }
        (Family::Linear, VariableKind::Binary) => {
            note!(
                "warning: trait {} has two values only; --family logistic would fit it",
                study.trait_name
            );
        }
        _ => {}
    }
    if family == Family::Logistic && variable.coding == Some(BinaryCoding::Undecided) {
        bail!(
            "trait {} has the value 1 only, so cases and controls cannot be told apart",
            study.trait_name
        );
    }
    Ok((
        family,
        variable.coding.filter(|_| family == Family::Logistic),
    ))
}
