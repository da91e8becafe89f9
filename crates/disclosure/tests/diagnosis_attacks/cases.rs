//! The published cases, by disease: each patient's observed terms.

use std::{collections::BTreeMap, path::Path};

use ligate_model::{DiseaseId, TermId};
use serde_json::Value;

/// One disease's patients, each with the observed terms as listed.
pub type Patients = Vec<Vec<TermId>>;

/// `None` where the file is not at hand.
pub fn by_disease() -> Option<BTreeMap<DiseaseId, Patients>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/phenopacket-store/phenopackets-0.1.24.jsonl.zst");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: the phenopacket-store is not in ../shared");
        return None;
    };
    let text = zstd::stream::decode_all(file).expect("the file is whole");
    let mut diseases: BTreeMap<DiseaseId, Patients> = BTreeMap::new();
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let case: Value = serde_json::from_slice(line).expect("a phenopacket");
        let id = case["interpretations"][0]["diagnosis"]["disease"]["id"].as_str();
        let Some(disease) = id.and_then(|id| id.parse().ok()) else {
            continue;
        };
        let features = case["phenotypicFeatures"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let observed = features
            .iter()
            .filter(|feature| feature["excluded"] != Value::Bool(true));
        let terms = observed.filter_map(|feature| feature["type"]["id"].as_str()?.parse().ok());
        diseases.entry(disease).or_default().push(terms.collect());
    }
    Some(diseases)
}
