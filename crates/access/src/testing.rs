//! What this crate's tests share: keys from seeds, a permit and a job that fit together.

use ligate_model::{Digest, Purpose, VariableName};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::{
    Identity,
    job::{Job, PeopleRule},
    permit::{ExportRules, Method, OutputRules, Party, Permit, PermitDataset, PermitId, VERSION},
};

pub fn identity(seed: u64) -> Identity {
    Identity::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

pub fn variable(name: &str) -> VariableName {
    VariableName::new(name).unwrap()
}

fn party(name: &str, seed: u64) -> Party {
    Party {
        name: name.into(),
        key: identity(seed).public(),
    }
}

fn dataset(node: &str, seed: u64, country: &str) -> PermitDataset {
    PermitDataset {
        node: node.parse().unwrap(),
        key: identity(seed).public(),
        country: country.parse().unwrap(),
        dataset: "t2d".parse().unwrap(),
    }
}

/// Issuer 1, coordinator 2, data user 3; the nodes 11, 12 and 13.
pub fn permit() -> Permit {
    Permit {
        version: VERSION,
        id: PermitId::new("SE-2031-0017").unwrap(),
        issuer: party("Access Body", 1),
        data_user: party("Institute", 3),
        authorised_persons: vec!["A. Investigator".into()],
        coordinator: party("Environment", 2),
        purpose: Purpose::Research,
        purpose_text: "Genetics of LDL cholesterol".into(),
        datasets: vec![
            dataset("biobank", 11, "SE"),
            dataset("hospital", 12, "FI"),
            dataset("registry", 13, "EE"),
        ],
        pseudonymised: true,
        opt_out_exception: None,
        methods: vec![Method::GwasLinear],
        variables: ["ldl", "age", "sex", "bmi"].map(variable).to_vec(),
        output: OutputRules::default(),
        export: ExportRules::default(),
        fee: None,
        conditions: vec!["Publish within 18 months".into()],
        issued: "2030-12-01T00:00:00Z".parse().unwrap(),
        valid_from: "2031-01-01T00:00:00Z".parse().unwrap(),
        valid_until: "2032-01-01T00:00:00Z".parse().unwrap(),
    }
}

pub fn job(permit: Digest) -> Job {
    Job {
        permit,
        method: Method::GwasLinear,
        trait_name: variable("ldl"),
        covariates: vec![variable("sex"), variable("age")],
        wald_below: 1e-3,
        people: PeopleRule::Complete,
        created: "2031-06-01T00:00:00Z".parse().unwrap(),
    }
}
