//! The small invented release of tests/fixtures/mini, for tests.

use std::path::{Path, PathBuf};

use crate::{
    facts::{Knowledge, Notes, Sources},
    sources::{gene_links, gene_tables, hpoa, mondo, obo},
};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/mini")
        .join(name)
}

/// Its records: one row has an impossible frequency, everything else is read.
pub fn sources() -> Sources {
    let (annotations, problems) = hpoa::read(&path("phenotype.hpoa")).expect("phenotype.hpoa");
    assert_eq!(problems.total(), 1);
    Sources {
        ontology: obo::read(&path("hp.obo")).expect("hp.obo").0,
        annotations,
        mondo: mondo::read(&path("mondo.sssom.tsv"))
            .expect("mondo.sssom.tsv")
            .0,
        gene_links: gene_links::read(&path("genes_to_phenotype.txt"))
            .expect("genes_to_phenotype.txt")
            .0,
        hgnc: gene_tables::read_hgnc(&path("hgnc_complete_set.txt"))
            .expect("hgnc_complete_set.txt")
            .0,
        ..Sources::default()
    }
}

/// What is built of it.
pub fn built() -> (Knowledge, Notes) {
    Knowledge::build(&sources()).expect("the fixture is sound")
}

/// The knowledge alone.
pub fn knowledge() -> Knowledge {
    built().0
}
