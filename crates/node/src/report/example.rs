//! A small study for this module's tests.

use super::*;

pub(super) fn association(chromosome: u8, position: u32, neg_log10_p: f64) -> Association {
    Association {
        place: Place {
            chromosome,
            position,
            reference: "C".to_owned(),
            alternate: "T".to_owned(),
        },
        id: None,
        beta: 0.3,
        standard_error: 0.05,
        neg_log10_p,
        allele_frequency: 0.25,
        n: 2500,
        sites: 3,
        test: "linear".to_owned(),
        baseline: Some((0.29, 0.051)),
    }
}

pub(super) fn study() -> Trait {
    let mut rows: Vec<_> = (1..400)
        .map(|i| association(1, i * 10_000, -(f64::from(i) / 400.0).log10()))
        .collect();
    rows.push(Association {
        id: Some("rs9000003380".to_owned()),
        ..association(1, 50_000_000, 49.5649)
    });
    rows.push(association(2, 7_000_000, 8.5));
    rows.push(association(2, 90_000_000, 4.6));
    Trait {
        name: "ldl".to_owned(),
        method: Method::Linear,
        covariates: vec!["sex".to_owned(), "age".to_owned()],
        people: 2501,
        cases: None,
        sites_answered: 3,
        sites_asked: 3,
        associations: rows,
        suppressed: vec![("too few copies of the minor allele".to_owned(), 412)],
        lambda: 1.0042,
        identity: Some(Identity {
            compared: 402,
            different: 0,
            pooled_only: 37,
            federated_only: 0,
        }),
        planted: vec![
            Planted {
                place: association(1, 50_000_000, 0.0).place,
                effect: 0.4,
            },
            Planted {
                place: association(2, 90_000_000, 0.0).place,
                effect: -0.2,
            },
            Planted {
                place: association(3, 5, 0.0).place,
                effect: 0.1,
            },
        ],
        files: vec!["ldl.gwas.tsv.gz".to_owned()],
    }
}

pub(super) fn report() -> Report {
    Report {
        title: "Federated association study".to_owned(),
        status: Status::Inside {
            permit: "P-2026-1".to_owned(),
        },
        date: "2026-11-21".to_owned(),
        assembly: "GRCh38".to_owned(),
        traits: vec![study()],
        nodes: vec![Node {
            name: "nordbank".to_owned(),
            country: "SE".to_owned(),
            dataset: "cohort".to_owned(),
            snapshot: "0123456789ab".to_owned(),
            people: None,
            answered: true,
        }],
        thresholds: vec![("minor allele count".to_owned(), "20".to_owned())],
        provenance: vec![("permit".to_owned(), "P-2026-1".to_owned())],
    }
}
