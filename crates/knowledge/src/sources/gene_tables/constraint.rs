//! gnomAD's constraint of genes (v2.1.1): how many variants of a kind are there of those expected.

use std::path::Path;

use ligate_formats::{Problems, ReadError};

use super::table;

/// Constraint of one gene, by its canonical transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// Symbol of the release (GRCh37).
    pub gene: Box<str>,
    pub transcript: Box<str>,
    pub gene_id: Box<str>,
    /// Bases of the coding sequence, the stop codon left out.
    pub coding_length: Option<u32>,
    /// Probability of being intolerant of losing one copy.
    pub pli: Option<f64>,
    /// Upper end of the 90% interval of observed over expected loss-of-function variants.
    pub loeuf: Option<f64>,
    pub missense_z: Option<f64>,
}

struct Columns {
    gene: usize,
    transcript: Option<usize>,
    gene_id: Option<usize>,
    coding_length: Option<usize>,
    pli: usize,
    loeuf: usize,
    missense_z: Option<usize>,
}

/// Reads the table.
pub fn read_constraint(path: &Path) -> Result<(Vec<Constraint>, Problems), ReadError> {
    let columns = |header: &table::Header| {
        Ok(Columns {
            gene: header.find(&["gene"]).ok_or("gene")?,
            transcript: header.find(&["transcript"]),
            gene_id: header.find(&["gene_id"]),
            coding_length: header.find(&["cds_length"]),
            pli: header.find(&["pli"]).ok_or("pLI")?,
            loeuf: header
                .find(&["oe_lof_upper", "loeuf"])
                .ok_or("oe_lof_upper")?,
            missense_z: header.find(&["mis_z"]),
        })
    };
    table::read(path, columns, |columns, fields| {
        let finite = |column: Option<usize>| {
            fields
                .number::<f64>(column)
                .filter(|value| value.is_finite())
        };
        Ok(Constraint {
            gene: fields
                .get(Some(columns.gene))
                .ok_or("the line names no gene")?
                .into(),
            transcript: fields.get(columns.transcript).unwrap_or_default().into(),
            gene_id: fields.get(columns.gene_id).unwrap_or_default().into(),
            coding_length: finite(columns.coding_length).map(|length| length as u32),
            pli: finite(Some(columns.pli)),
            loeuf: finite(Some(columns.loeuf)),
            missense_z: finite(columns.missense_z),
        })
    })
}
