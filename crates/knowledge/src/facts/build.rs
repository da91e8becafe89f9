//! From the releases' records to knowledge: rows gathered by disease class, genes resolved and
//! linked, inheritance and onset summed up.

use std::collections::BTreeMap;

use ligate_model::{Digest, DiseaseId};

use super::{
    Disease, DiseaseIndex, Gene, GeneFacts, GeneIndex, Knowledge, KnowledgeError, KnowledgeVersion,
    Note, Notes, PhenotypeRow, SourceVersions, classes::Classes, distinct, genes::GeneTable,
    rows::Rows,
};
use crate::{
    ontology::{Ontology, Term},
    sources::{
        gene_links::GeneLink,
        gene_tables::HgncGene,
        hpoa::{self, AnnotationRow, Aspect},
        mondo::{ExactMatch, Mappings},
        obo::Obo,
    },
};

/// What knowledge is built from: the records of the releases, as `formats` reads them. Only the
/// first two are needed.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub ontology: Obo,
    pub annotations: hpoa::Annotations,
    pub mondo: Mappings,
    pub gene_links: Vec<GeneLink>,
    pub hgnc: Vec<HgncGene>,
    pub gene_facts: GeneFacts,
    /// Releases of sources whose records do not name one; those of HPO are taken from the records.
    pub versions: SourceVersions,
}

impl Knowledge {
    /// Merges the sources. Rows that cannot be used are left out and noted.
    pub fn build(sources: &Sources) -> Result<(Self, Notes), KnowledgeError> {
        let mut notes = Notes::default();
        let (ontology, left_out) = Ontology::build(&sources.ontology)?;
        for note in left_out {
            notes.add(Note::Ontology, || format!("{note:?}"));
        }
        let classes = Classes::of(&sources.mondo, &mut notes);
        let mut diseases = gather(&sources.annotations.rows, &classes, &ontology, &mut notes);
        if !diseases.iter().any(|disease| disease.candidate) {
            return Err(KnowledgeError::NoDiseases);
        }
        let mut table = GeneTable::of(&sources.hgnc, &sources.gene_links, &mut notes);
        link(&mut diseases, &mut table, &sources.gene_links, &mut notes);
        let (genes, names) = table.finish(&mut diseases);
        let version = KnowledgeVersion {
            sources: versions(sources),
            digest: Digest::from_bytes([0; 32]),
        };
        let knowledge = Self::assemble(version, ontology, diseases, genes, names);
        let (knowledge, more) = knowledge.with_gene_facts(&sources.gene_facts)?;
        notes.merge(more);
        Ok((knowledge, notes))
    }
}

fn versions(sources: &Sources) -> SourceVersions {
    let mut versions = sources.versions.clone();
    versions.hpo.clone_from(&sources.ontology.version);
    versions.hpoa.clone_from(&sources.annotations.version);
    if let Some(mondo) = &sources.mondo.version {
        versions.mondo.clone_from(mondo);
    }
    versions
}

/// All rows by disease class, ordered by the id that a class is shown by.
fn gather(
    rows: &[AnnotationRow],
    classes: &Classes,
    ontology: &Ontology,
    notes: &mut Notes,
) -> Vec<Disease> {
    let reader = Rows { ontology };
    let mut gathered: BTreeMap<Vec<DiseaseId>, Gathered> = BTreeMap::new();
    for row in rows {
        let class = gathered.entry(classes.ids(row.disease)).or_default();
        // A class that loses all its rows stays: it was named, and a case may state it.
        class
            .names
            .entry(row.disease)
            .or_insert_with(|| row.name.clone());
        let Some(parsed) = reader.row(row, notes) else {
            continue;
        };
        match row.aspect {
            Aspect::Phenotype => class.rows.push(parsed),
            aspect => class.clinical.push((aspect, parsed)),
        }
    }
    let mut diseases: Vec<Disease> = gathered
        .into_iter()
        .map(|(ids, class)| class.finish(ids, ontology))
        .collect();
    diseases.sort_by_key(|disease| disease.id);
    diseases
}

/// The rows of one class on their way.
#[derive(Default)]
struct Gathered {
    /// Name by annotated entry; the smallest entry names the class: OMIM comes before Orphanet.
    names: BTreeMap<DiseaseId, String>,
    rows: Vec<PhenotypeRow>,
    clinical: Vec<(Aspect, PhenotypeRow)>,
}

impl Gathered {
    fn finish(self, ids: Vec<DiseaseId>, ontology: &Ontology) -> Disease {
        let Self {
            names,
            rows,
            clinical,
        } = self;
        let (id, name) = names.into_iter().next().unwrap_or((ids[0], String::new()));
        let candidate = rows
            .iter()
            .any(|row| matches!(row.source, DiseaseId::Omim(_)) && !row.absent);
        let inheritance = positive(&clinical, Aspect::Inheritance).collect();
        Disease {
            id,
            ids,
            name,
            inheritance: distinct(inheritance),
            onset: onset(&clinical, &rows, ontology),
            clinical_rows: clinical.into_iter().map(|(_, row)| row).collect(),
            rows,
            genes: Vec::new(),
            candidate,
        }
    }
}

fn positive(
    clinical: &[(Aspect, PhenotypeRow)],
    aspect: Aspect,
) -> impl Iterator<Item = Term> + '_ {
    clinical
        .iter()
        .filter(move |(found, row)| *found == aspect && !row.absent)
        .map(|(_, row)| row.term)
}

/// Onsets of the disease: rows of aspect C, else the onset that all phenotype rows with an onset
/// agree on.
fn onset(
    clinical: &[(Aspect, PhenotypeRow)],
    rows: &[PhenotypeRow],
    ontology: &Ontology,
) -> Vec<Term> {
    let stated =
        positive(clinical, Aspect::Course).filter(|&term| super::rows::is_onset(ontology, term));
    let stated = distinct(stated.collect());
    if !stated.is_empty() {
        return stated;
    }
    let agreed = distinct(rows.iter().filter_map(|row| row.onset).collect());
    if agreed.len() == 1 {
        agreed
    } else {
        Vec::new()
    }
}

/// Links diseases and genes, both ways, ascending.
fn link(diseases: &mut [Disease], table: &mut GeneTable, links: &[GeneLink], notes: &mut Notes) {
    let ids = diseases.iter().enumerate();
    let by_id: BTreeMap<DiseaseId, usize> = ids
        .flat_map(|(at, disease)| disease.ids.iter().map(move |&id| (id, at)))
        .collect();
    for link in links {
        let Some(gene) = table.linked(link) else {
            continue;
        };
        let Some(&at) = by_id.get(&link.disease) else {
            notes.add(Note::LinkWithoutDisease, || {
                format!("{} {}", link.symbol, link.disease)
            });
            continue;
        };
        diseases[at].genes.push(gene);
        table.add_disease(gene, DiseaseIndex(at as u32));
    }
    for disease in diseases {
        let genes: Vec<GeneIndex> = std::mem::take(&mut disease.genes);
        disease.genes = distinct(genes);
    }
}

impl Sources {
    /// Takes what a folder lacked from knowledge that is there already: MONDO's classes, gene names
    /// and gene links.
    pub fn fill(&mut self, knowledge: &Knowledge) {
        if self.mondo.matches.is_empty() {
            self.mondo.matches = matches(knowledge);
            self.versions.mondo.clone_from(&knowledge.version.mondo);
        }
        if self.hgnc.is_empty() {
            self.hgnc = knowledge.gene_names.records(&knowledge.genes);
            self.versions.genes.clone_from(&knowledge.version.genes);
        }
        if self.gene_links.is_empty() {
            self.gene_links = links(knowledge);
        }
    }
}

fn matches(knowledge: &Knowledge) -> Vec<ExactMatch> {
    let of_class = |disease: &Disease| {
        let mondo = disease.ids.iter().find_map(|id| {
            if let DiseaseId::Mondo(n) = id {
                Some(*n)
            } else {
                None
            }
        });
        let entries = disease
            .ids
            .iter()
            .filter(|id| !matches!(id, DiseaseId::Mondo(_)));
        let exact = |&entry, mondo| ExactMatch {
            mondo,
            label: String::new(),
            entry,
        };
        mondo
            .map(|mondo| entries.map(|entry| exact(entry, mondo)).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    knowledge.diseases.iter().flat_map(of_class).collect()
}

fn links(knowledge: &Knowledge) -> Vec<GeneLink> {
    let of_gene = |gene: &Gene| {
        let entrez = gene.entrez.unwrap_or_default();
        let ids = gene
            .diseases
            .iter()
            .map(|&disease| knowledge.disease(disease).id);
        ids.map(|disease| GeneLink {
            entrez,
            symbol: gene.symbol.clone(),
            disease,
        })
        .collect::<Vec<_>>()
    };
    knowledge.genes.iter().flat_map(of_gene).collect()
}
