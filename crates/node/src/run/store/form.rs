//! The third form of a stored release: what stands in its file, field by field and in this order.
//!
//! The form is frozen. It has structs of its own, so that a field that a study gains later changes
//! no file that is there: the compiler then asks here what an old file says of it. A new form is a
//! new module beside this one, with a number of its own, and files of this form stay readable.
//!
//! Values are written by postcard one after another, without names. Identifiers, digests, alleles
//! and dates are written as the text or the bytes that they are; everything else is told here.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use jiff::Timestamp;
use ligate_access::job::PeopleRule;
use ligate_access::permit::PermitId;
use ligate_analysis::gwas::{Association, Baseline, Family, Gwas, Plan, Reason, Test, Unreported};
use ligate_disclosure::Thresholds;
use ligate_model::{
    Allele, Assembly, CaseCounts, Contig, CountryCode, DatasetId, Digest, GateRule, NodeName,
    PeopleCounts, Position, Rule, VariableName, VariantCounts, VariantKey,
};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};

use super::Kept;
use crate::run::release::{Authority, NodeAnswer, NodeOutcome, Release};

/// The bytes of a release, and the digest of the part of them that is the result.
pub fn write(release: &Release) -> Result<(Vec<u8>, Digest)> {
    let mut form = Writer(Vec::new());
    form.put(&StoredPlan::stored(&release.plan))?;
    let start = form.0.len();
    form.put(&StoredPeople::stored(&release.gwas.people))?;
    form.put_each::<StoredAssociation, _>(&release.gwas.associations)?;
    form.put_each::<StoredUnreported, _>(&release.gwas.unreported)?;
    form.put(&release.gwas.lambda)?;
    let digest = result_digest(&form.0[start..]);
    form.put(&stored_rsids(&release.rsids))?;
    form.put(&StoredAssembly::stored(&release.assembly))?;
    form.put_each::<StoredAnswer, _>(&release.nodes)?;
    form.put(&release.rounded)?;
    form.put(&release.swapped)?;
    form.put(&Option::<StoredAuthority>::stored(&release.authority))?;
    form.put(&release.software)?;
    form.put(&release.finished)?;
    Ok((form.0, digest))
}

/// The release of a file's bytes. Anything that is not exactly one release is refused.
pub fn read(bytes: &[u8]) -> Result<Kept> {
    let mut form = Reading(bytes);
    let plan = form.take::<StoredPlan, _>()?;
    let result = form.0;
    let gwas = Gwas {
        people: form.take::<StoredPeople, _>()?,
        associations: form.take::<Vec<StoredAssociation>, _>()?,
        unreported: form.take::<Vec<StoredUnreported>, _>()?,
        lambda: form.take::<f64, _>()?,
    };
    let digest = result_digest(&result[..result.len() - form.0.len()]);
    let release = Release {
        plan,
        gwas,
        rsids: form
            .take::<Vec<StoredRsid>, Vec<(VariantKey, u64)>>()?
            .into_iter()
            .collect(),
        assembly: form.take::<StoredAssembly, _>()?,
        nodes: form.take::<Vec<StoredAnswer>, _>()?,
        rounded: form.take::<Vec<VariableName>, _>()?,
        swapped: form.take::<u64, _>()?,
        authority: form.take::<Option<StoredAuthority>, _>()?,
        software: form.take::<String, _>()?,
        finished: form.take::<Timestamp, _>()?,
        stored: false,
    };
    if !form.0.is_empty() {
        bail!("{} bytes follow the release", form.0.len());
    }
    Ok(Kept { release, digest })
}

/// The digest of a result's bytes as they lie. Nodes note it when a study ends and ask for it when
/// it is exported.
fn result_digest(bytes: &[u8]) -> Digest {
    Digest::of("ligate result", bytes)
}

struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, value: &impl Serialize) -> Result<()> {
        self.0 = postcard::to_extend(value, std::mem::take(&mut self.0))?;
        Ok(())
    }

    /// A list of which only one element at a time is held a second time: a study has millions of
    /// variants.
    fn put_each<S: Stored<T> + Serialize, T>(&mut self, values: &[T]) -> Result<()> {
        struct Each<'a, S, T>(&'a [T], std::marker::PhantomData<S>);
        impl<S: Stored<T> + Serialize, T> Serialize for Each<'_, S, T> {
            fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
                serializer.collect_seq(self.0.iter().map(S::stored))
            }
        }
        self.put(&Each(values, std::marker::PhantomData::<S>))
    }
}

struct Reading<'a>(&'a [u8]);

impl Reading<'_> {
    fn take<S: Stored<T> + DeserializeOwned, T>(&mut self) -> Result<T> {
        let (stored, rest) = postcard::take_from_bytes::<S>(self.0)?;
        self.0 = rest;
        Ok(stored.known())
    }
}

/// What stands in the file for a `T`.
trait Stored<T> {
    fn stored(known: &T) -> Self;
    fn known(self) -> T;
}

/// Values that are written as they are.
macro_rules! as_they_are {
    ($($plain:ty),* $(,)?) => {
        $(impl Stored<$plain> for $plain {
            fn stored(known: &$plain) -> Self {
                known.clone()
            }

            fn known(self) -> $plain {
                self
            }
        })*
    };
}

as_they_are!(
    bool,
    u64,
    f64,
    String,
    Timestamp,
    Digest,
    Contig,
    Position,
    Allele,
    CountryCode,
    DatasetId,
    NodeName,
    PermitId,
    VariableName,
);

impl<S: Stored<T>, T> Stored<Option<T>> for Option<S> {
    fn stored(known: &Option<T>) -> Self {
        known.as_ref().map(S::stored)
    }

    fn known(self) -> Option<T> {
        self.map(S::known)
    }
}

impl<S: Stored<T>, T> Stored<Vec<T>> for Vec<S> {
    fn stored(known: &Vec<T>) -> Self {
        known.iter().map(S::stored).collect()
    }

    fn known(self) -> Vec<T> {
        self.into_iter().map(S::known).collect()
    }
}

/// A struct of the form: its fields are those of the struct that it stands for, each in its own
/// form. All are named on both sides, so that a field which is added to one of the two does not
/// compile.
macro_rules! stored_struct {
    ($name:ident is $known:ident { $($field:ident: $form:ty),* $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        struct $name {
            $($field: $form),*
        }

        impl Stored<$known> for $name {
            fn stored(known: &$known) -> Self {
                let $known { $($field),* } = known;
                Self { $($field: Stored::stored($field)),* }
            }

            fn known(self) -> $known {
                $known { $($field: self.$field.known()),* }
            }
        }
    };
}

/// A choice of the form. Its number in this list stands in the file, so the list only grows with a
/// new form.
macro_rules! stored_choice {
    ($name:ident is $known:ident { $($choice:ident),* $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        enum $name {
            $($choice),*
        }

        impl Stored<$known> for $name {
            fn stored(known: &$known) -> Self {
                match known {
                    $($known::$choice => Self::$choice),*
                }
            }

            fn known(self) -> $known {
                match self {
                    $(Self::$choice => $known::$choice),*
                }
            }
        }
    };
}

stored_struct!(StoredPlan is Plan {
    family: StoredFamily,
    two_values: bool,
    trait_name: VariableName,
    covariates: Vec<VariableName>,
    wald_below: f64,
});

stored_choice!(StoredFamily is Family { Linear, Logistic });

stored_struct!(StoredPeople is PeopleCounts {
    individuals: u64,
    cases: Option<u64>,
    unknown: u64,
    sites: u64,
});

stored_struct!(StoredAssociation is Association {
    key: StoredKey,
    counts: StoredCounts,
    beta: f64,
    standard_error: f64,
    statistic: f64,
    p_value: f64,
    neg_log10_p: f64,
    test: StoredTest,
    baseline: Option<StoredBaseline>,
});

stored_struct!(StoredKey is VariantKey {
    contig: Contig,
    position: Position,
    reference: Allele,
    alternate: Allele,
});

stored_struct!(StoredCounts is VariantCounts {
    called: u64,
    allele_count: u64,
    homozygotes: u64,
    sites: u64,
    withheld: u64,
    lacking: u64,
    cases: Option<StoredCaseCounts>,
});

stored_struct!(StoredCaseCounts is CaseCounts { called: u64, allele_count: u64 });

stored_choice!(StoredTest is Test { Linear, Score, Wald });

stored_struct!(StoredBaseline is Baseline {
    beta: f64,
    standard_error: f64,
    p_value: f64,
    sites: u64,
});

stored_struct!(StoredUnreported is Unreported { key: StoredKey, reason: StoredReason });

#[derive(Serialize, Deserialize)]
enum StoredReason {
    Gate(StoredRule),
    Collinear,
    Separation,
    NotConverged,
    Constant,
}

impl Stored<Reason> for StoredReason {
    fn stored(known: &Reason) -> Self {
        match known {
            Reason::Gate(rule) => Self::Gate(StoredRule::stored(rule)),
            Reason::Collinear => Self::Collinear,
            Reason::Separation => Self::Separation,
            Reason::NotConverged => Self::NotConverged,
            Reason::Constant => Self::Constant,
        }
    }

    fn known(self) -> Reason {
        match self {
            Self::Gate(rule) => Reason::Gate(rule.known()),
            Self::Collinear => Reason::Collinear,
            Self::Separation => Reason::Separation,
            Self::NotConverged => Reason::NotConverged,
            Self::Constant => Reason::Constant,
        }
    }
}

stored_choice!(StoredRule is GateRule {
    Individuals,
    IndividualsPerSite,
    Cell,
    MinorAlleleCount,
    MinorAlleleCountInCases,
    MinorAlleleCountInControls,
    Carriers,
    Homozygotes,
    Withheld,
    Sites,
    Parameters,
});

/// A variant and the number of its RefSNP name.
#[derive(Serialize, Deserialize)]
struct StoredRsid(StoredKey, u64);

impl Stored<(VariantKey, u64)> for StoredRsid {
    fn stored((key, rsid): &(VariantKey, u64)) -> Self {
        Self(StoredKey::stored(key), *rsid)
    }

    fn known(self) -> (VariantKey, u64) {
        (self.0.known(), self.1)
    }
}

fn stored_rsids(rsids: &BTreeMap<VariantKey, u64>) -> Vec<StoredRsid> {
    rsids
        .iter()
        .map(|(key, rsid)| StoredRsid(StoredKey::stored(key), *rsid))
        .collect()
}

stored_choice!(StoredAssembly is Assembly { Grch37, Grch38, T2tChm13, Unknown });

stored_struct!(StoredAnswer is NodeAnswer {
    name: NodeName,
    country: CountryCode,
    dataset: DatasetId,
    outcome: StoredOutcome,
});

#[derive(Serialize, Deserialize)]
enum StoredOutcome {
    Answered { snapshot: Digest, offered: u64 },
    Missing { reason: String },
}

impl Stored<NodeOutcome> for StoredOutcome {
    fn stored(known: &NodeOutcome) -> Self {
        match known.clone() {
            NodeOutcome::Answered { snapshot, offered } => Self::Answered { snapshot, offered },
            NodeOutcome::Missing { reason } => Self::Missing { reason },
        }
    }

    fn known(self) -> NodeOutcome {
        match self {
            Self::Answered { snapshot, offered } => NodeOutcome::Answered { snapshot, offered },
            Self::Missing { reason } => NodeOutcome::Missing { reason },
        }
    }
}

stored_struct!(StoredAuthority is Authority {
    permit: PermitId,
    permit_hash: Digest,
    job: Digest,
    question: Digest,
    signed_permit: String,
    signed_job: String,
    coordinator: String,
    data_user: String,
    purpose: String,
    people: StoredPeopleRule,
    thresholds: StoredThresholds,
});

stored_choice!(StoredPeopleRule is PeopleRule { Filled, Complete, AllVariables });

/// Numbers of the rules that there were, in this order.
#[derive(Serialize, Deserialize)]
struct StoredThresholds([u64; 11]);

const RULES: [Rule; 11] = [
    Rule::IndividualsPerSite,
    Rule::Individuals,
    Rule::Cell,
    Rule::MinorAlleleCount,
    Rule::MinorAlleleCountInCases,
    Rule::MinorAlleleCountInControls,
    Rule::Carriers,
    Rule::Homozygotes,
    Rule::Sites,
    Rule::OfferedAlleleCount,
    Rule::ParameterShare,
];

impl Stored<Thresholds> for StoredThresholds {
    fn stored(known: &Thresholds) -> Self {
        Self(RULES.map(|rule| known[rule]))
    }

    /// A rule that came later was not asked for: 0.
    fn known(self) -> Thresholds {
        let read = |all: Thresholds, (rule, value)| all.with(rule, value);
        RULES
            .into_iter()
            .zip(self.0)
            .fold(Thresholds::new(|_| 0), read)
    }
}
