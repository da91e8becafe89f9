//! Who is in a dataset, from the sample lists of its files, before any row is read.
//!
//! Files with the same samples in the same order are one group and concatenated; a file with none
//! of the samples seen is a further group with blocks of its own; any other file is refused.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
};

use ligate_formats::vcf::Source;
use ligate_genotypes::MAX_SAMPLES;
use ligate_model::{Assembly, IndividualId};
use ligate_records::known_as::KnownAs;

use super::LoadRequest;
use crate::{LakeError, error::SampleConflict};

/// Most individuals of a block, unless all are to be in one.
pub const BLOCK_INDIVIDUALS_MAX: usize = 4096;
/// Blocks end at whole words of packed genotypes.
const BLOCK_STEP: usize = 32;

/// Files with the same samples.
pub struct SampleGroup {
    pub sources: Vec<Source>,
    pub prefix: Option<String>,
    /// Of all individuals.
    pub people: Range<usize>,
    /// Of the group's own samples.
    pub blocks: Vec<Range<usize>>,
}

impl SampleGroup {
    pub fn files(&self) -> Vec<PathBuf> {
        self.sources
            .iter()
            .map(|source| source.path().to_owned())
            .collect()
    }
}

/// The people of a dataset and the files that they come from.
pub struct Cohort {
    pub groups: Vec<SampleGroup>,
    /// With the groups' prefixes, under the ids by which they are known.
    pub individuals: Vec<IndividualId>,
    pub assembly: Assembly,
}

impl Cohort {
    /// Opens every file of a request and sorts them into groups.
    pub fn gather(request: &LoadRequest, known_as: &KnownAs) -> Result<Self, LakeError> {
        let mut gathering = Gathering::default();
        for group in &request.groups {
            for path in &group.files {
                gathering.add(Source::open(path)?, group.id_prefix.as_deref())?;
            }
        }
        known_as.check(|individual| gathering.group_of.contains_key(individual))?;
        let mut cohort = gathering.finish(request.assembly)?;
        cohort
            .individuals
            .iter_mut()
            .for_each(|individual| *individual = known_as.id_of(individual).clone());
        for group in &mut cohort.groups {
            let size = if request.one_block {
                group.people.len().max(1)
            } else {
                BLOCK_INDIVIDUALS_MAX
            };
            group.blocks = split(group.people.len(), size);
        }
        if request.one_block && cohort.individuals.len() > MAX_SAMPLES {
            return Err(LakeError::BlockTooBig(MAX_SAMPLES));
        }
        Ok(cohort)
    }
}

/// Blocks of nearly equal size, at most `size_max`.
fn split(samples: usize, size_max: usize) -> Vec<Range<usize>> {
    let blocks = samples.div_ceil(size_max).max(1);
    let size = samples
        .div_ceil(blocks)
        .next_multiple_of(BLOCK_STEP)
        .min(size_max)
        .max(1);
    (0..samples)
        .step_by(size)
        .map(|start| start..(start + size).min(samples))
        .collect()
}

#[derive(Default)]
struct Gathering {
    groups: Vec<SampleGroup>,
    individuals: Vec<IndividualId>,
    /// Group of each individual.
    group_of: HashMap<IndividualId, usize>,
    paths: Vec<PathBuf>,
}

impl Gathering {
    fn add(&mut self, source: Source, prefix: Option<&str>) -> Result<(), LakeError> {
        let path = source.path();
        let real = path
            .canonicalize()
            .map_err(|error| LakeError::io(path, error))?;
        if self.paths.contains(&real) {
            return Err(LakeError::FileTwice(path.to_owned()));
        }
        self.paths.push(real);
        let samples = prefixed(&source, prefix)?;
        let same = |group: &SampleGroup| self.individuals[group.people.clone()] == samples[..];
        if let Some(group) = self.groups.iter().position(same) {
            self.groups[group].sources.push(source);
            return Ok(());
        }
        self.refuse_overlap(path, &samples)?;
        let start = self.individuals.len();
        self.group_of.extend(
            samples
                .iter()
                .map(|sample| (sample.clone(), self.groups.len())),
        );
        self.individuals.extend(samples);
        let people = start..self.individuals.len();
        let prefix = prefix.map(str::to_owned);
        self.groups.push(SampleGroup {
            sources: vec![source],
            prefix,
            people,
            blocks: Vec::new(),
        });
        Ok(())
    }

    fn refuse_overlap(&self, path: &Path, samples: &[IndividualId]) -> Result<(), LakeError> {
        let Some(group) = samples.iter().find_map(|sample| self.group_of.get(sample)) else {
            return Ok(());
        };
        let shared = samples
            .iter()
            .filter(|sample| self.group_of.get(*sample) == Some(group))
            .count();
        let all = shared == samples.len() && shared == self.groups[*group].people.len();
        Err(LakeError::Samples {
            first: path.to_owned(),
            second: self.groups[*group].sources[0].path().to_owned(),
            how: if all {
                SampleConflict::Order
            } else {
                SampleConflict::Overlap { shared }
            },
        })
    }

    fn finish(self, declared: Option<Assembly>) -> Result<Cohort, LakeError> {
        if self.groups.is_empty() {
            return Err(LakeError::NoFiles);
        }
        let assembly = assembly(
            self.groups.iter().flat_map(|group| &group.sources),
            declared,
        )?;
        Ok(Cohort {
            groups: self.groups,
            individuals: self.individuals,
            assembly,
        })
    }
}

fn prefixed(source: &Source, prefix: Option<&str>) -> Result<Vec<IndividualId>, LakeError> {
    let Some(prefix) = prefix else {
        return Ok(source.samples().to_vec());
    };
    let with_prefix = |id: &IndividualId| IndividualId::new(format!("{prefix}{id}"));
    let ids: Result<Vec<_>, _> = source.samples().iter().map(with_prefix).collect();
    ids.map_err(|_| LakeError::SampleName(source.path().to_owned()))
}

/// The assembly that was declared, else the one that the files show; all must agree.
fn assembly<'s>(
    sources: impl Iterator<Item = &'s Source>,
    declared: Option<Assembly>,
) -> Result<Assembly, LakeError> {
    let mut shown: Option<(Assembly, &Path)> = None;
    for source in sources {
        let Some(found) = source.assembly().filter(|assembly| assembly.is_known()) else {
            continue;
        };
        let file = source.path().to_owned();
        if let Some(declared) =
            declared.filter(|declared| declared.is_known() && *declared != found)
        {
            return Err(LakeError::Assembly {
                file,
                found,
                declared,
            });
        }
        match shown {
            None => shown = Some((found, source.path())),
            Some((expected, other)) if expected != found => {
                return Err(LakeError::Assemblies {
                    file,
                    found,
                    other: other.to_owned(),
                    expected,
                });
            }
            Some(_) => {}
        }
    }
    Ok(declared
        .or(shown.map(|(assembly, _)| assembly))
        .unwrap_or(Assembly::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_even_and_bounded() {
        let sizes = |samples| {
            let blocks = split(samples, BLOCK_INDIVIDUALS_MAX);
            assert_eq!(blocks.iter().map(Range::len).sum::<usize>(), samples);
            assert!(blocks.windows(2).all(|pair| pair[0].end == pair[1].start));
            blocks.iter().map(Range::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(0), Vec::<usize>::new());
        assert_eq!(sizes(4096), [4096]);
        assert_eq!(sizes(4097), [2080, 2017]);
        assert_eq!(sizes(10_000), [3360, 3360, 3280]);
        assert!(
            sizes(1_000_000)
                .iter()
                .all(|size| (1..=4096).contains(size))
        );
        assert_eq!(split(10_000, 10_000).len(), 1);
    }
}
