//! A node's own decision on a job, before it computes anything: is the permit genuine, in force and
//! not revoked, does it cover the job, does the node's steward veto it. This module owns the
//! decision; the reasons to refuse are in [`Denial`].
//!
//! The data themselves (does a variable exist, are there enough people) are for the analysis and
//! the gate.

use jiff::Timestamp;
use ligate_model::{DatasetId, Digest, Purpose, VariableName};
use serde::{Deserialize, Serialize};

pub use crate::denial::Denial;
use crate::{
    PublicKey,
    job::{Job, SignedJob},
    permit::{Method, Permit, PermitId, SignedPermit},
    revocation::Revocations,
};

/// What a node's configuration says about who may ask. Nothing is trusted unless it is listed.
#[derive(Clone, Debug)]
pub struct NodeRules {
    /// The node's own key.
    pub node: PublicKey,
    /// The datasets that the node holds.
    pub datasets: Vec<DatasetId>,
    /// Health data access bodies whose permits count.
    pub issuers: Vec<PublicKey>,
    /// Coordinators that may open sums.
    pub coordinators: Vec<PublicKey>,
    /// Which permits the issuers have taken back, as far as this node knows.
    pub revocations: Revocations,
    pub veto: Veto,
}

/// What the node's steward refuses, permit or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Veto {
    pub datasets: Vec<DatasetId>,
    pub data_users: Vec<PublicKey>,
    pub permits: Vec<PermitId>,
    pub purposes: Vec<Purpose>,
    pub methods: Vec<Method>,
    pub variables: Vec<VariableName>,
}

/// Proof that a job passed [`check`] at this node. It carries the permit and the job that were
/// checked, so that nothing else can be run in their place.
///
/// ```compile_fail,E0451
/// fn forge(other: ligate_access::policy::Approval) -> ligate_access::policy::Approval {
///     ligate_access::policy::Approval { dataset: "d".parse().unwrap(), ..other }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Approval {
    permit: SignedPermit,
    job: SignedJob,
    dataset: DatasetId,
}

impl Approval {
    pub fn permit(&self) -> &Permit {
        self.permit.permit()
    }

    pub fn permit_hash(&self) -> Digest {
        self.permit.hash()
    }

    /// The same decision once more, by the rules as they are now.
    pub fn recheck(
        &self,
        rules: &NodeRules,
        coordinator: PublicKey,
        now: Timestamp,
    ) -> Result<(), Denial> {
        check(&self.permit, &self.job, rules, coordinator, now).map(drop)
    }

    pub fn job(&self) -> &Job {
        self.job.job()
    }

    pub fn signed_job(&self) -> &SignedJob {
        &self.job
    }

    /// The node's own dataset that the permit names.
    pub fn dataset(&self) -> &DatasetId {
        &self.dataset
    }

    /// To be asked before every sum: a permit that expires during a run ends it.
    pub fn still_valid(&self, now: Timestamp) -> Result<(), Denial> {
        self.permit.check_dates(now)
    }
}

/// Decides on a job. `coordinator` is the key of the peer that asks, as authenticated by TLS.
pub fn check(
    permit: &SignedPermit,
    job: &SignedJob,
    rules: &NodeRules,
    coordinator: PublicKey,
    now: Timestamp,
) -> Result<Approval, Denial> {
    let dataset = check_permit(permit, rules, coordinator, now)?;
    check_job(permit, job)?;
    check_job_veto(job.job(), &rules.veto)?;
    Ok(Approval {
        permit: permit.clone(),
        job: job.clone(),
        dataset,
    })
}

/// The part of [`check`] that needs no job: may this coordinator ask anything under this permit,
/// and of which dataset.
pub fn check_permit(
    permit: &SignedPermit,
    rules: &NodeRules,
    coordinator: PublicKey,
    now: Timestamp,
) -> Result<DatasetId, Denial> {
    let claims = permit.permit();
    claims.validate()?;
    permit.check_issuer(&rules.issuers)?;
    check_coordinator(claims, rules, coordinator)?;
    permit.check_dates(now)?;
    rules.revocations.check(permit, now)?;
    let dataset = check_dataset(claims, rules)?;
    check_permit_veto(claims, &dataset, &rules.veto)?;
    Ok(dataset)
}

fn check_coordinator(permit: &Permit, rules: &NodeRules, peer: PublicKey) -> Result<(), Denial> {
    if !rules.coordinators.contains(&peer) {
        return Err(Denial::UnknownCoordinator(peer));
    }
    if permit.coordinator.key != peer {
        Err(Denial::OtherCoordinator(peer))
    } else {
        Ok(())
    }
}

fn check_dataset(permit: &Permit, rules: &NodeRules) -> Result<DatasetId, Denial> {
    let dataset = &permit
        .dataset_of(&rules.node)
        .ok_or(Denial::OtherNode)?
        .dataset;
    if rules.datasets.contains(dataset) {
        Ok(dataset.clone())
    } else {
        Err(Denial::UnknownDataset(dataset.clone()))
    }
}

fn check_job(permit: &SignedPermit, job: &SignedJob) -> Result<(), Denial> {
    let (claims, asked) = (permit.permit(), job.job());
    asked.validate()?;
    if job.signer() != claims.data_user.key {
        return Err(Denial::OtherDataUser);
    }
    if asked.permit != permit.hash() {
        return Err(Denial::OtherPermit);
    }
    if !claims.methods.contains(&asked.method) {
        return Err(Denial::Method(asked.method));
    }
    match asked
        .variables()
        .find(|name| !claims.variables.contains(name))
    {
        Some(name) => Err(Denial::Variable(name.clone())),
        None => Ok(()),
    }
}

fn check_permit_veto(permit: &Permit, dataset: &DatasetId, veto: &Veto) -> Result<(), Denial> {
    if veto.datasets.contains(dataset) {
        return Err(Denial::VetoedDataset(dataset.clone()));
    }
    if veto.data_users.contains(&permit.data_user.key) {
        return Err(Denial::VetoedDataUser);
    }
    if veto.permits.contains(&permit.id) {
        return Err(Denial::VetoedPermit(permit.id.clone()));
    }
    if veto.purposes.contains(&permit.purpose) {
        return Err(Denial::VetoedPurpose(permit.purpose));
    }
    Ok(())
}

fn check_job_veto(job: &Job, veto: &Veto) -> Result<(), Denial> {
    if veto.methods.contains(&job.method) {
        return Err(Denial::VetoedMethod(job.method));
    }
    match job.variables().find(|name| veto.variables.contains(name)) {
        Some(name) => Err(Denial::VetoedVariable(name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        Identity, JwsError,
        revocation::{Revocation, RevocationList},
        testing::{identity, job, permit, variable},
    };

    const NOW: &str = "2031-06-01T00:00:00Z";

    /// A permit, a job and a node's rules that fit together; each test breaks one thing.
    struct Case {
        permit: Permit,
        issuer: Identity,
        job: Job,
        data_user: Identity,
        rules: NodeRules,
        coordinator: PublicKey,
        now: Timestamp,
    }

    fn case() -> Case {
        Case {
            permit: permit(),
            issuer: identity(1),
            job: job(Digest::of("replaced", b"")),
            data_user: identity(3),
            rules: NodeRules {
                node: identity(12).public(),
                datasets: vec!["t2d".parse().unwrap(), "other".parse().unwrap()],
                issuers: vec![identity(1).public()],
                coordinators: vec![identity(2).public(), identity(7).public()],
                revocations: nothing_revoked(),
                veto: Veto::default(),
            },
            coordinator: identity(2).public(),
            now: NOW.parse().unwrap(),
        }
    }

    /// What the issuer's list says shortly before [`NOW`].
    fn nothing_revoked() -> Revocations {
        known(RevocationList::empty(
            identity(1).public(),
            "2031-05-31T23:00:00Z".parse().unwrap(),
        ))
    }

    fn known(list: RevocationList) -> Revocations {
        Revocations {
            lists: vec![list.sign(&identity(1)).unwrap()],
            stale_after: SignedDuration::from_hours(24),
        }
    }

    fn decide(case: Case) -> Result<Approval, Denial> {
        let permit = case.permit.sign(&case.issuer).unwrap();
        let job = Job {
            permit: permit.hash(),
            ..case.job
        }
        .sign(&case.data_user)
        .unwrap();
        check(&permit, &job, &case.rules, case.coordinator, case.now)
    }

    #[track_caller]
    fn refuses(change: impl FnOnce(&mut Case), expected: Denial) {
        let mut case = case();
        change(&mut case);
        assert_eq!(decide(case).unwrap_err(), expected);
    }

    #[test]
    fn what_fits_together_is_approved() {
        let approval = decide(case()).unwrap();
        assert_eq!(approval.dataset().as_str(), "t2d");
        assert_eq!(approval.job().trait_name, variable("ldl"));
        assert_eq!(approval.permit(), &permit());
        assert_eq!(approval.job().permit, approval.permit_hash());
    }

    #[test]
    fn issuer_and_coordinator_must_be_pinned() {
        refuses(
            |c| c.rules.issuers.clear(),
            Denial::UnknownIssuer(identity(1).public()),
        );
        refuses(
            |c| c.rules.issuers = vec![identity(2).public()],
            Denial::UnknownIssuer(identity(1).public()),
        );
        refuses(
            |c| c.rules.coordinators.clear(),
            Denial::UnknownCoordinator(identity(2).public()),
        );
        // Trusted, but not the permit's.
        refuses(
            |c| c.coordinator = identity(7).public(),
            Denial::OtherCoordinator(identity(7).public()),
        );
        // The permit's, but not trusted.
        refuses(
            |c| {
                (c.coordinator, c.permit.coordinator.key) =
                    (identity(8).public(), identity(8).public())
            },
            Denial::UnknownCoordinator(identity(8).public()),
        );
    }

    #[test]
    fn dates_hold_at_the_start_and_during_the_run() {
        let (from, until) = (permit().valid_from, permit().valid_until);
        let tick = std::time::Duration::from_nanos(1);
        refuses(|c| c.now = from - tick, Denial::NotYetValid(from));
        refuses(|c| c.now = until, Denial::Expired(until));
        let mut first = case();
        first.now = from;
        let approval = decide(first).unwrap();
        assert_eq!(approval.still_valid(until - tick), Ok(()));
        assert_eq!(
            permit().sign(&identity(1)).unwrap().check_dates(until),
            Err(Denial::Expired(until))
        );
        assert_eq!(approval.still_valid(until), Err(Denial::Expired(until)));
    }

    #[test]
    fn a_revoked_permit_is_refused_with_date_issuer_and_reason() {
        let revoked: Timestamp = "2031-05-31T12:00:00Z".parse().unwrap();
        let signed = permit().sign(&identity(1)).unwrap();
        let revocation = Revocation {
            id: permit().id,
            permit: signed.hash(),
            revoked,
            reason: "used for another purpose".into(),
        };
        let list = RevocationList::empty(identity(1).public(), revoked)
            .with(revocation, revoked)
            .unwrap();
        let denial = Denial::Revoked {
            id: permit().id,
            revoked,
            issuer: "Access Body".into(),
            reason: "used for another purpose".into(),
        };
        let said = denial.to_string();
        assert!(
            said.contains("was revoked on 2031-05-31T12:00:00Z by Access Body: used for"),
            "{said}"
        );
        refuses(
            |c| c.rules.revocations = known(list.clone()),
            denial.clone(),
        );
        // Approved before the list came: refused from then on.
        let approval = decide(case()).unwrap();
        let rules = NodeRules {
            revocations: known(list),
            ..case().rules
        };
        let rechecked = approval.recheck(&rules, identity(2).public(), NOW.parse().unwrap());
        assert_eq!(rechecked.unwrap_err(), denial);
    }

    #[test]
    fn without_a_fresh_list_of_the_issuer_nothing_is_answered() {
        let issuer = || "Access Body".to_owned();
        refuses(
            |c| c.rules.revocations.lists.clear(),
            Denial::NoRevocations { issuer: issuer() },
        );
        let issued: Timestamp = "2031-05-31T23:00:00Z".parse().unwrap();
        refuses(
            |c| c.rules.revocations.stale_after = SignedDuration::from_mins(59),
            Denial::StaleRevocations {
                issuer: issuer(),
                issued,
            },
        );
        let mut just_fresh = case();
        just_fresh.rules.revocations.stale_after = SignedDuration::from_mins(60);
        assert!(decide(just_fresh).is_ok());
    }

    #[test]
    fn the_permit_must_name_this_node_and_a_dataset_it_holds() {
        refuses(|c| c.rules.node = identity(9).public(), Denial::OtherNode);
        refuses(
            |c| c.rules.datasets.truncate(0),
            Denial::UnknownDataset("t2d".parse().unwrap()),
        );
    }

    #[test]
    fn the_job_must_be_the_data_users_and_within_the_permit() {
        refuses(|c| c.data_user = identity(4), Denial::OtherDataUser);
        refuses(|c| c.data_user = identity(1), Denial::OtherDataUser);
        refuses(
            |c| c.permit.methods = vec![Method::GwasLogistic],
            Denial::Method(Method::GwasLinear),
        );
        refuses(
            |c| c.job.trait_name = variable("hba1c"),
            Denial::Variable(variable("hba1c")),
        );
        refuses(
            |c| c.job.covariates.push(variable("income")),
            Denial::Variable(variable("income")),
        );
    }

    #[test]
    fn a_job_of_another_permit_is_refused() {
        let case = case();
        let permit = case.permit.sign(&case.issuer).unwrap();
        let job = job(Digest::of("another permit", b""))
            .sign(&case.data_user)
            .unwrap();
        let denial = check(&permit, &job, &case.rules, case.coordinator, case.now).unwrap_err();
        assert_eq!(denial, Denial::OtherPermit);
    }

    #[test]
    fn the_steward_may_veto() {
        refuses(
            |c| c.rules.veto.datasets = vec!["t2d".parse().unwrap()],
            Denial::VetoedDataset("t2d".parse().unwrap()),
        );
        refuses(
            |c| c.rules.veto.data_users = vec![identity(3).public()],
            Denial::VetoedDataUser,
        );
        refuses(
            |c| c.rules.veto.permits = vec![permit().id],
            Denial::VetoedPermit(permit().id),
        );
        refuses(
            |c| c.rules.veto.purposes = vec![Purpose::Research],
            Denial::VetoedPurpose(Purpose::Research),
        );
        refuses(
            |c| c.rules.veto.methods = vec![Method::GwasLinear],
            Denial::VetoedMethod(Method::GwasLinear),
        );
        for vetoed in ["ldl", "age"] {
            let vetoed = variable(vetoed);
            refuses(
                |c| c.rules.veto.variables = vec![vetoed.clone()],
                Denial::VetoedVariable(vetoed.clone()),
            );
        }
    }

    #[test]
    fn a_veto_of_something_else_changes_nothing() {
        let mut case = case();
        case.rules.veto = Veto {
            datasets: vec!["other".parse().unwrap()],
            data_users: vec![identity(4).public()],
            permits: vec![PermitId::new("other").unwrap()],
            purposes: vec![Purpose::Statistics],
            methods: vec![Method::GwasLogistic],
            variables: vec![variable("bmi")],
        };
        assert!(decide(case).is_ok());
    }

    #[test]
    fn forged_texts_are_refused() {
        let permit_text = permit().sign(&identity(1)).unwrap().jws().to_owned();
        let job_text = job(Digest::of("x", b""))
            .sign(&identity(3))
            .unwrap()
            .jws()
            .to_owned();
        // Another signature under the same claims.
        let forged = |text: &str| format!("{}AAAA", &text[..text.len() - 4]);
        assert_eq!(
            SignedPermit::read(&forged(&permit_text)).unwrap_err(),
            Denial::PermitText(JwsError::Signature)
        );
        assert_eq!(
            SignedJob::read(&forged(&job_text)).unwrap_err(),
            Denial::JobText(JwsError::Signature)
        );
        // A job is no permit and a permit is no job.
        assert!(matches!(
            SignedPermit::read(&job_text),
            Err(Denial::PermitText(JwsError::Type { .. }))
        ));
        assert!(matches!(
            SignedJob::read(&permit_text),
            Err(Denial::JobText(JwsError::Type { .. }))
        ));
    }
}
