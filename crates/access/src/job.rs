//! A job: one question under a permit, signed by the permit's data user. This module owns its
//! fields and refuses jobs that contradict themselves.

mod signed;

use std::collections::BTreeSet;

use jiff::Timestamp;
use ligate_model::{Digest, VariableName};
use serde::{Deserialize, Serialize};

use crate::{Identity, JwsError, permit::Method};

pub use signed::SignedJob;

/// The JWS type of a job.
pub const TYPE: &str = "ligate-job+jwt";
/// A bound on the work and on every message that follows.
pub const COVARIATES_MAX: usize = 64;

/// Whose rows take part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeopleRule {
    /// Everybody; missing values count as the value nearest to the mean. The same people in every
    /// job, so that no two results differ by the few who lack a value.
    #[default]
    Filled,
    /// People who have the trait and every covariate of the job.
    Complete,
    /// People who have every variable of the permit.
    AllVariables,
}

/// The claims of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The hash of the permit that allows it.
    pub permit: Digest,
    pub method: Method,
    #[serde(rename = "trait")]
    pub trait_name: VariableName,
    #[serde(default)]
    pub covariates: Vec<VariableName>,
    /// Logistic association: variants whose score p is below this also get a Wald estimate. From 0,
    /// for none, to 1.
    pub wald_below: f64,
    #[serde(default)]
    pub people: PeopleRule,
    /// When it was signed. Not part of the question: see [`SignedJob::question`].
    pub created: Timestamp,
}

/// A rule that a job breaks, whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJob {
    #[error("the variable {0} is named twice among trait and covariates")]
    VariableTwice(VariableName),
    #[error("it names {0} covariates; at most {COVARIATES_MAX} are allowed")]
    TooManyCovariates(usize),
    #[error("its p-value limit for Wald estimates is not between 0 and 1")]
    WaldBelow,
}

impl Job {
    pub fn validate(&self) -> Result<(), InvalidJob> {
        if self.covariates.len() > COVARIATES_MAX {
            return Err(InvalidJob::TooManyCovariates(self.covariates.len()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.variables().find(|name| !seen.insert(*name)) {
            return Err(InvalidJob::VariableTwice(twice.clone()));
        }
        let limit = self.wald_below;
        if (0.0..=1.0).contains(&limit) {
            Ok(())
        } else {
            Err(InvalidJob::WaldBelow)
        }
    }

    /// What is asked, whoever asks when and in which order: two jobs with the same question get the
    /// same answer.
    fn question(&self) -> Self {
        let mut covariates = self.covariates.clone();
        covariates.sort();
        let wald_below = if self.method == Method::GwasLogistic {
            self.wald_below
        } else {
            1.0
        };
        Self {
            created: Timestamp::UNIX_EPOCH,
            covariates,
            wald_below,
            ..self.clone()
        }
    }

    /// What is studied, under whichever permit and in whichever detail.
    pub fn study(&self) -> Digest {
        let question = Self {
            permit: Digest::from_bytes([0; 32]),
            wald_below: 1.0,
            ..self.question()
        };
        digest_of("ligate study", &question)
    }

    /// The detail in which a study is answered: in another one, it would be answered twice.
    pub fn detail(&self) -> Digest {
        Digest::of(
            "ligate study detail",
            &self.question().wald_below.to_bits().to_le_bytes(),
        )
    }

    /// The trait and the covariates.
    pub fn variables(&self) -> impl Iterator<Item = &VariableName> {
        std::iter::once(&self.trait_name).chain(&self.covariates)
    }

    /// Validates and signs with the data user's key.
    pub fn sign(self, data_user: &Identity) -> Result<SignedJob, JobError> {
        self.validate()?;
        let jws = data_user.sign_jws(TYPE, &self)?;
        SignedJob::new(jws, self, data_user.public()).map_err(JobError::Jws)
    }
}

/// A job of numbers and names always has a form as text.
fn digest_of(purpose: &str, job: &Job) -> Digest {
    Digest::of(purpose, &serde_json::to_vec(job).unwrap_or_default())
}

/// Why a job was not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error("the job cannot be signed: {0}")]
    Invalid(#[from] InvalidJob),
    #[error("the job cannot be signed: {0}")]
    Jws(#[from] JwsError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        denial::Denial,
        testing::{identity, job, variable},
    };

    #[track_caller]
    fn check(change: impl FnOnce(&mut Job), expected: InvalidJob) {
        let mut job = job(Digest::of("test", b""));
        change(&mut job);
        assert_eq!(
            job.clone().sign(&identity(3)).unwrap_err(),
            JobError::Invalid(expected.clone())
        );
        let jws = identity(3).sign_jws(TYPE, &job).unwrap();
        assert_eq!(
            SignedJob::read(&jws).unwrap_err(),
            Denial::InvalidJob(expected)
        );
    }

    #[test]
    fn contradictory_jobs_are_neither_signed_nor_accepted() {
        check(
            |j| j.covariates.push(variable("age")),
            InvalidJob::VariableTwice(variable("age")),
        );
        check(
            |j| j.covariates.push(variable("ldl")),
            InvalidJob::VariableTwice(variable("ldl")),
        );
        check(|j| j.wald_below = -0.1, InvalidJob::WaldBelow);
        check(|j| j.wald_below = 1.5, InvalidJob::WaldBelow);
        let many: Vec<_> = (0..257).map(|i| variable(&format!("v{i}"))).collect();
        check(|j| j.covariates = many, InvalidJob::TooManyCovariates(257));
    }

    #[test]
    fn a_number_that_json_cannot_hold_is_refused() {
        let mut job = job(Digest::of("test", b""));
        job.wald_below = f64::NAN;
        assert_eq!(
            job.sign(&identity(3)).unwrap_err(),
            InvalidJob::WaldBelow.into()
        );
    }

    #[test]
    fn the_question_does_not_depend_on_the_hour() {
        let first = job(Digest::of("test", b"")).sign(&identity(3)).unwrap();
        let mut later = job(Digest::of("test", b""));
        later.created = "2031-06-02T00:00:00Z".parse().unwrap();
        let later = later.sign(&identity(3)).unwrap();
        assert_eq!(first.question(), later.question());
        assert_ne!(first.hash(), later.hash());
        let mut other = job(Digest::of("test", b""));
        other.people = PeopleRule::AllVariables;
        assert_ne!(
            other.sign(&identity(3)).unwrap().question(),
            first.question()
        );
        assert_eq!(
            SignedJob::read(first.jws()).unwrap().question(),
            first.question()
        );
    }
}
