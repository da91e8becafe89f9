//! Places of genes: `homo-sapiens-genes.tsv.gz` of npm's ideogram (Ensembl 110, GRCh38), columns
//! chr, start, length, slim_id, symbol, description. `start` counts from 1, and `length` is end
//! less start.

use std::path::Path;

use ligate_formats::{Problems, ReadError, consequence, text::Lines};
use ligate_model::{Contig, Position};

use super::{Interval, table::Fields};

/// A gene's place on GRCh38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gene {
    pub contig: Contig,
    pub place: Interval,
    /// `ENSG00000130234`
    pub ensembl_id: Box<str>,
    pub symbol: Box<str>,
    pub name: Box<str>,
}

/// Reads the table of genes, in its order. A symbol can stand there more than once.
pub fn read_genes(path: &Path) -> Result<(Vec<Gene>, Problems), ReadError> {
    let (mut genes, mut problems) = (Vec::new(), Problems::default());
    let mut prefix = String::from("ENSG");
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next_line()? {
        if let Some(text) = line.text.strip_prefix("## prefix:") {
            text.trim().clone_into(&mut prefix);
        }
        if line.text.is_empty() || line.text.starts_with('#') {
            continue;
        }
        match gene(&Fields(line.text.split('\t').collect()), &prefix) {
            Some(gene) => genes.push(gene),
            None => problems.push(path, line.number, "this is no line of the table of genes"),
        }
    }
    if genes.is_empty() {
        return Err(ReadError::malformed(
            path,
            1,
            "there is no gene in this file; give ideogram's table of genes",
        ));
    }
    Ok((genes, problems))
}

fn gene(fields: &Fields<'_>, prefix: &str) -> Option<Gene> {
    let start: u32 = fields.number(Some(1)).filter(|start| *start > 0)?;
    let end = start.checked_add(fields.number(Some(2))?)?;
    // Leading zeros of the id are left out in the file: ids have eleven digits.
    let number: u64 = fields.number(Some(3))?;
    Some(Gene {
        contig: Contig::new(fields.get(Some(0))?),
        place: Interval {
            start: Position::new(start),
            end: Position::new(end),
        },
        ensembl_id: format!("{prefix}{number:011}").into(),
        symbol: fields.get(Some(4))?.into(),
        name: fields
            .get(Some(5))
            .and_then(consequence::percent_decoded)
            .unwrap_or_default()
            .into(),
    })
}
