//! The diagnoses that a record states, and the variants it names for them.
//!
//! Interpretations come first; only where none states a disease, the record's list of diseases is
//! taken, because that list also holds what else the patient has. Genes are those called causative
//! or contributory, or, where none is, those not rejected.

use ligate_model::{Assembly, DiseaseId, ReportedVariant, StatedDiagnosis, Zygosity};

use crate::phenopacket::{
    Note,
    message::{
        CAUSATIVE, CONTRIBUTORY, Gene, GenomicInterpretation, Interpretation, OntologyClass,
        Phenopacket, REJECTED, UNSOLVED, VariationDescriptor,
    },
};

pub(super) fn read(
    packet: &Phenopacket,
    notes: &mut Vec<Note>,
) -> (Vec<StatedDiagnosis>, Vec<ReportedVariant>) {
    let solved = packet
        .interpretations
        .iter()
        .filter(|interpretation| interpretation.progress_status != UNSOLVED);
    let mut stated = Stated::default();
    solved.for_each(|interpretation| stated.add(interpretation));
    if stated
        .diagnoses
        .iter()
        .all(|diagnosis| diagnosis.disease.is_none())
    {
        let present = packet.diseases.iter().filter(|disease| !disease.excluded);
        present
            .filter_map(|disease| disease.term.as_ref())
            .for_each(|term| stated.add_disease(term));
    }
    if stated.other_catalogues > 0 {
        notes.push(Note::OtherCatalogue {
            count: stated.other_catalogues,
        });
    }
    if stated.without_record > 0 {
        notes.push(Note::VariantsWithoutRecord {
            count: stated.without_record,
        });
    }
    (stated.diagnoses, stated.variants)
}

#[derive(Default)]
struct Stated {
    diagnoses: Vec<StatedDiagnosis>,
    variants: Vec<ReportedVariant>,
    other_catalogues: usize,
    without_record: usize,
}

impl Stated {
    fn add(&mut self, interpretation: &Interpretation) {
        let Some(diagnosis) = &interpretation.diagnosis else {
            return;
        };
        let calls = diagnosis
            .genomic_interpretations
            .iter()
            .filter(|call| call.interpretation_status != REJECTED);
        let calls: Vec<&GenomicInterpretation> = calls.collect();
        calls
            .iter()
            .filter_map(|call| descriptor(call))
            .for_each(|descriptor| self.add_variant(descriptor));
        let written = diagnosis
            .disease
            .as_ref()
            .filter(|class| !class.id.is_empty());
        let (disease, genes) = (written.and_then(|class| self.disease(class)), genes(&calls));
        if written.is_some() || !genes.is_empty() {
            self.merge(disease, genes);
        }
    }

    /// A disease of the record's own list. It joins a diagnosis that has genes but no name, if it
    /// is alone.
    fn add_disease(&mut self, term: &OntologyClass) {
        let disease = self.disease(term);
        match &mut self.diagnoses[..] {
            [only] if only.disease.is_none() && disease.is_some() => only.disease = disease,
            _ => self.merge(disease, Vec::new()),
        }
    }

    fn disease(&mut self, class: &OntologyClass) -> Option<DiseaseId> {
        let disease = class.id.parse().ok();
        self.other_catalogues += usize::from(disease.is_none());
        disease
    }

    fn merge(&mut self, disease: Option<DiseaseId>, genes: Vec<String>) {
        let same = self
            .diagnoses
            .iter_mut()
            .find(|known| disease.is_some() && known.disease == disease);
        let Some(known) = same else {
            self.diagnoses.push(StatedDiagnosis { disease, genes });
            return;
        };
        for gene in genes {
            if !known.genes.contains(&gene) {
                known.genes.push(gene);
            }
        }
    }

    fn add_variant(&mut self, descriptor: &VariationDescriptor) {
        match variant(descriptor) {
            Some(variant) if !self.variants.contains(&variant) => self.variants.push(variant),
            Some(_) => {}
            None => self.without_record += 1,
        }
    }
}

fn descriptor(call: &GenomicInterpretation) -> Option<&VariationDescriptor> {
    call.variant_interpretation
        .as_ref()?
        .variation_descriptor
        .as_ref()
}

fn genes(calls: &[&GenomicInterpretation]) -> Vec<String> {
    let is_cause = |call: &&&GenomicInterpretation| {
        matches!(call.interpretation_status, CAUSATIVE | CONTRIBUTORY)
    };
    let causes: Vec<&GenomicInterpretation> = calls.iter().filter(is_cause).copied().collect();
    let chosen = if causes.is_empty() {
        calls
    } else {
        &causes[..]
    };
    let mut names = Vec::new();
    for call in chosen {
        let gene = call
            .gene
            .as_ref()
            .or_else(|| descriptor(call)?.gene_context.as_ref());
        if let Some(name) = gene.and_then(gene_name)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// The id where it is of a catalogue of genes, else the symbol.
fn gene_name(gene: &Gene) -> Option<String> {
    const CATALOGUES: [&str; 5] = ["HGNC:", "ENSG", "ENSEMBL:", "NCBIGENE:", "ENTREZ:"];
    let id = gene.value_id.trim();
    let upper = id.to_ascii_uppercase();
    let known = CATALOGUES
        .iter()
        .any(|catalogue| upper.starts_with(catalogue));
    let name = if known || gene.symbol.trim().is_empty() {
        id
    } else {
        gene.symbol.trim()
    };
    (!name.is_empty()).then(|| name.to_owned())
}

fn variant(descriptor: &VariationDescriptor) -> Option<ReportedVariant> {
    let record = descriptor.vcf_record.as_ref()?;
    let position = u32::try_from(record.pos)
        .ok()
        .filter(|position| *position > 0)?;
    if record.chrom.is_empty() || record.r#ref.is_empty() || record.alt.is_empty() {
        return None;
    }
    let gene = descriptor.gene_context.as_ref();
    let text = |part: fn(&Gene) -> &String| gene.map(part).filter(|text| !text.is_empty()).cloned();
    Some(ReportedVariant {
        assembly: assembly(&record.genome_assembly),
        chromosome: record.chrom.clone(),
        position,
        reference: record.r#ref.clone(),
        alternate: record.alt.clone(),
        zygosity: descriptor.allelic_state.as_ref().and_then(zygosity),
        gene_symbol: text(|gene| &gene.symbol),
        gene_id: text(|gene| &gene.value_id),
    })
}

/// An assembly by its name, with or without a patch (`GRCh38.p13`).
fn assembly(name: &str) -> Option<Assembly> {
    let found: Option<Assembly> = name
        .parse()
        .ok()
        .or_else(|| name.split_once(".p")?.0.parse().ok());
    found.filter(|assembly| assembly.is_known())
}

/// Allelic state by its term of the Genotype Ontology, or by its label.
fn zygosity(class: &OntologyClass) -> Option<Zygosity> {
    match class.id.as_str() {
        // simple and compound heterozygous, heteroplasmic
        "GENO:0000135" | "GENO:0000458" | "GENO:0000402" | "GENO:0000603" => {
            return Some(Zygosity::Heterozygous);
        }
        // homozygous, homoplasmic
        "GENO:0000136" | "GENO:0000602" => return Some(Zygosity::Homozygous),
        // hemizygous, X-linked, Y-linked, insertion-linked
        "GENO:0000134" | "GENO:0000604" | "GENO:0000605" | "GENO:0000606" => {
            return Some(Zygosity::Hemizygous);
        }
        _ => {}
    }
    let label = class.label.to_ascii_lowercase();
    let named = [
        ("heterozygous", Zygosity::Heterozygous),
        ("homozygous", Zygosity::Homozygous),
        ("hemizygous", Zygosity::Hemizygous),
    ];
    named
        .into_iter()
        .find(|(name, _)| label.contains(name))
        .map(|(_, zygosity)| zygosity)
}
