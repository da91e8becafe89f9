//! Brings the JSON of a version 1 record to the shape of version 2, key by key, so that files which
//! mix both are read too. A key of version 2 that is there already stays.

use serde_json::{Map, Value, json};

/// Rewrites a record (a phenopacket; not a family) in place.
pub(super) fn upgrade(record: &mut Value) {
    wrap_ages(record);
    let Some(record) = record.as_object_mut() else {
        return;
    };
    if let Some(subject) = record.get_mut("subject").and_then(Value::as_object_mut) {
        rename(subject, "ageAtCollection", "timeAtLastEncounter", |age| age);
        rename(
            subject,
            "ageRangeAtCollection",
            "timeAtLastEncounter",
            range,
        );
    }
    for feature in objects(record, "phenotypicFeatures") {
        rename(feature, "negated", "excluded", |value| value);
        onset(feature);
    }
    objects(record, "diseases").for_each(onset);
    interpretation(record);
}

/// Version 1 writes an age as text (`"age": "P3Y"`), version 2 as a message.
fn wrap_ages(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(wrap_ages),
        Value::Object(map) => {
            for (key, value) in map {
                if key == "age" && value.is_string() {
                    *value = json!({ "iso8601duration": value.take() });
                } else {
                    wrap_ages(value);
                }
            }
        }
        _ => {}
    }
}

fn objects<'a>(
    record: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let items = record.get_mut(key).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn rename(map: &mut Map<String, Value>, from: &str, to: &str, shape: impl Fn(Value) -> Value) {
    if let Some(value) = map.remove(from) {
        map.entry(to).or_insert_with(|| shape(value));
    }
}

fn onset(map: &mut Map<String, Value>) {
    rename(map, "ageOfOnset", "onset", |age| age);
    rename(map, "ageRangeOfOnset", "onset", range);
    rename(
        map,
        "classOfOnset",
        "onset",
        |class| json!({ "ontologyClass": class }),
    );
}

/// `{start: {age: A}, end: {age: B}}`, ages wrapped already, as version 2 nests it.
fn range(value: Value) -> Value {
    let end = |key: &str| value.get(key).and_then(|age| age.get("age")).cloned();
    let ends = [("start", end("start")), ("end", end("end"))];
    let ends: Map<String, Value> = ends
        .into_iter()
        .filter_map(|(key, age)| Some((key.to_owned(), age?)))
        .collect();
    json!({ "ageRange": ends })
}

/// Version 1 lists genes and variants beside the diseases; version 2 has them in an interpretation.
/// They belong to the disease only where one is named.
fn interpretation(record: &mut Map<String, Value>) {
    let mut take = |key: &str| match record.remove(key) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let genes: Vec<Value> = take("genes").into_iter().map(gene).collect();
    let variants = take("variants");
    if genes.is_empty() && variants.is_empty() || record.contains_key("interpretations") {
        return;
    }
    let context = if let [gene] = &genes[..] {
        Some(gene.clone())
    } else {
        None
    };
    let calls = genes.into_iter().map(|gene| json!({ "gene": gene }));
    let calls: Vec<Value> = calls
        .chain(
            variants
                .into_iter()
                .map(|variant| call(variant, context.as_ref())),
        )
        .collect();
    let mut diagnosis = json!({ "genomicInterpretations": calls });
    if let Some([disease]) = record
        .get("diseases")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        && let Some(term) = disease.get("term")
    {
        diagnosis["disease"] = term.clone();
    }
    record.insert(
        "interpretations".to_owned(),
        json!([{ "diagnosis": diagnosis }]),
    );
}

fn gene(mut gene: Value) -> Value {
    if let Some(gene) = gene.as_object_mut() {
        rename(gene, "id", "valueId", |id| id);
    }
    gene
}

fn call(mut variant: Value, gene: Option<&Value>) -> Value {
    let mut descriptor = Map::new();
    if let Some(gene) = gene {
        descriptor.insert("geneContext".to_owned(), gene.clone());
    }
    if let Some(variant) = variant.as_object_mut() {
        if let Some(zygosity) = variant.remove("zygosity") {
            descriptor.insert("allelicState".to_owned(), zygosity);
        }
        if let Some(Value::Object(mut allele)) = variant.remove("vcfAllele") {
            rename(&mut allele, "chr", "chrom", |name| name);
            descriptor.insert("vcfRecord".to_owned(), Value::Object(allele));
        }
    }
    json!({ "variantInterpretation": { "variationDescriptor": descriptor } })
}
