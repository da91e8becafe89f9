//! How often each disease's patients have each term: the annotation rows of a disease class merged
//! into one estimate per term. Publications can be taken out and other registries' counts put in,
//! one disease at a time, against a shared base. It refuses nothing: the rows were checked when the
//! knowledge was built.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use ligate_knowledge::{
    DiseaseIndex, Frequency, Knowledge, PhenotypeRow, Reference,
    ontology::{Ontology, Term},
};
use ligate_model::Pmid;

use crate::phenotype::name_series::{Series, series};

/// Frequency taken where a row states none.
const UNSTATED: f64 = 0.2;

/// From this frequency on a feature is frequent.
pub(super) const FREQUENT: f64 = 0.5;

/// m of n patients have a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    pub m: u32,
    pub n: u32,
}

impl Counts {
    /// Estimated frequency, (m + 0.9) / (n + 3): above 0 with no patient seen, below 1 with all.
    pub fn frequency(self) -> f64 {
        (f64::from(self.m) + 0.9) / (f64::from(self.n) + 3.0)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            m: self.m.saturating_add(other.m),
            n: self.n.saturating_add(other.n),
        }
    }

    /// What is left without some of the patients; `None` where they cannot have been among them.
    fn minus(self, own: Self) -> Option<Self> {
        let rest = Self {
            m: self.m.checked_sub(own.m)?,
            n: self.n.checked_sub(own.n)?,
        };
        (rest.n > 0 && rest.m <= rest.n).then_some(rest)
    }
}

/// A term that patients of a disease have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annotated {
    pub term: Term,
    /// Estimated frequency, 0 to 1.
    pub f: f64,
    /// All counted patients, where any row counts them.
    pub counts: Option<Counts>,
}

/// One disease's phenotype.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// By term, each once, frequencies above 0.
    pub terms: Vec<Annotated>,
    /// By term, each once: what patients of the disease do not have (`NOT` rows, or none of n
    /// patients) and no row says that they have. Only the very term: its descendants may never have
    /// been looked for.
    pub absent: Vec<Term>,
    /// Nothing is known of the disease itself; this is what its relatives have.
    pub borrowed: bool,
}

impl Profile {
    /// Nothing is known: the disease cannot be scored.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.absent.is_empty()
    }

    /// A presence that any row or count shows outweighs an absence.
    fn add(&mut self, term: Term, evidence: &Evidence) {
        let counts = (evidence.counts.n > 0).then_some(evidence.counts);
        if let Some(f) = evidence.frequency() {
            self.terms.push(Annotated { term, f, counts });
        } else if evidence.absent || counts.is_some() {
            self.absent.push(term);
        }
    }
}

/// What to change in one disease, always counted from the release's own rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edit<'a> {
    /// Publications to take out: rows that name them alone go; from rows that name others too,
    /// `own` is subtracted, or the row goes where that is impossible.
    pub without: &'a [Pmid],
    /// Those publications' own patients with this disease.
    pub own: &'a [(Term, Counts)],
    /// Other registries' counts to add.
    pub added: &'a [(Term, Counts)],
}

/// The profiles of all diseases of a [`Knowledge`]. Cheap to clone.
#[derive(Clone)]
pub struct Annotations<'k> {
    knowledge: &'k Knowledge,
    profiles: Arc<[Arc<Profile>]>,
    /// Made when first asked for: the first answer to one patient needs neither.
    naming: Arc<OnceLock<HashMap<Pmid, Vec<DiseaseIndex>>>>,
    series: Arc<OnceLock<Series>>,
}

impl<'k> Annotations<'k> {
    /// The release as it is.
    pub fn of(knowledge: &'k Knowledge) -> Self {
        let whole = Edit::default();
        let merged = knowledge
            .diseases()
            .iter()
            .map(|disease| Arc::new(merge(&disease.rows, &whole, &knowledge.ontology)));
        Self {
            knowledge,
            profiles: merged.collect(),
            naming: Arc::default(),
            series: Arc::default(),
        }
    }

    pub fn knowledge(&self) -> &'k Knowledge {
        self.knowledge
    }

    pub fn profile(&self, disease: DiseaseIndex) -> &Arc<Profile> {
        &self.profiles[disease.index()]
    }

    pub(super) fn series(&self) -> &Series {
        self.series.get_or_init(|| series(self.knowledge))
    }

    /// Diseases with a phenotype row that names a publication.
    pub fn naming(&self, publication: Pmid) -> &[DiseaseIndex] {
        let naming = self.naming.get_or_init(|| naming(self.knowledge));
        naming.get(&publication).map_or(&[], Vec::as_slice)
    }

    /// A disease's profile after a change to the release's rows.
    pub fn edited(&self, disease: DiseaseIndex, edit: &Edit) -> Profile {
        merge(
            &self.knowledge.disease(disease).rows,
            edit,
            &self.knowledge.ontology,
        )
    }

    /// A new base in which some diseases have other profiles.
    pub fn with(&self, changes: Vec<(DiseaseIndex, Profile)>) -> Self {
        let mut profiles = self.profiles.to_vec();
        for (disease, profile) in changes {
            profiles[disease.index()] = Arc::new(profile);
        }
        Self {
            profiles: profiles.into(),
            ..self.clone()
        }
    }
}

fn naming(knowledge: &Knowledge) -> HashMap<Pmid, Vec<DiseaseIndex>> {
    let mut naming: HashMap<Pmid, Vec<DiseaseIndex>> = HashMap::new();
    for (index, disease) in (0..).map(DiseaseIndex).zip(knowledge.diseases()) {
        for reference in disease.rows.iter().flat_map(|row| &row.references) {
            let Reference::Publication(publication) = reference else {
                continue;
            };
            let diseases = naming.entry(*publication).or_default();
            if diseases.last() != Some(&index) {
                diseases.push(index);
            }
        }
    }
    naming
}

/// What the rows of one term say together.
#[derive(Default)]
struct Evidence {
    counts: Counts,
    /// Largest frequency of the rows that do not count patients.
    share: f64,
    /// A row says that the disease is without the term.
    absent: bool,
}

impl Evidence {
    fn of(row: &PhenotypeRow, frequency: Frequency, ontology: &Ontology) -> Self {
        if row.absent {
            return Self {
                absent: true,
                ..Self::default()
            };
        }
        let share = match frequency {
            Frequency::Counts { m, n } => {
                return Self {
                    counts: Counts { m, n },
                    ..Self::default()
                };
            }
            Frequency::Unstated => UNSTATED,
            Frequency::Share(share) => share,
            Frequency::Term(term) => frequency_of(ontology, term),
        };
        Self {
            share,
            absent: share <= 0.0,
            ..Self::default()
        }
    }

    fn plus(self, other: &Self) -> Self {
        let (share, absent) = (self.share.max(other.share), self.absent || other.absent);
        Self {
            counts: self.counts.plus(other.counts),
            share,
            absent,
        }
    }

    /// Frequency of the term; `None` where only absence is known.
    fn frequency(&self) -> Option<f64> {
        let counted = if self.counts.m > 0 {
            self.counts.frequency()
        } else {
            0.0
        };
        let f = self.share.max(counted);
        (f > 0.0).then_some(f)
    }
}

/// Rows are pooled by term: counts are summed, and the larger of the counted and of the stated
/// frequency is taken.
fn merge(rows: &[PhenotypeRow], edit: &Edit, ontology: &Ontology) -> Profile {
    let mut rest: Vec<(Term, Evidence)> = Vec::with_capacity(rows.len() + edit.added.len());
    for row in rows {
        if let Some(frequency) = remaining(row, edit) {
            rest.push((row.term, Evidence::of(row, frequency, ontology)));
        }
    }
    for (term, counts) in edit.added {
        rest.push((
            *term,
            Evidence {
                counts: *counts,
                ..Evidence::default()
            },
        ));
    }
    rest.sort_by_key(|(term, _)| *term);
    let mut profile = Profile::default();
    for group in rest.chunk_by(|left, right| left.0 == right.0) {
        let evidence = group
            .iter()
            .fold(Evidence::default(), |sum, (_, evidence)| sum.plus(evidence));
        profile.add(group[0].0, &evidence);
    }
    profile
}

/// A row's frequency without a publication's patients; `None` where nothing of the row is left.
fn remaining(row: &PhenotypeRow, edit: &Edit) -> Option<Frequency> {
    let named = |reference: &Reference| match reference {
        Reference::Publication(publication) => edit.without.contains(publication),
        Reference::Catalogue(_) | Reference::Other => false,
    };
    if !row.references.iter().any(named) {
        return Some(row.frequency);
    }
    if row.references.iter().all(named) {
        return None;
    }
    let Frequency::Counts { m, n } = row.frequency else {
        return None;
    };
    let (_, own) = edit.own.iter().find(|(term, _)| *term == row.term)?;
    let rest = Counts { m, n }.minus(*own)?;
    Some(Frequency::Counts {
        m: rest.m,
        n: rest.n,
    })
}

/// The share that stands for an HPO frequency term: the middle of its range (HP:0040280 to
/// HP:0040285).
fn frequency_of(ontology: &Ontology, term: Term) -> f64 {
    match ontology.id(term).number() {
        40280 => 1.0,
        40281 => 0.9,
        40282 => 0.545,
        40283 => 0.17,
        40284 => 0.025,
        40285 => 0.0,
        _ => UNSTATED,
    }
}
