#!/usr/bin/env python3
"""Draws the demo's two registries of solved patients and one undiagnosed patient, as phenopackets v2.

    python make_registries.py         # writes registries/; needs nothing but Python 3, the same bytes every time

Nobody in these files exists. A patient is a draw of features, each by itself, from the shares below; the shares are
rounded guesses that make a readable example, not figures of any publication. The diseases and terms are real (OMIM,
HPO of 2025-01-16). Pendred syndrome has eight features among the annotations of that release, without vertigo,
tinnitus, the enlarged vestibular aqueduct or progressive deafness: that is what the two registries know and the
annotations do not.
"""
import json
import pathlib
import random

SEED = 20261121
OUT = pathlib.Path(__file__).parent / "registries"

# Disease: id, name, gene, and features with the share of patients who have each.
PENDRED = ("OMIM:274600", "Pendred syndrome", ("HGNC:8818", "SLC26A4"), (
    ("HP:0000408", "Progressive sensorineural hearing impairment", 0.8),
    ("HP:0011387", "Enlarged vestibular aqueduct", 0.8),
    ("HP:0002321", "Vertigo", 0.65),
    ("HP:0000360", "Tinnitus", 0.55),
    ("HP:0000821", "Hypothyroidism", 0.6),
    ("HP:0000853", "Goiter", 0.5),
    ("HP:0008554", "Cochlear malformation", 0.3),
))
HEIMLER = ("OMIM:234580", "Heimler syndrome 1", ("HGNC:8850", "PEX1"), (
    ("HP:0000407", "Sensorineural hearing impairment", 0.95),
    ("HP:0000705", "Amelogenesis imperfecta", 0.9),
    ("HP:0041093", "Beau's lines", 0.5),
    ("HP:0007703", "Abnormality of retinal pigmentation", 0.5),
))
BRANCHIOOTORENAL = ("OMIM:113650", "Branchiootorenal syndrome 1", ("HGNC:3519", "EYA1"), (
    ("HP:0000365", "Hearing impairment", 0.95),
    ("HP:0004467", "Preauricular pit", 0.8),
    ("HP:0000089", "Renal hypoplasia", 0.6),
))
WOLFRAM = ("OMIM:222300", "Wolfram syndrome 1", ("HGNC:12762", "WFS1"), (
    ("HP:0000819", "Diabetes mellitus", 0.95),
    ("HP:0000648", "Optic atrophy", 0.9),
    ("HP:0000407", "Sensorineural hearing impairment", 0.6),
    ("HP:0000873", "Diabetes insipidus", 0.6),
))

# Site: how its ids look, and how many patients of which disease. Batches of fewer than five are never counted, also
# not Heimler's seven, who are four here and three there.
SITES = {
    "nordbank": ("NB-R{:03d}", ((PENDRED, 7), (HEIMLER, 4), (BRANCHIOOTORENAL, 2))),
    "klinik": ("KL-R{:03d}", ((PENDRED, 6), (HEIMLER, 3), (WOLFRAM, 2))),
}

# The undiagnosed patient at registre, who has Pendred syndrome: what the clinic wrote down.
CASE = ("registre", "R-000001", "FEMALE", "P19Y", (
    ("HP:0000408", "Progressive sensorineural hearing impairment"),
    ("HP:0002321", "Vertigo"),
    ("HP:0000360", "Tinnitus"),
    ("HP:0000821", "Hypothyroidism"),
))

META = {
    "created": "2026-11-21T00:00:00Z",
    "createdBy": "demo/make_registries.py: a made-up patient",
    "resources": [{
        "id": "hp", "name": "Human Phenotype Ontology", "url": "http://purl.obolibrary.org/obo/hp.owl",
        "version": "2025-01-16", "namespacePrefix": "HP", "iriPrefix": "http://purl.obolibrary.org/obo/HP_",
    }],
    "phenopacketSchemaVersion": "2.0",
}


def features(terms):
    return [{"type": {"id": term, "label": label}} for term, label in terms]


def solved(patient, disease, gene):
    finding = {"subjectOrBiosampleId": patient, "interpretationStatus": "CAUSATIVE",
               "gene": {"valueId": gene[0], "symbol": gene[1]}}
    return {"id": f"{patient}-interpretation", "progressStatus": "SOLVED",
            "diagnosis": {"disease": disease, "genomicInterpretations": [finding]}}


def draw(rng, patient, disease):
    identifier, name, gene, shares = disease
    terms = []
    while len(terms) < 2:
        terms = [(term, label) for term, label, share in shares if rng.random() < share]
    return {
        "id": f"made-up-{patient}",
        "subject": {"id": patient, "sex": rng.choice(("FEMALE", "MALE"))},
        "phenotypicFeatures": features(terms),
        "interpretations": [solved(patient, {"id": identifier, "label": name}, gene)],
        "metaData": META,
    }


def main():
    rng = random.Random(SEED)
    OUT.mkdir(exist_ok=True)
    for site, (ids, groups) in SITES.items():
        diseases = [disease for disease, count in groups for _ in range(count)]
        rng.shuffle(diseases)
        packets = [draw(rng, ids.format(place + 1), disease) for place, disease in enumerate(diseases)]
        lines = "".join(json.dumps(packet, separators=(",", ":")) + "\n" for packet in packets)
        (OUT / f"{site}.jsonl").write_text(lines)
    site, patient, sex, age, terms = CASE
    case = {
        "id": f"made-up-{patient}",
        "subject": {"id": patient, "sex": sex, "timeAtLastEncounter": {"age": {"iso8601duration": age}}},
        "phenotypicFeatures": features(terms),
        "metaData": META,
    }
    (OUT / f"{site}.json").write_text(json.dumps(case, indent=2) + "\n")


if __name__ == "__main__":
    main()
