//! What genes are called: symbols, previous symbols and aliases in one sorted list, ids in others.
//! A name that several genes have had leads to none.

use std::collections::BTreeMap;

use super::{Gene, GeneIndex};
use crate::{ontology::Words, sources::gene_tables::HgncGene};

/// Lookup of genes by name and id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct GeneNames {
    /// In upper case, ascending.
    names: Words,
    /// The gene of each name.
    genes: Vec<GeneIndex>,
    hgnc: Vec<(u32, GeneIndex)>,
    entrez: Vec<(u32, GeneIndex)>,
    ensembl: Vec<(u64, GeneIndex)>,
}

/// How a gene has a name; the better kind wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameKind {
    Symbol,
    Previous,
    Alias,
}

/// Names on their way into the list.
#[derive(Debug, Default)]
pub(super) struct NameList {
    names: BTreeMap<String, (NameKind, Option<GeneIndex>)>,
}

impl NameList {
    /// Adds a name; equal names of one kind lead to no gene, unless it is the same gene.
    pub(super) fn add(&mut self, name: &str, kind: NameKind, gene: GeneIndex) {
        let found = self
            .names
            .entry(name.to_uppercase())
            .or_insert((kind, Some(gene)));
        if kind < found.0 {
            *found = (kind, Some(gene));
        } else if kind == found.0 && found.1 != Some(gene) {
            found.1 = None;
        }
    }

    /// The gene of this name, so far.
    pub(super) fn find(&self, name: &str) -> Option<GeneIndex> {
        self.names
            .get(&name.to_uppercase())
            .and_then(|(_, gene)| *gene)
    }

    /// The names that lead to one gene, which `place` puts in its final place; `None` leaves it
    /// out.
    pub(super) fn finish(
        self,
        place: impl Fn(GeneIndex) -> Option<GeneIndex>,
    ) -> (Words, Vec<GeneIndex>) {
        let named = self
            .names
            .into_iter()
            .filter_map(|(name, (_, gene))| Some((name, place(gene?)?)));
        let (names, genes): (Vec<String>, Vec<GeneIndex>) = named.unzip();
        (names.into_iter().collect(), genes)
    }
}

impl GeneNames {
    /// `names` ascending, `named` as long; ids are those of the genes.
    pub(super) fn of(names: Words, named: Vec<GeneIndex>, genes: &[Gene]) -> Self {
        fn ids<T: Ord + Copy>(
            genes: &[Gene],
            id: impl Fn(&Gene) -> Option<T>,
        ) -> Vec<(T, GeneIndex)> {
            let indexed = (0..).map(GeneIndex).zip(genes);
            let mut ids: Vec<_> = indexed
                .filter_map(|(index, gene)| Some((id(gene)?, index)))
                .collect();
            ids.sort_unstable();
            ids
        }
        let hgnc = ids(genes, |gene| gene.hgnc);
        let entrez = ids(genes, |gene| gene.entrez);
        let ensembl = ids(genes, |gene| gene.ensembl);
        Self {
            names,
            genes: named,
            hgnc,
            entrez,
            ensembl,
        }
    }

    pub(super) fn names(&self) -> (&Words, &[GeneIndex]) {
        (&self.names, &self.genes)
    }

    /// HGNC's records as far as they are kept: every name but the symbol as a previous one.
    pub(super) fn records(&self, genes: &[Gene]) -> Vec<HgncGene> {
        let mut records: Vec<HgncGene> = genes.iter().map(record).collect();
        for (name, gene) in self.names.iter().zip(&self.genes) {
            let record = &mut records[gene.index()];
            if record.symbol.to_uppercase() != name {
                record.previous_symbols.push(name.into());
            }
        }
        records.retain(|record| record.hgnc_id != 0);
        records
    }

    pub(super) fn find(&self, text: &str) -> Option<GeneIndex> {
        let text = text.trim();
        self.by_id(text).or_else(|| self.by_name(text))
    }

    fn by_id(&self, text: &str) -> Option<GeneIndex> {
        if let Some(number) = ensembl_number(text) {
            return lookup(&self.ensembl, number);
        }
        let Some((prefix, number)) = text.split_once(':') else {
            return text
                .parse()
                .ok()
                .and_then(|number| lookup(&self.entrez, number));
        };
        // VEP writes HGNC ids as `HGNC:HGNC:5`.
        let number = number.strip_prefix("HGNC:").unwrap_or(number).trim();
        match prefix.to_ascii_uppercase().as_str() {
            "HGNC" => number.parse().ok().and_then(|number| self.by_hgnc(number)),
            "NCBIGENE" | "ENTREZ" | "GENEID" => number
                .parse()
                .ok()
                .and_then(|number| lookup(&self.entrez, number)),
            "ENSEMBL" => ensembl_number(number).and_then(|number| lookup(&self.ensembl, number)),
            _ => None,
        }
    }

    pub(super) fn by_hgnc(&self, number: u32) -> Option<GeneIndex> {
        lookup(&self.hgnc, number)
    }

    fn by_name(&self, text: &str) -> Option<GeneIndex> {
        let name = text.to_uppercase();
        let (mut low, mut high) = (0, self.names.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.names.get(middle).cmp(name.as_str()) {
                std::cmp::Ordering::Equal => return self.genes.get(middle).copied(),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

fn record(gene: &Gene) -> HgncGene {
    HgncGene {
        hgnc_id: gene.hgnc.unwrap_or_default(),
        symbol: gene.symbol.as_str().into(),
        name: "".into(),
        locus_group: if gene.protein_coding {
            "protein-coding gene"
        } else {
            "other"
        }
        .into(),
        location: "".into(),
        is_approved: true,
        aliases: Vec::new(),
        previous_symbols: Vec::new(),
        ensembl_id: gene
            .ensembl
            .map(|number| format!("ENSG{number:011}").into()),
        entrez_id: gene.entrez,
        omim_ids: Vec::new(),
        mane_select: Vec::new(),
    }
}

fn lookup<T: Ord + Copy>(ids: &[(T, GeneIndex)], id: T) -> Option<GeneIndex> {
    let place = ids.partition_point(|(found, _)| *found < id);
    ids.get(place)
        .filter(|(found, _)| *found == id)
        .map(|(_, gene)| *gene)
}

/// The number behind ENSG, its version left out.
pub(super) fn ensembl_number(text: &str) -> Option<u64> {
    let digits = text
        .strip_prefix("ENSG")
        .or_else(|| text.strip_prefix("ensg"))?;
    let digits = digits.split('.').next().unwrap_or_default();
    let sound = !digits.is_empty()
        && digits.len() <= 15
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if sound { digits.parse().ok() } else { None }
}
