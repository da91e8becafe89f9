//! Pedigrees (PED, and PLINK's .fam, which is the same six columns): who is whose parent, sex, and
//! who is affected.
//!
//! A line that breaks the format or contradicts others is reported by its number and what it says
//! wrongly is left out; the rest of the family stays. What is left has no loops and no parent of
//! the wrong sex. No id is in any message.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::Path,
};

use ligate_formats::{Problems, ReadError, text::Lines};
use ligate_model::IndividualId;

/// Sex as the file writes it: 1 male, 2 female, all else unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    Male,
    Female,
    Unknown,
}

/// One person. Father and mother, where given, are members of the same pedigree.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    pub family: Box<str>,
    pub individual: IndividualId,
    pub father: Option<IndividualId>,
    pub mother: Option<IndividualId>,
    pub sex: Sex,
    /// Nothing where the file does not know (0, -9 or another code).
    pub affected: Option<bool>,
    /// Line of the file, from 1.
    pub line: u64,
}

/// Names and kinship are personal: only the line is shown.
impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// The people of one file, in its order.
#[derive(Clone, Default)]
pub struct Pedigree {
    members: Vec<Member>,
    places: HashMap<IndividualId, usize>,
}

impl fmt::Debug for Pedigree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pedigree")
            .field("members", &self.members.len())
            .finish_non_exhaustive()
    }
}

impl Pedigree {
    /// Reads a PED or .fam file. Individuals are known by their own id, as in a variant file: the
    /// same id in two families is a duplicate.
    ///
    /// # Errors
    /// If the file cannot be read, or no line of it is a person.
    pub fn read(path: &Path) -> Result<(Self, Problems), ReadError> {
        let mut pedigree = Self::default();
        let mut problems = Problems::default();
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next_line()? {
            if line.text.trim().is_empty() || line.text.starts_with('#') {
                continue;
            }
            let member = parse(&line.text, line.number);
            if let Err(message) = member.and_then(|member| pedigree.add(member)) {
                problems.push(path, line.number, message);
            }
        }
        if pedigree.members.is_empty() {
            let message = "no line has the six columns family, individual, father, mother, sex and phenotype of a PED file";
            return Err(ReadError::malformed(path, 1, message));
        }
        pedigree.check_parents(path, &mut problems);
        pedigree.cut_loops(path, &mut problems);
        Ok((pedigree, problems))
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn get(&self, individual: &IndividualId) -> Option<&Member> {
        self.members.get(*self.places.get(individual)?)
    }

    /// Father and mother, where the file has them.
    pub fn parents(&self, individual: &IndividualId) -> (Option<&Member>, Option<&Member>) {
        let Some(member) = self.get(individual) else {
            return (None, None);
        };
        let person = |id: &Option<IndividualId>| id.as_ref().and_then(|id| self.get(id));
        (person(&member.father), person(&member.mother))
    }

    /// Those who have the individual as father or mother.
    pub fn children<'a>(
        &'a self,
        individual: &'a IndividualId,
    ) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| {
            member.father.as_ref() == Some(individual) || member.mother.as_ref() == Some(individual)
        })
    }

    /// The other children of the individual's father and mother, both known and the same.
    pub fn full_siblings<'a>(
        &'a self,
        individual: &'a IndividualId,
    ) -> impl Iterator<Item = &'a Member> {
        let of = self
            .get(individual)
            .filter(|of| of.father.is_some() && of.mother.is_some());
        self.members.iter().filter(move |member| {
            member.individual != *individual
                && of.is_some_and(|of| member.father == of.father && member.mother == of.mother)
        })
    }

    /// Names of the families in the order of the file.
    pub fn families(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.members
            .iter()
            .map(|member| &*member.family)
            .filter(|family| seen.insert(*family))
            .collect()
    }

    fn add(&mut self, member: Member) -> Result<(), &'static str> {
        if self.places.contains_key(&member.individual) {
            return Err("this individual has a line already; the second one is left out");
        }
        self.places
            .insert(member.individual.clone(), self.members.len());
        self.members.push(member);
        Ok(())
    }

    /// Removes links to parents who have no line, another family or the other sex.
    fn check_parents(&mut self, path: &Path, problems: &mut Problems) {
        for place in 0..self.members.len() {
            let Some(member) = self.members.get(place) else {
                continue;
            };
            let line = member.line;
            let father = self.parent_problem(member, member.father.as_ref(), Sex::Female);
            let mother = self.parent_problem(member, member.mother.as_ref(), Sex::Male);
            let Some(member) = self.members.get_mut(place) else {
                continue;
            };
            for (problem, link, role) in [
                (father, &mut member.father, "father"),
                (mother, &mut member.mother, "mother"),
            ] {
                if let Some(problem) = problem {
                    *link = None;
                    problems.push(
                        path,
                        line,
                        format!("the {role} {problem}; taken as unknown"),
                    );
                }
            }
        }
    }

    fn parent_problem(
        &self,
        child: &Member,
        parent: Option<&IndividualId>,
        wrong: Sex,
    ) -> Option<&'static str> {
        let Some(parent) = self.get(parent?) else {
            return Some("has no line in this file");
        };
        if parent.individual == child.individual {
            Some("is the individual")
        } else if parent.family != child.family {
            Some("is of another family")
        } else if parent.sex == wrong {
            Some("is of the wrong sex")
        } else {
            None
        }
    }

    /// Nobody is an ancestor of himself or herself: where it says so, the parents of all on the
    /// loop become unknown.
    fn cut_loops(&mut self, path: &Path, problems: &mut Problems) {
        for place in self.on_loops() {
            let Some(member) = self.members.get_mut(place) else {
                continue;
            };
            (member.father, member.mother) = (None, None);
            let message =
                "the individual is an ancestor of itself; its parents are taken as unknown";
            problems.push(path, member.line, message);
        }
    }

    /// Who is on a loop or descends from one and leads to one: peels off, again and again, all
    /// without parents and all without children; loops are what stays.
    fn on_loops(&self) -> Vec<usize> {
        let mut left: HashSet<usize> = (0..self.members.len()).collect();
        loop {
            let is_child: HashSet<usize> = left
                .iter()
                .copied()
                .filter(|place| self.links(*place).any(|p| left.contains(&p)))
                .collect();
            let is_parent: HashSet<usize> =
                left.iter().flat_map(|place| self.links(*place)).collect();
            let stays: HashSet<usize> = is_child.intersection(&is_parent).copied().collect();
            if stays.len() == left.len() {
                break;
            }
            left = stays;
        }
        let mut places: Vec<usize> = left.into_iter().collect();
        places.sort_unstable();
        places
    }

    /// Places of the parents of the member at a place.
    fn links(&self, place: usize) -> impl Iterator<Item = usize> {
        let parents = self
            .members
            .get(place)
            .map(|member| [&member.father, &member.mother]);
        parents
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|id| self.places.get(id).copied())
    }
}

fn parse(text: &str, line: u64) -> Result<Member, &'static str> {
    let fields: Vec<&str> = if text.contains('\t') {
        text.split('\t').map(str::trim).collect()
    } else {
        text.split_ascii_whitespace().collect()
    };
    let [family, individual, father, mother, sex, phenotype, ..] = fields[..] else {
        return Err("the line has fewer than the six columns of a PED file; it is left out");
    };
    const ID: &str = "an id on this line is empty or not allowed; the line is left out";
    let id = |text: &str| IndividualId::new(text).map_err(|_| ID);
    let parent = |text: &str| {
        if matches!(text, "0" | "" | ".") {
            Ok(None)
        } else {
            id(text).map(Some)
        }
    };
    if matches!(individual, "0" | ".") {
        return Err(ID);
    }
    Ok(Member {
        family: family.into(),
        individual: id(individual)?,
        father: parent(father)?,
        mother: parent(mother)?,
        sex: parse_sex(sex)?,
        affected: parse_phenotype(phenotype)?,
        line,
    })
}

fn parse_sex(text: &str) -> Result<Sex, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "m" | "male" => Ok(Sex::Male),
        "2" | "f" | "female" => Ok(Sex::Female),
        "0" | "-9" | "." | "" | "3" | "other" | "unknown" | "na" => Ok(Sex::Unknown),
        _ => Err("the sex is none of 1 (male), 2 (female) and 0 (unknown); the line is left out"),
    }
}

fn parse_phenotype(text: &str) -> Result<Option<bool>, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "2" | "affected" => Ok(Some(true)),
        "1" | "unaffected" => Ok(Some(false)),
        "0" | "-9" | "." | "" | "na" | "unknown" => Ok(None),
        // A trait's value, as .fam files have for quantitative traits.
        number if number.parse::<f64>().is_ok() => Ok(None),
        _ => Err(
            "the phenotype is none of 2 (affected), 1 (unaffected) and 0 (unknown); the line is left out",
        ),
    }
}
