//! Sites in memory and sums over them, for tests only.

#![allow(dead_code)] // each test file uses its part

pub mod cohort;

use std::{convert::Infallible, ops::Range};

use ligate_analysis::gwas::{
    Ask, Cohort, GenotypeSource, Gwas, Model, OwnGate, Plan, PublishedFacts, RunError, Summation,
    columns, complete_in, decode_counts, decode_people, local, roles, run,
};
use ligate_genotypes::{Batch, Calls, Exception, Row, encode};
use ligate_model::{
    Allele, BinaryCoding, Contig, GateRule, PeopleCounts, Phenotypes, Position, Variable,
    VariableKind, VariableName, VariantCounts, VariantKey,
};

/// People with phenotypes and calls, before they are put into sites.
#[derive(Clone)]
pub struct People {
    pub phenotypes: Phenotypes,
    /// Per variant and person the dosage, or nothing.
    pub calls: Vec<Vec<Option<u8>>>,
}

/// One node's dataset: encoded rows per sample block and variant. A block in which nobody is called
/// has no row.
pub struct Site {
    pub phenotypes: Phenotypes,
    pub blocks: Vec<Range<usize>>,
    rows: Vec<Vec<Option<Vec<u8>>>>,
    keys: Vec<VariantKey>,
    batch: usize,
}

pub fn name(text: &str) -> VariableName {
    VariableName::new(text).unwrap()
}

pub fn key(variant: usize) -> VariantKey {
    let allele = |text: &str| Allele::new(text).unwrap();
    VariantKey {
        contig: Contig::new("1"),
        position: Position::new(1000 * (variant as u32 + 1)),
        reference: allele("A"),
        alternate: allele("C"),
    }
}

pub fn keys(variants: usize) -> Vec<VariantKey> {
    (0..variants).map(key).collect()
}

pub fn variable(text: &str, coding: Option<BinaryCoding>, values: Vec<Option<f64>>) -> Variable {
    let kind = if coding.is_some() {
        VariableKind::Binary
    } else {
        VariableKind::Quantitative
    };
    Variable {
        name: name(text),
        kind,
        coding,
        values,
    }
}

impl People {
    pub fn count(&self) -> usize {
        self.phenotypes.variables[0].values.len()
    }

    /// A site of the given people in this order, cut into blocks at the given places; visited
    /// `batch` variants at a time.
    pub fn site(&self, people: &[usize], cuts: &[usize], batch: usize) -> Site {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (people.len() + 1)).collect();
        ends.push(people.len());
        ends.sort_unstable();
        let starts = [0].into_iter().chain(ends.iter().copied());
        let blocks: Vec<Range<usize>> = starts.zip(&ends).map(|(start, end)| start..*end).collect();
        let mut phenotypes = self.phenotypes.clone();
        for variable in &mut phenotypes.variables {
            variable.values = people
                .iter()
                .map(|person| variable.values[*person])
                .collect();
        }
        let row = |block: &Range<usize>, calls: &Vec<Option<u8>>| {
            encoded(
                &people[block.clone()]
                    .iter()
                    .map(|person| calls[*person])
                    .collect::<Vec<_>>(),
            )
        };
        let rows = blocks
            .iter()
            .map(|block| self.calls.iter().map(|calls| row(block, calls)).collect())
            .collect();
        Site {
            phenotypes,
            blocks,
            rows,
            keys: keys(self.calls.len()),
            batch,
        }
    }

    pub fn pooled(&self) -> Site {
        self.site(&(0..self.count()).collect::<Vec<_>>(), &[], 1000)
    }
}

/// A row, alternately phased and of every kind of incomplete call; `None` where nobody is called.
fn encoded(calls: &[Option<u8>]) -> Option<Vec<u8>> {
    calls.iter().any(Option::is_some).then(|| {
        let mut row = Calls::new(calls.len());
        for (sample, call) in calls.iter().enumerate() {
            match call {
                Some(2) => row.set_code(sample, 3),
                Some(1) => row.set_code(sample, 1),
                Some(_) => {}
                None if sample % 3 == 0 => row.push_exception(
                    sample as u32,
                    Exception::HalfMissing {
                        alternate: sample % 2 == 0,
                    },
                ),
                None => row.push_exception(sample as u32, Exception::Missing),
            }
        }
        let mut bytes = Vec::new();
        encode(&row, 0..calls.len(), &mut bytes);
        bytes
    })
}

/// What a site reads its genotypes with.
pub struct Reader<'a>(pub &'a Site);

impl GenotypeSource for Reader<'_> {
    type Error = Infallible;

    fn scan(
        &mut self,
        keys: &[VariantKey],
        visit: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<(), Infallible> {
        let site = self.0;
        let indices: Vec<usize> = (0..keys.len()).collect();
        for indices in indices.chunks(site.batch) {
            let row = |block: usize, index: &usize| {
                let place = site.keys.binary_search(&keys[*index]).ok()?;
                let bytes = site.rows[block][place].as_ref()?;
                Some(Row::parse(bytes, site.blocks[block].len()).unwrap())
            };
            let blocks = (0..site.blocks.len())
                .map(|block| indices.iter().map(|index| row(block, index)).collect())
                .collect();
            visit(&Batch {
                indices: indices.to_vec(),
                blocks,
            });
        }
        Ok(())
    }
}

pub const OWN_GATE: OwnGate = OwnGate {
    individuals: 20,
    cell: 5,
    minor_allele_count: 5,
    minor_allele_count_in_cases: 2,
};

/// The cohort of some people of a site.
pub fn cohort_of(site: &Site, plan: &Plan, people: &[u32], coding: Option<BinaryCoding>) -> Cohort {
    Cohort::new(&site.phenotypes, plan, people, coding, &site.blocks).unwrap()
}

/// Adds what the sites add, as a secure sum would, after sending the ask through its serialised
/// form.
pub struct Sites<'a> {
    plan: &'a Plan,
    sites: Vec<(&'a Site, Cohort)>,
    threads: usize,
    /// Fewest copies of the minor allele.
    pub gate: u64,
    /// Names of the asks made.
    pub asked: Vec<&'static str>,
}

impl<'a> Sites<'a> {
    pub fn new(plan: &'a Plan, sites: &'a [Site], threads: usize) -> Self {
        let coding = Some(BinaryCoding::ZeroOne);
        let cohort = |site: &Site| {
            let people = complete_in(&site.phenotypes, plan.variables()).unwrap();
            cohort_of(site, plan, &people, coding)
        };
        let sites = sites.iter().map(|site| (site, cohort(site))).collect();
        Self {
            plan,
            sites,
            threads,
            gate: 0,
            asked: Vec::new(),
        }
    }

    pub fn facts(&self, variants: usize, baseline_sites: u64) -> PublishedFacts {
        let exponents: Vec<Vec<i16>> = self
            .sites
            .iter()
            .map(|(_, cohort)| cohort.exponents())
            .collect();
        let largest = |k: usize| exponents.iter().map(|own| own[k]).max().unwrap();
        let exponents = (0..=self.plan.covariates.len()).map(largest).collect();
        let fills = vec![None; self.plan.covariates.len() + 1];
        let of_sites: Vec<_> = self
            .sites
            .iter()
            .map(|(_, cohort)| cohort.grids())
            .collect();
        let grid = |k: usize| {
            of_sites
                .iter()
                .map(|own| own[k])
                .reduce(|a, b| a?.with(b?))
                .flatten()
        };
        let grids = (0..=self.plan.covariates.len()).map(grid).collect();
        PublishedFacts {
            exponents,
            fills,
            grids,
            keys: keys(variants),
            baseline_sites,
        }
    }

    pub fn run(&mut self, facts: &PublishedFacts) -> Result<Gwas, RunError<Infallible>> {
        let plan = self.plan;
        run(plan, facts, self, &|_| {})
    }

    fn add(&mut self, ask: &Ask) -> Vec<u64> {
        let bytes = postcard::to_stdvec(ask).unwrap();
        let received: Ask = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(received, *ask);
        self.asked.push(received.name());
        let mut total = vec![0_u64; ask.words()];
        for (site, cohort) in &self.sites {
            let words = local(
                &received,
                self.plan,
                cohort,
                &mut Reader(site),
                &OWN_GATE,
                self.threads,
            )
            .unwrap();
            assert_eq!(words.len(), total.len(), "{}", ask.name());
            total
                .iter_mut()
                .zip(words)
                .for_each(|(total, word)| *total = total.wrapping_add(word));
        }
        total
    }
}

impl Summation for Sites<'_> {
    type Error = Infallible;

    fn people(&mut self, ask: &Ask) -> Result<PeopleCounts, Infallible> {
        Ok(decode_people(&self.add(ask)))
    }

    fn counts(&mut self, ask: &Ask) -> Result<Vec<Result<VariantCounts, GateRule>>, Infallible> {
        let counts = decode_counts(self.plan, &self.add(ask), ask.keys().len());
        let gate = self.gate;
        let pass = |of: VariantCounts| match of.minor_allele_count() >= gate {
            true => Ok(of),
            false => Err(GateRule::MinorAlleleCount),
        };
        Ok(counts.into_iter().map(pass).collect())
    }

    fn admit(&mut self, model: &Model) -> Result<(), Infallible> {
        for (_, cohort) in &self.sites {
            let columns = columns(cohort, self.plan, model, &OWN_GATE, self.threads);
            assert_eq!(columns.len(), roles(self.plan, model.baseline).len());
            assert!(
                columns
                    .iter()
                    .all(|column| column.len() as u64 == cohort.individuals())
            );
        }
        Ok(())
    }

    fn sum<T>(&mut self, ask: &Ask, next: impl FnOnce(&[u64]) -> T) -> Result<T, Infallible> {
        Ok(next(&self.add(ask)))
    }
}
