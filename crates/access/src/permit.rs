//! The data permit: one signed object that says who may compute what on which datasets, for which
//! purpose, until when, and what may leave. This module owns its fields and refuses permits that no
//! node could honour: fewer than three nodes with data, a validity over ten years, a coordinator
//! that holds data.
//!
//! # What Article 68(10) of Regulation (EU) 2025/327 asks, in the order of its points (a) to (h)
//!
//! | subject | fields |
//! |---|---|
//! | the data, their sources and form | `datasets`, `variables`, `pseudonymised` |
//! | the purpose | `purpose`, `purpose_text` |
//! | whether an exception to opt-outs (Article 71(4)) applies, and why | `opt_out_exception` |
//! | the persons who may use the secure processing environment | `data_user`, `authorised_persons` |
//! | the duration | `valid_from`, `valid_until` |
//! | the environment and its tools | `coordinator`, `methods`, `output`, `export` |
//! | the fees | `fee` |
//! | further conditions | `conditions` |
//!
//! The Commission's template (Article 70) is still to come; `version` tells this form from later
//! ones.

mod id;
mod method;
mod output_rules;
mod signed;

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use ligate_model::{CountryCode, DatasetId, NodeName, Purpose, VariableName};
use serde::{Deserialize, Serialize};

use crate::{Identity, JwsError, PublicKey};

pub use id::{InvalidPermitId, PermitId};
pub use method::{Method, UnknownMethod};
pub use output_rules::OutputRules;
pub use signed::SignedPermit;

/// The JWS type of a permit.
pub const TYPE: &str = "ligate-permit+jwt";
/// The form of the claims below.
pub const VERSION: u32 = 1;
/// Fewest nodes with data: of two, each could subtract its own part.
pub const NODES_MIN: usize = 3;
/// Article 68(12): at most ten years.
const YEARS_MAX: i64 = 10;
const NAME_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 8000;

/// An organisation and the key it signs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    pub name: String,
    pub key: PublicKey,
}

/// One dataset and the node that holds it. A node takes part with one dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitDataset {
    pub node: NodeName,
    pub key: PublicKey,
    pub country: CountryCode,
    pub dataset: DatasetId,
}

/// What may leave the secure processing environment, beside the rules that hold for every export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportRules {
    /// Whether all variants that are common enough may leave, not only the leading ones.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub full_table: bool,
    /// Who must approve the content of each export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub officer: Option<Party>,
}

impl ExportRules {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The claims of a permit. The table above says which field serves which point of Article 68(10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// [`VERSION`].
    pub version: u32,
    pub id: PermitId,
    /// The health data access body; its key signs the permit.
    pub issuer: Party,
    /// Who asks; its key signs every job.
    pub data_user: Party,
    /// Natural persons who may work under the permit, the principal investigator first (also
    /// Article 73(1)).
    #[serde(default)]
    pub authorised_persons: Vec<String>,
    /// The secure processing environment, where sums are opened. It holds no data.
    pub coordinator: Party,
    pub purpose: Purpose,
    /// The purpose in detail.
    pub purpose_text: String,
    pub datasets: Vec<PermitDataset>,
    /// Whether the data stay person by person (under pseudonyms) at their nodes while they are
    /// computed on.
    pub pseudonymised: bool,
    /// The reason, where national law lets the permit reach people who opted out (Article 71(4)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out_exception: Option<String>,
    pub methods: Vec<Method>,
    /// Traits and covariates that jobs may name.
    pub variables: Vec<VariableName>,
    #[serde(default)]
    pub output: OutputRules,
    #[serde(default, skip_serializing_if = "ExportRules::is_default")]
    pub export: ExportRules,
    /// What is to be paid, in words with the currency; nothing if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    #[serde(default)]
    pub conditions: Vec<String>,
    pub issued: Timestamp,
    /// First moment of validity.
    pub valid_from: Timestamp,
    /// First moment after validity.
    pub valid_until: Timestamp,
}

/// A rule that a permit breaks, whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPermit {
    #[error("its version is {0}; this program knows version {VERSION}")]
    Version(u32),
    #[error("{0} must be 1 to {1} characters without control characters")]
    Text(&'static str, usize),
    #[error(
        "it names {0} node(s) with data; at least {NODES_MIN} are needed to protect any of them"
    )]
    TooFewNodes(usize),
    #[error("it names the node {0} twice; a node takes part with one dataset")]
    NodeTwice(NodeName),
    #[error("its coordinator is also the node {0}; a coordinator holds no data")]
    CoordinatorHoldsData(NodeName),
    #[error("its export officer is its data user, who cannot approve his own exports")]
    OwnOfficer,
    #[error("it allows no method")]
    NoMethod,
    #[error("it allows no variable")]
    NoVariable,
    #[error("it ends before it begins")]
    Dates,
    #[error("it is valid for more than {YEARS_MAX} years (Article 68(12))")]
    TooLong,
    #[error("it was signed by another key than its issuer's")]
    Signer,
}

impl Permit {
    /// Checks the rules that hold for every permit.
    pub fn validate(&self) -> Result<(), InvalidPermit> {
        if self.version != VERSION {
            return Err(InvalidPermit::Version(self.version));
        }
        self.validate_texts()?;
        self.validate_nodes()?;
        if self.methods.is_empty() {
            return Err(InvalidPermit::NoMethod);
        }
        if self.variables.is_empty() {
            return Err(InvalidPermit::NoVariable);
        }
        self.validate_dates()
    }

    fn validate_texts(&self) -> Result<(), InvalidPermit> {
        let parties = [
            ("the issuer's name", &self.issuer),
            ("the data user's name", &self.data_user),
            ("the coordinator's name", &self.coordinator),
        ];
        for (what, party) in parties {
            check_text(what, &party.name, NAME_CHARS_MAX)?;
        }
        if let Some(officer) = &self.export.officer {
            check_text("the export officer's name", &officer.name, NAME_CHARS_MAX)?;
            if officer.key == self.data_user.key {
                return Err(InvalidPermit::OwnOfficer);
            }
        }
        for person in &self.authorised_persons {
            check_text("an authorised person's name", person, NAME_CHARS_MAX)?;
        }
        check_text(
            "the purpose's description",
            &self.purpose_text,
            TEXT_CHARS_MAX,
        )?;
        for condition in &self.conditions {
            check_text("a condition", condition, TEXT_CHARS_MAX)?;
        }
        if let Some(reason) = &self.opt_out_exception {
            check_text(
                "the reason of the opt-out exception",
                reason,
                TEXT_CHARS_MAX,
            )?;
        }
        self.fee
            .iter()
            .try_for_each(|fee| check_text("the fee", fee, NAME_CHARS_MAX))
    }

    /// Distinct by key and by name: two names for one key are one node, and the other way round.
    fn validate_nodes(&self) -> Result<(), InvalidPermit> {
        let (mut keys, mut names) = (BTreeSet::new(), BTreeSet::new());
        for held in &self.datasets {
            if held.key == self.coordinator.key {
                return Err(InvalidPermit::CoordinatorHoldsData(held.node.clone()));
            }
            let new_key = keys.insert(held.key);
            if !names.insert(&held.node) || !new_key {
                return Err(InvalidPermit::NodeTwice(held.node.clone()));
            }
        }
        if keys.len() < NODES_MIN {
            Err(InvalidPermit::TooFewNodes(keys.len()))
        } else {
            Ok(())
        }
    }

    fn validate_dates(&self) -> Result<(), InvalidPermit> {
        if self.valid_until <= self.valid_from {
            return Err(InvalidPermit::Dates);
        }
        let latest = self
            .valid_from
            .to_zoned(TimeZone::UTC)
            .checked_add(YEARS_MAX.years());
        match latest {
            Ok(latest) if self.valid_until <= latest.timestamp() => Ok(()),
            _ => Err(InvalidPermit::TooLong),
        }
    }

    /// Validates and signs. `issuer` must be the key that the permit names as its issuer's.
    pub fn sign(self, issuer: &Identity) -> Result<SignedPermit, IssueError> {
        self.validate()?;
        if issuer.public() != self.issuer.key {
            return Err(InvalidPermit::Signer.into());
        }
        let jws = issuer.sign_jws(TYPE, &self)?;
        Ok(SignedPermit::new(jws, self))
    }

    /// The dataset of the node with this key.
    pub fn dataset_of(&self, node: &PublicKey) -> Option<&PermitDataset> {
        self.datasets.iter().find(|held| held.key == *node)
    }
}

fn check_text(what: &'static str, text: &str, chars_max: usize) -> Result<(), InvalidPermit> {
    let length = text.chars().count();
    let clean = !text.chars().any(|c| c.is_control() && c != '\n');
    if (1..=chars_max).contains(&length) && clean {
        Ok(())
    } else {
        Err(InvalidPermit::Text(what, chars_max))
    }
}

/// Why a permit was not issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    #[error("the permit cannot be issued: {0}")]
    Invalid(#[from] InvalidPermit),
    #[error("the permit cannot be signed: {0}")]
    Jws(#[from] JwsError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        denial::Denial,
        testing::{identity, permit},
    };

    #[track_caller]
    fn check(change: impl FnOnce(&mut Permit), expected: InvalidPermit) {
        let mut permit = permit();
        change(&mut permit);
        assert_eq!(
            permit.clone().sign(&identity(1)).unwrap_err(),
            IssueError::Invalid(expected.clone())
        );
        // A permit that another program signed all the same is refused on arrival.
        let jws = identity(1).sign_jws(TYPE, &permit).unwrap();
        assert_eq!(
            SignedPermit::read(&jws).unwrap_err(),
            Denial::InvalidPermit(expected)
        );
    }

    #[test]
    fn a_permit_survives_signing() {
        let signed = permit().sign(&identity(1)).unwrap();
        let read = SignedPermit::verify(signed.jws(), &[identity(1).public()]).unwrap();
        assert_eq!(read.permit(), &permit());
        assert_eq!(read.hash(), signed.hash());
        let file = format!("{}\n", signed.jws());
        assert_eq!(SignedPermit::read(&file).unwrap().hash(), signed.hash());
    }

    #[test]
    fn permits_that_no_node_could_honour_are_neither_issued_nor_accepted() {
        check(|p| p.version = 2, InvalidPermit::Version(2));
        check(|p| p.datasets.truncate(2), InvalidPermit::TooFewNodes(2));
        check(
            |p| p.datasets[2].key = p.datasets[0].key,
            InvalidPermit::NodeTwice(node("registry")),
        );
        check(
            |p| p.datasets[1].node = node("biobank"),
            InvalidPermit::NodeTwice(node("biobank")),
        );
        let hospital = InvalidPermit::CoordinatorHoldsData(node("hospital"));
        check(|p| p.coordinator.key = p.datasets[1].key, hospital);
        check(|p| p.methods.clear(), InvalidPermit::NoMethod);
        check(|p| p.variables.clear(), InvalidPermit::NoVariable);
        check(|p| p.valid_until = p.valid_from, InvalidPermit::Dates);
        check(
            |p| p.purpose_text.clear(),
            InvalidPermit::Text("the purpose's description", TEXT_CHARS_MAX),
        );
        check(
            |p| p.issuer.name = "a\tb".into(),
            InvalidPermit::Text("the issuer's name", NAME_CHARS_MAX),
        );
        check(
            |p| p.fee = Some(String::new()),
            InvalidPermit::Text("the fee", NAME_CHARS_MAX),
        );
    }

    fn node(name: &str) -> NodeName {
        NodeName::new(name).unwrap()
    }

    #[test]
    fn ten_years_to_the_moment() {
        let mut longest = permit();
        longest.valid_from = "2030-03-01T12:00:00Z".parse().unwrap();
        longest.valid_until = "2040-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(longest.validate(), Ok(()));
        check(
            |p| {
                (p.valid_from, p.valid_until) =
                    (longest.valid_from, "2040-03-01T12:00:01Z".parse().unwrap());
            },
            InvalidPermit::TooLong,
        );
        check(
            |p| (p.valid_from, p.valid_until) = (Timestamp::MAX - 1.second(), Timestamp::MAX),
            InvalidPermit::TooLong,
        );
    }

    #[test]
    fn only_the_issuer_named_may_sign() {
        assert_eq!(
            permit().sign(&identity(2)).unwrap_err(),
            InvalidPermit::Signer.into()
        );
        let jws = identity(2).sign_jws(TYPE, &permit()).unwrap();
        assert_eq!(
            SignedPermit::read(&jws).unwrap_err(),
            InvalidPermit::Signer.into()
        );
        let pinned = [identity(2).public()];
        let jws = permit().sign(&identity(1)).unwrap().jws().to_owned();
        assert_eq!(
            SignedPermit::verify(&jws, &pinned).unwrap_err(),
            Denial::UnknownIssuer(identity(1).public())
        );
    }

    #[test]
    fn unknown_fields_are_refused_and_optional_ones_may_be_absent() {
        let mut claims = serde_json::to_value(permit()).unwrap();
        for optional in ["authorised_persons", "output", "conditions"] {
            claims.as_object_mut().unwrap().remove(optional);
        }
        let jws = identity(1).sign_jws(TYPE, &claims).unwrap();
        assert!(SignedPermit::read(&jws).is_ok());
        claims["skip_gate"] = true.into();
        let jws = identity(1).sign_jws(TYPE, &claims).unwrap();
        assert!(matches!(
            SignedPermit::read(&jws),
            Err(Denial::PermitText(JwsError::Claims(_)))
        ));
    }
}
