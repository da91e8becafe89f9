//! Names of genes: HGNC's `hgnc_complete_set.txt` (genenames.org).

use std::path::Path;

use ligate_formats::{Problems, ReadError};

use super::table;

/// One gene as HGNC names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HgncGene {
    /// 5 of HGNC:5.
    pub hgnc_id: u32,
    pub symbol: Box<str>,
    pub name: Box<str>,
    /// "protein-coding gene", "non-coding RNA", "pseudogene", "other".
    pub locus_group: Box<str>,
    /// Cytogenetic, 19q13.43.
    pub location: Box<str>,
    /// False for entries that were withdrawn.
    pub is_approved: bool,
    pub aliases: Vec<Box<str>>,
    pub previous_symbols: Vec<Box<str>>,
    pub ensembl_id: Option<Box<str>>,
    pub entrez_id: Option<u32>,
    pub omim_ids: Vec<Box<str>>,
    /// Ensembl's and RefSeq's transcript, with versions.
    pub mane_select: Vec<Box<str>>,
}

/// Reads the table.
pub fn read_hgnc(path: &Path) -> Result<(Vec<HgncGene>, Problems), ReadError> {
    let columns = |header: &table::Header| {
        let id = header.find(&["hgnc_id"]).ok_or("hgnc_id")?;
        let symbol = header.find(&["symbol"]).ok_or("symbol")?;
        let others = [
            "name",
            "locus_group",
            "location",
            "status",
            "alias_symbol",
            "prev_symbol",
            "ensembl_gene_id",
            "entrez_id",
            "omim_id",
            "mane_select",
        ];
        Ok((id, symbol, others.map(|name| header.find(&[name]))))
    };
    table::read(path, columns, |(id, symbol, others), fields| {
        let [
            name,
            group,
            location,
            status,
            alias,
            previous,
            ensembl,
            entrez,
            omim,
            mane,
        ] = *others;
        let text = |column: Option<usize>| fields.get(column).unwrap_or_default().into();
        let id = fields
            .get(Some(*id))
            .map(|id| id.trim_start_matches("HGNC:"));
        Ok(HgncGene {
            hgnc_id: id
                .and_then(|id| id.parse().ok())
                .ok_or("the HGNC id is no number")?,
            symbol: fields
                .get(Some(*symbol))
                .ok_or("the line has no symbol")?
                .into(),
            name: text(name),
            locus_group: text(group),
            location: text(location),
            is_approved: fields.get(status).is_none_or(|status| status == "Approved"),
            aliases: fields.list(alias),
            previous_symbols: fields.list(previous),
            ensembl_id: fields.get(ensembl).map(Into::into),
            entrez_id: fields.number(entrez),
            omim_ids: fields.list(omim),
            mane_select: fields.list(mane),
        })
    })
}
