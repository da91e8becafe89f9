//! HPO's links of genes and diseases, from `genes_to_phenotype.txt`. The file has a line for every
//! gene, disease and term; only the distinct pairs of gene and disease are kept.

use std::{collections::HashSet, path::Path};

use ligate_formats::{Problems, ReadError, text};
use ligate_model::DiseaseId;

/// A gene that causes a disease, or contributes to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GeneLink {
    /// NCBI Gene's id.
    pub entrez: u32,
    pub symbol: String,
    pub disease: DiseaseId,
}

/// Reads a file, plain or gzip: each pair once, in the file's order.
pub fn read(path: &Path) -> Result<(Vec<GeneLink>, Problems), ReadError> {
    parse(path, &text::read(path)?)
}

/// Reads a text; `path` is only for messages.
pub fn parse(path: &Path, text: &str) -> Result<(Vec<GeneLink>, Problems), ReadError> {
    const NAMES: [&str; 3] = ["ncbi_gene_id", "gene_symbol", "disease_id"];
    let mut lines = text::numbered_lines(text);
    let (line, header) = lines.next().unwrap_or((1, ""));
    let places = text::columns(path, line, header, NAMES)?;
    let (mut links, mut seen, mut problems) = (Vec::new(), HashSet::new(), Problems::default());
    for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        let Some(fields) = text::fields(text, &places) else {
            problems.push(path, line, "the row is too short; left out");
            continue;
        };
        // The text of a pair comes back in every row of its terms: parsed once.
        if !seen.insert(fields) {
            continue;
        }
        match link(fields) {
            Ok(link) => links.push(link),
            Err(message) => problems.push(path, line, message),
        }
    }
    Ok((links, problems))
}

fn link(fields: [&str; 3]) -> Result<GeneLink, &'static str> {
    let [entrez, symbol, disease] = fields;
    let entrez = entrez
        .trim_start_matches("NCBIGene:")
        .parse()
        .map_err(|_| "the gene id is no number; left out")?;
    let disease = disease
        .parse()
        .map_err(|_| "the disease id is of no known catalogue; left out")?;
    Ok(GeneLink {
        entrez,
        symbol: symbol.to_owned(),
        disease,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_is_kept_once() {
        let text = "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id\n\
            10\tNAT2\tHP:0000007\tx\t-\tOMIM:243400\n\
            10\tNAT2\tHP:0001939\ty\t-\tOMIM:243400\n\
            2263\tFGFR2\tHP:0001939\ty\t-\tORPHA:710\n\
            x\tFGFR2\tHP:0001939\ty\t-\tORPHA:710\n\
            2263\tFGFR2\n";
        let (links, problems) = parse(Path::new("g"), text).unwrap();
        let found: Vec<_> = links
            .iter()
            .map(|link| (link.entrez, link.symbol.as_str(), link.disease))
            .collect();
        assert_eq!(
            found,
            [
                (10, "NAT2", DiseaseId::Omim(243_400)),
                (2263, "FGFR2", DiseaseId::Orphanet(710))
            ]
        );
        let lines: Vec<u64> = problems.kept().iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [5, 6]);
    }
}
