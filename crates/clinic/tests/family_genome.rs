//! Real families and a real exome: what a pass over their files finds, and what it says where the
//! pedigree is wrong.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use ligate_clinic::genome::{
    burden::Carriage,
    effect::{Effect, EffectSource},
    examine::{Examination, ExamineError, ExamineOptions, Examiner, VariantFacts},
    family::{Family, FamilyWarning},
    frequency::Frequencies,
    gene_model::{GeneModel, GeneNames},
};
use ligate_formats::{chain::Chain, family_vcf::FamilyVcf};
use ligate_knowledge::sources::gene_tables;
use ligate_model::{Assembly, Sex};
use ligate_records::pedigree::Pedigree;

struct Data {
    model: GeneModel,
    names: GeneNames,
    chain: Chain,
    clinical: PathBuf,
}

fn data() -> Option<Data> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !root.join("clinical").exists() {
        eprintln!("skipped: {} is not here", root.display());
        return None;
    }
    let (genes, _) =
        gene_tables::read_genes(&root.join("genes/homo-sapiens-genes.tsv.gz")).unwrap();
    let structures = root.join("genes/homo-sapiens-gene-structures.tsv.gz");
    let (transcripts, _) = gene_tables::read_structures(&structures, &genes).unwrap();
    let (model, _) = GeneModel::build(&genes, &transcripts);
    let names = GeneNames::of(&model);
    let chain = Chain::read(&root.join("chains/hg19ToHg38.over.chain.gz"))
        .unwrap()
        .0;
    let chain = chain.with_revised_mitochondrion();
    Some(Data {
        model,
        names,
        chain,
        clinical: root.join("clinical"),
    })
}

impl Data {
    fn facts(&self) -> VariantFacts<'_> {
        let frequencies = Frequencies::default();
        VariantFacts {
            model: &self.model,
            names: &self.names,
            frequencies,
            lift: Some(&self.chain),
        }
    }

    fn examine(
        &self,
        vcf: &Path,
        family: impl FnOnce(&FamilyVcf) -> Family,
        read_info: bool,
    ) -> Examination {
        let vcf = FamilyVcf::open(vcf).unwrap();
        let family = family(&vcf);
        let (assembly, lines) = (vcf.assembly(), vcf.info_lines().to_vec());
        let options = ExamineOptions { read_info };
        let mut examiner = Examiner::new(self.facts(), family, assembly, &lines, options).unwrap();
        let report = vcf.read(&mut |record| examiner.record(record)).unwrap();
        assert_eq!(report.skipped, 0);
        examiner.finish()
    }

    fn exome(&self) -> PathBuf {
        self.clinical.join("pfeiffer-exome.vcf.gz")
    }
}

/// The text of a gzip file with every record changed.
fn rewritten(path: &Path, change: impl Fn(Vec<&str>) -> String) -> tempfile::NamedTempFile {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let mut file = tempfile::Builder::new().suffix(".vcf").tempfile().unwrap();
    for line in text.lines() {
        let line = if line.starts_with('#') {
            line.to_owned()
        } else {
            change(line.split('\t').collect())
        };
        writeln!(file, "{line}").unwrap();
    }
    file
}

fn single(vcf: &FamilyVcf) -> Family {
    Family::single(vcf.samples(), None, Some(Sex::Male)).unwrap()
}

#[test]
fn an_exome_without_id_and_info_is_the_same_exome() {
    let Some(data) = data() else { return };
    let stripped = rewritten(&data.exome(), |mut columns| {
        (columns[2], columns[7]) = (".", ".");
        columns.join("\t")
    });
    let whole = data.examine(&data.exome(), single, false);
    let bare = data.examine(stripped.path(), single, true);
    assert_eq!(whole.candidates.len(), bare.candidates.len());
    assert!(whole.candidates == bare.candidates);
    assert_eq!(bare.effects_by, EffectSource::Structures);
    // The spiked record, GRCh37 10:123256215, in GRCh38.
    let spike = bare
        .candidates
        .iter()
        .find(|candidate| candidate.written.position.get() == 123_256_215)
        .unwrap();
    assert_eq!(spike.variant.to_string(), "10:121496701:T:G");
    let effects: Vec<(&str, Effect)> = spike
        .effects
        .iter()
        .map(|effect| {
            (
                &*data.model.gene(effect.gene).unwrap().symbol,
                effect.effect,
            )
        })
        .collect();
    assert_eq!(
        (effects, spike.carriage),
        (
            vec![("FGFR2", Effect::CodingUnread)],
            Carriage::Heterozygous
        )
    );
}

#[test]
fn an_assembly_that_nobody_names_is_refused() {
    let Some(data) = data() else { return };
    let vcf = FamilyVcf::open(&data.exome()).unwrap();
    let examiner = |assembly, facts| {
        Examiner::new(
            facts,
            single(&vcf),
            assembly,
            &[],
            ExamineOptions::default(),
        )
        .map(drop)
        .unwrap_err()
    };
    assert_eq!(vcf.assembly(), Some(Assembly::Grch37));
    assert_eq!(examiner(None, data.facts()), ExamineError::UnknownAssembly);
    assert_eq!(
        examiner(Some(Assembly::T2tChm13), data.facts()),
        ExamineError::OtherAssembly(Assembly::T2tChm13)
    );
    let without = VariantFacts {
        lift: None,
        ..data.facts()
    };
    assert_eq!(
        examiner(Some(Assembly::Grch37), without),
        ExamineError::NoChain
    );
}

fn trio(data: &Data, pedigree: &str) -> Examination {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pedigree.as_bytes()).unwrap();
    let (pedigree, _) = Pedigree::read(file.path()).unwrap();
    let family = |vcf: &FamilyVcf| {
        Family::of_pedigree(vcf.samples(), Some("HG002"), None, &pedigree).unwrap()
    };
    data.examine(&data.clinical.join("giab-trio.vcf.gz"), family, true)
}

#[test]
fn a_true_trio_is_consistent_and_its_annotation_is_read() {
    let Some(data) = data() else { return };
    let found = trio(
        &data,
        "f\tHG002\tHG003\tHG004\t1\t2\nf\tHG003\t0\t0\t1\t1\nf\tHG004\t0\t0\t2\t1\n",
    );
    assert_eq!(found.warnings, []);
    assert_eq!(found.effects_by, EffectSource::Annotation);
    let missense = found
        .candidates
        .iter()
        .filter(|candidate| candidate.effects[0].effect == Effect::Missense);
    assert!(missense.count() > 100);
    // Few calls of the child are new with both parents surely without them.
    let new = found
        .candidates
        .iter()
        .filter(|one| one.passed && one.parent_wrong.is_some_and(|wrong| wrong < 0.1));
    assert!(new.count() < 20);
}

#[test]
fn a_pedigree_that_the_genotypes_contradict_is_told() {
    let Some(data) = data() else { return };
    // The father's sample as the child of the other two: neither is his parent.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"f\tHG003\tHG002\tHG004\t1\t2\nf\tHG002\t0\t0\t1\t1\nf\tHG004\t0\t0\t2\t1\n")
        .unwrap();
    let (pedigree, _) = Pedigree::read(file.path()).unwrap();
    let family = |vcf: &FamilyVcf| {
        Family::of_pedigree(vcf.samples(), Some("HG003"), None, &pedigree).unwrap()
    };
    let found = data.examine(&data.clinical.join("giab-trio.vcf.gz"), family, true);
    // HG004 shares nothing by descent with HG003; HG002 is his son, whom a parent cannot be told
    // from by opposite homozygotes.
    assert!(
        matches!(
            found.warnings.as_slice(),
            [FamilyWarning::NotParent { father: false, .. }]
        ),
        "{:?}",
        found.warnings
    );
    for warning in &found.warnings {
        let text = warning.to_string();
        assert!(text.contains("mother") && !text.contains("HG00"), "{text}");
    }
}

#[test]
fn a_family_of_four_is_consistent() {
    let Some(data) = data() else { return };
    let (pedigree, _) = Pedigree::read(&data.clinical.join("quartet-chr6.ped")).unwrap();
    let family = |vcf: &FamilyVcf| {
        Family::of_pedigree(vcf.samples(), Some("ISDBM322017"), None, &pedigree).unwrap()
    };
    let found = data.examine(&data.clinical.join("quartet-chr6.vcf.gz"), family, true);
    assert_eq!(found.family.members().len(), 4);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}
