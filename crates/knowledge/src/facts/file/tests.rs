use proptest::prelude::*;

use super::*;
use crate::mini;

fn file() -> Vec<u8> {
    mini::knowledge().encode().unwrap()
}

/// Opens and reads everything: what a hostile file must not survive.
fn read_all(bytes: &[u8]) -> Result<Knowledge, KnowledgeError> {
    let file = KnowledgeFile::open(bytes)?;
    for name in SectionName::ALL {
        file.section(name)?;
    }
    file.knowledge()
}

#[test]
fn knowledge_comes_back_whole() {
    let knowledge = mini::knowledge();
    let again = Knowledge::decode(&file()).unwrap();
    assert_eq!(again.version, knowledge.version);
    assert_eq!(again.ontology, knowledge.ontology);
    assert_eq!(again.diseases(), knowledge.diseases());
    assert_eq!(again.genes(), knowledge.genes());
    assert_eq!(again.candidates(), knowledge.candidates());
    assert_eq!(again.find_gene("kgfr"), knowledge.find_gene("FGFR2"));
    assert_eq!(file(), again.encode().unwrap());
}

#[test]
fn genome_sections_are_opaque_and_change_the_digest() {
    let knowledge = mini::knowledge();
    let builder =
        Builder::of(&knowledge)
            .unwrap()
            .section(SectionName::Sites, "a.tsv", vec![7; 100_000]);
    // The crate's own sections cannot be replaced.
    let builder = builder.section(SectionName::Genes, "x", vec![1]);
    let bytes = builder.finish().unwrap();
    let file = KnowledgeFile::open(&bytes).unwrap();
    assert_eq!(
        file.section(SectionName::Sites).unwrap(),
        Some(vec![7; 100_000])
    );
    assert_eq!(file.section(SectionName::Chains).unwrap(), None);
    let version = file.version().unwrap();
    assert_eq!(
        version.genome.get("sites").map(String::as_str),
        Some("a.tsv")
    );
    assert_eq!(version.digest, builder.digest().unwrap());
    assert_ne!(version.digest, knowledge.version.digest);
    let taken = Builder::of(&knowledge).unwrap().genome_of(&file).unwrap();
    assert_eq!(taken.finish().unwrap(), bytes);
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let whole = file();
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert!(read_all(&whole[..length]).is_err(), "{length}");
    }
    assert!(matches!(
        KnowledgeFile::open(b"PK\x03\x04"),
        Err(KnowledgeError::NotKnowledge)
    ));
}

#[test]
fn another_format_is_named() {
    let mut bytes = file();
    bytes[8] = 9;
    assert!(matches!(
        KnowledgeFile::open(&bytes),
        Err(KnowledgeError::Format {
            found: 9,
            wanted: 1
        })
    ));
}

#[test]
fn a_section_may_not_claim_more_than_it_can_hold() {
    let compressed = compress(&[0; 4096]).unwrap();
    assert_eq!(inflate(&compressed, 4096).unwrap().len(), 4096);
    for length in [4095, 4097, u64::from(u32::MAX), u64::MAX - 1] {
        assert!(inflate(&compressed, length).is_err(), "{length}");
    }
}

/// A file whose diseases' section holds these bytes, with a hash that fits.
fn forged(name: SectionName, contents: Vec<u8>) -> Vec<u8> {
    let mut builder = Builder::of(&mini::knowledge()).unwrap();
    for (found, bytes) in &mut builder.sections {
        if *found == name {
            bytes.clone_from(&contents);
        }
    }
    builder.finish().unwrap()
}

fn contents(name: SectionName) -> Vec<u8> {
    KnowledgeFile::open(&file())
        .unwrap()
        .section(name)
        .unwrap()
        .unwrap()
}

const OWN: [SectionName; 4] = [
    SectionName::Ontology,
    SectionName::Words,
    SectionName::Diseases,
    SectionName::Genes,
];

/// Uses every index that knowledge holds.
fn walk(knowledge: &Knowledge) {
    for disease in knowledge.diseases() {
        let terms = disease
            .rows
            .iter()
            .chain(&disease.clinical_rows)
            .map(|row| row.term);
        for term in terms
            .chain(disease.onset.iter().copied())
            .chain(disease.inheritance.iter().copied())
        {
            knowledge.ontology.name(term);
            knowledge.ontology.synonyms(term).count();
            knowledge.ontology.ancestors(term);
        }
        disease
            .genes
            .iter()
            .for_each(|&gene| assert!(!knowledge.gene(gene).diseases.is_empty()));
    }
    for gene in knowledge.genes() {
        knowledge.find_gene(&gene.symbol);
        gene.diseases
            .iter()
            .for_each(|&disease| assert!(!knowledge.disease(disease).genes.is_empty()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_is_an_error(at in 0..100_000_usize, bit in 0..8_u8) {
        let mut bytes = file();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // Only bytes of the table that no reading depends on may pass, and then nothing has
        // changed.
        if let Ok(knowledge) = read_all(&bytes) {
            let unchanged = mini::knowledge();
            prop_assert_eq!(knowledge.diseases(), unchanged.diseases());
        }
    }

    #[test]
    fn any_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read_all(&bytes).is_err());
        prop_assert!(read_all(&[b"LIGATEKN\x01\0\0\0".as_slice(), &bytes].concat()).is_err());
    }

    #[test]
    fn a_forged_section_is_refused_or_sound(section in 0..4_usize, at in 0..100_000_usize, byte: u8) {
        let mut forgery = contents(OWN[section]);
        let at = at % forgery.len();
        forgery[at] = byte;
        if let Ok(knowledge) = read_all(&forged(OWN[section], forgery)) {
            walk(&knowledge);
        }
    }

    #[test]
    fn any_section_is_refused_or_sound(section in 0..4_usize, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(knowledge) = read_all(&forged(OWN[section], bytes)) {
            walk(&knowledge);
        }
    }
}
