//! How conditions of a gene are inherited: NHGRI's Clinical Genomic Database
//! (research.nhgri.nih.gov/CGD).

use std::path::Path;

use ligate_formats::{Problems, ReadError};

use super::table;

/// A mode that the database names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InheritanceMode {
    AutosomalDominant,
    AutosomalRecessive,
    XLinked,
    YLinked,
    Mitochondrial,
    Digenic,
    /// A blood group.
    BloodGroup,
    Multigenic,
    /// Named, but none of these.
    Other,
}

/// The modes of one gene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneInheritance {
    /// Symbol of the release.
    pub gene: Box<str>,
    pub hgnc_id: Option<u32>,
    pub entrez_id: Option<u32>,
    /// Each once, in order.
    pub modes: Vec<InheritanceMode>,
}

/// Reads the table.
pub fn read_inheritance(path: &Path) -> Result<(Vec<GeneInheritance>, Problems), ReadError> {
    let columns = |header: &table::Header| {
        let gene = header.find(&["gene"]).ok_or("GENE")?;
        let mode = header.find(&["inheritance"]).ok_or("INHERITANCE")?;
        Ok((
            gene,
            mode,
            header.find(&["hgnc id"]),
            header.find(&["entrez gene id"]),
        ))
    };
    table::read(path, columns, |(gene, mode, hgnc, entrez), fields| {
        Ok(GeneInheritance {
            gene: fields
                .get(Some(*gene))
                .ok_or("the line names no gene")?
                .into(),
            hgnc_id: fields.number(*hgnc),
            entrez_id: fields.number(*entrez),
            modes: modes(fields.get(Some(*mode)).unwrap_or_default()),
        })
    })
}

fn modes(text: &str) -> Vec<InheritanceMode> {
    // What stands in parentheses are remarks.
    let text = text.split('(').next().unwrap_or_default();
    let words = text
        .split(['/', ',', ';', ' '])
        .filter(|word| !word.is_empty());
    let mut modes: Vec<InheritanceMode> = words.map(mode).collect();
    modes.sort_unstable();
    modes.dedup();
    modes
}

fn mode(word: &str) -> InheritanceMode {
    match word.to_ascii_uppercase().as_str() {
        "AD" => InheritanceMode::AutosomalDominant,
        "AR" => InheritanceMode::AutosomalRecessive,
        "XL" | "XLD" | "XLR" => InheritanceMode::XLinked,
        "YL" => InheritanceMode::YLinked,
        "MT" | "MATERNAL" | "MI" => InheritanceMode::Mitochondrial,
        "DIGENIC" => InheritanceMode::Digenic,
        "BG" => InheritanceMode::BloodGroup,
        "MULTIGENIC" => InheritanceMode::Multigenic,
        _ => InheritanceMode::Other,
    }
}
