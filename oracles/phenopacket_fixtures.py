#!/usr/bin/env python3
"""Synthetic phenopackets of every kind, written by the official package, as fixtures for the reader in `formats`.

    python3 -m venv V && V/bin/pip install phenopackets==2.0.2.post5
    V/bin/python oracles/phenopacket_fixtures.py                       # writes crates/records/tests/fixtures/phenopackets
    V/bin/python oracles/phenopacket_fixtures.py --convert F.jsonl OUT # every line of F as protobuf, OUT/NUMBER.pb

The people are made up. NAME.pb is the protobuf, NAME.json the same message by the package's own JSON mapping,
NAME.snake.json the same with the schema's field names and enums by number, as proto3 JSON permits.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import phenopackets.schema.v1.phenopackets_pb2 as v1
import phenopackets.schema.v2.phenopackets_pb2 as v2
from google.protobuf.json_format import MessageToJson, Parse, ParseDict

OUT = Path(__file__).resolve().parent.parent / "crates/records/tests/fixtures/phenopackets"


def term(id, label=""):
    return {"id": id, "label": label}


def meta(schema, *publications):
    return {
        "created": "2024-01-02T03:04:05Z",
        "createdBy": "oracle",
        "resources": [
            {"id": "hp", "name": "human phenotype ontology", "url": "http://purl.obolibrary.org/obo/hp.owl",
             "version": "2025-01-16", "namespacePrefix": "HP", "iriPrefix": "http://purl.obolibrary.org/obo/HP_"}
        ],
        "phenopacketSchemaVersion": schema,
        "externalReferences": [{"id": id} for id in publications],
    }


def packet2(id="packet-1", individual="child"):
    return {
        "id": id,
        "subject": {"id": individual, "dateOfBirth": "2010-01-01T00:00:00Z", "sex": "FEMALE", "karyotypicSex": "XX",
                    "timeAtLastEncounter": {"age": {"iso8601duration": "P6Y"}}},
        "phenotypicFeatures": [
            {"type": term("HP:0001250", "Seizure"), "onset": {"age": {"iso8601duration": "P1Y6M"}},
             "severity": term("HP:0012828", "Severe"), "modifiers": [term("HP:0012832", "Bilateral")],
             "evidence": [{"evidenceCode": term("ECO:0000033"), "reference": {"id": "PMID:11111111"}}]},
            {"type": term("HP:0001263"), "onset": {"ontologyClass": term("HP:0003593", "Infantile onset")}},
            {"type": term("HP:0001252"), "onset": {"ageRange": {"start": {"iso8601duration": "P1Y"},
                                                                "end": {"iso8601duration": "P3Y"}}}},
            {"type": term("HP:0001511"), "onset": {"gestationalAge": {"weeks": 30, "days": 2}}},
            {"type": term("HP:0002133"), "onset": {"timestamp": "2012-01-01T00:00:00Z"}},
            {"type": term("HP:0001251"), "onset": {"interval": {"start": "2011-01-01T00:00:00Z",
                                                                "end": "2011-06-01T00:00:00Z"}}},
            {"type": term("HP:0000252"), "excluded": True},
            {"type": term("HP:0001250")},
            {"type": term("HP:0004322")},
            {"type": term("HP:0004322"), "excluded": True},
            {"type": term("MP:0001262", "decreased body weight")},
        ],
        "measurements": [{"assay": term("LOINC:2157-6"), "value": {"quantity": {"unit": term("UCUM:U/L"),
                                                                                "value": 12.5}}}],
        "interpretations": [{
            "id": "i", "progressStatus": "SOLVED",
            "diagnosis": {
                "disease": term("OMIM:607208", "Dravet syndrome"),
                "genomicInterpretations": [
                    {"subjectOrBiosampleId": individual, "interpretationStatus": "CAUSATIVE",
                     "variantInterpretation": {
                         "acmgPathogenicityClassification": "PATHOGENIC",
                         "variationDescriptor": {
                             "id": "v", "moleculeContext": "genomic",
                             "geneContext": {"valueId": "HGNC:10585", "symbol": "SCN1A"},
                             "expressions": [{"syntax": "hgvs.c", "value": "NM_001165963.4:c.1A>G"}],
                             "vcfRecord": {"genomeAssembly": "GRCh38", "chrom": "chr2", "pos": "166073000",
                                           "ref": "T", "alt": "C"},
                             "allelicState": term("GENO:0000135", "heterozygous")}}},
                    {"subjectOrBiosampleId": individual, "interpretationStatus": "REJECTED",
                     "gene": {"valueId": "HGNC:1", "symbol": "REJECTED1"}},
                ]}}],
        "diseases": [{"term": term("OMIM:607208"), "onset": {"age": {"iso8601duration": "P10M"}}},
                     {"term": term("OMIM:100050"), "excluded": True}],
        "metaData": meta("2.0", "PMID:22222222", "DOI:10.1/x"),
    }


def packet1(id="packet-1", individual="child"):
    return {
        "id": id,
        "subject": {"id": individual, "sex": "MALE", "ageAtCollection": {"age": "P6Y"}},
        "phenotypicFeatures": [
            {"type": term("HP:0001250", "Seizure"), "ageOfOnset": {"age": "P1Y6M"}, "severity": term("HP:0012828")},
            {"type": term("HP:0001263"), "classOfOnset": term("HP:0003593", "Infantile onset")},
            {"type": term("HP:0001252"), "ageRangeOfOnset": {"start": {"age": "P1Y"}, "end": {"age": "P3Y"}}},
            {"type": term("HP:0000252"), "negated": True},
        ],
        "genes": [{"id": "HGNC:10585", "symbol": "SCN1A"}],
        "variants": [{"vcfAllele": {"genomeAssembly": "GRCh37", "chr": "2", "pos": 166900000, "ref": "A", "alt": "G"},
                      "zygosity": term("GENO:0000136", "homozygous")}],
        "diseases": [{"term": term("OMIM:607208"), "classOfOnset": term("HP:0003593")}],
        "htsFiles": [{"uri": "file:///child.vcf.gz", "htsFormat": "VCF", "genomeAssembly": "GRCh37"}],
        "metaData": meta("1.0.0", "PMID:22222222"),
    }


def person(id, father, mother, sex, affected):
    return {"familyId": "F", "individualId": id, "paternalId": father, "maternalId": mother, "sex": sex,
            "affectedStatus": affected}


def family(packet, schema):
    relative = {"id": "packet-2", "subject": {"id": "aunt", "sex": "FEMALE"},
                "phenotypicFeatures": [{"type": term("HP:0000365")}], "metaData": meta(schema)}
    persons = [person("child", "father", "mother", "FEMALE", "AFFECTED"),
               person("father", "0", "0", "MALE", "UNAFFECTED"), person("mother", "0", "0", "FEMALE", "MISSING")]
    return {"id": "family-1", "proband": packet(), "relatives": [relative], "pedigree": {"persons": persons},
            "metaData": meta(schema, "PMID:33333333")}


def cohort(packet, schema):
    members = [packet("packet-1", "child"), packet("packet-2", "other")]
    return {"id": "cohort-1", "description": "made up", "members": members, "metaData": meta(schema)}


def write(name, content, message):
    ParseDict(content, message)
    (OUT / f"{name}.pb").write_bytes(message.SerializeToString(deterministic=True))
    (OUT / f"{name}.json").write_text(MessageToJson(message) + "\n")
    snake = MessageToJson(message, preserving_proto_field_name=True, use_integers_for_enums=True)
    (OUT / f"{name}.snake.json").write_text(snake + "\n")


def convert(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(source.open(), 1):
        message = Parse(line, v2.Phenopacket(), ignore_unknown_fields=True)
        (folder / f"{number:06}.pb").write_bytes(message.SerializeToString())


def main():
    if sys.argv[1:2] == ["--convert"]:
        convert(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    OUT.mkdir(parents=True, exist_ok=True)
    write("v2-phenopacket", packet2(), v2.Phenopacket())
    write("v2-family", family(packet2, "2.0"), v2.Family())
    write("v2-cohort", cohort(packet2, "2.0"), v2.Cohort())
    write("v1-phenopacket", packet1(), v1.Phenopacket())
    write("v1-family", family(packet1, "1.0.0"), v1.Family())
    write("v1-cohort", cohort(packet1, "1.0.0"), v1.Cohort())
    versions = [f"{name} {version(name)}" for name in ("phenopackets", "protobuf")]
    (OUT / "VERSIONS").write_text("\n".join(versions) + "\n")


if __name__ == "__main__":
    main()
