#!/usr/bin/env python3
"""The parts of the oracle scripts that are neither bcftools, plink2 nor R. Standard library only.

    expected.py phenotypes SITES_DIR WORK_DIR          pooled.phenotypes.tsv and the lists of people
    expected.py pick GLM PLANTED WORK_DIR HOW_MANY     {glm,rao}.variants: HOW_MANY (50 or all), 50 without missing calls
    expected.py r KIND WORK_DIR VERSIONS               logistic.R's output as an expected file
    expected.py table GLM OUT.tsv.gz PLANTED EVERY VERSIONS    plink2's result as an expected file
"""
import csv
import gzip
import pathlib
import sys

HEADER = ["chrom", "pos", "ref", "alt", "a1", "beta", "se", "p", "n", "error"]
VARIABLES = ["sex", "age", "bmi", "ldl", "t2d"]
COMMAND = ("bcftools norm -m- per site, ids prefixed with SITE:, bcftools merge -m none, plink2 --vcf-half-call missing "
           "--1 --glm omit-ref hide-covar no-firth cols=+beta,-orbeta (oracles/pooled_plink2.sh)")


def site_rows(path):
    """(prefixed id, values of VARIABLES as text), with a disease coded 1/2 brought to 0/1."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    id_column = next(iter(rows[0]))
    one_two = any(row["t2d"] == "2" for row in rows)
    for row in rows:
        if one_two and row["t2d"] != "NA":
            row["t2d"] = str(int(row["t2d"]) - 1)
        yield path.name.split(".")[0] + ":" + row[id_column], [row[name] for name in VARIABLES]


def phenotypes(sites, work):
    rows = [row for path in sorted(pathlib.Path(sites).glob("*.phenotypes.tsv")) for row in site_rows(path)]
    work = pathlib.Path(work)
    with open(work / "pooled.phenotypes.tsv", "w") as out:
        out.write("\t".join(["#IID", *VARIABLES]) + "\n")
        out.writelines("\t".join([person, *values]) + "\n" for person, values in rows)
    for name, keep in (("complete", lambda values: True), ("all-variables", lambda values: "NA" not in values)):
        with open(work / f"{name}.keep", "w") as out:
            out.write("#IID\n" + "".join(person + "\n" for person, values in rows if keep(values)))


def trimmed(position, reference, alternate):
    """Ligate's key: shared last bases go first, then shared first bases; one base always stays."""
    while len(reference) > 1 and len(alternate) > 1 and reference[-1] == alternate[-1]:
        reference, alternate = reference[:-1], alternate[:-1]
    while len(reference) > 1 and len(alternate) > 1 and reference[0] == alternate[0]:
        position, reference, alternate = position + 1, reference[1:], alternate[1:]
    return position, reference, alternate


def write_expected(path, comments, header, rows):
    """Gzip without name and time, so that the same content is the same file."""
    text = "".join(f"# {line}\n" for line in comments) + "\t".join(header) + "\n"
    text += "".join("\t".join(map(str, row)) + "\n" for row in rows)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(text.encode())


def table(glm, out, planted, every, versions):
    with open(planted, newline="") as file:
        keys = {(row["chrom"], int(row["pos"]), row["ref"], row["alt"]) for row in csv.DictReader(file, delimiter="\t")}
    rows = []
    with open(glm, newline="") as file:
        for index, row in enumerate(csv.DictReader(file, delimiter="\t")):
            key = (row["#CHROM"], *trimmed(int(row["POS"]), row["REF"], row["ALT"]))
            if index % int(every) == 0 or key in keys:
                assert row["A1"] == row["ALT"] and row["TEST"] == "ADD"
                rows.append((*key, key[3], row["BETA"], row["SE"], row["P"], row["OBS_CT"], row["ERRCODE"]))
    name = pathlib.Path(glm).name.split(".")
    comments = [f"trait {name[1]}, covariates sex, age, bmi; people: {name[0]}", COMMAND, versions,
                "alleles trimmed; NA with plink2's error code where it gives no result"]
    if int(every) > 1:
        comments.append(f"every {every}th variant and the planted ones")
    write_expected(out, comments, HEADER, rows)


def evenly(ids, count):
    return [ids[i * len(ids) // count] for i in range(count)]


def pick(glm, planted, work, how_many):
    """Odds ratios that are estimable (SE below 1). Of 50: evenly over the genome, planted variants first; for glm those
    with missing calls, where plink2 is no oracle."""
    with open(planted, newline="") as file:
        keys = {f"{row['chrom']}:{row['pos']}:{row['ref']}:{row['alt']}" for row in csv.DictReader(file, delimiter="\t")}
    with open(glm, newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["SE"] != "NA" and float(row["SE"]) < 1]
    most = max(int(row["OBS_CT"]) for row in rows)
    for kind, wanted in (("glm", lambda n: n < most), ("rao", lambda n: n == most)):
        ids = [row["ID"] for row in rows if wanted(int(row["OBS_CT"]))]
        if (kind, how_many) == ("glm", "all"):
            (pathlib.Path(work) / "glm.variants").write_text("".join(row["ID"] + "\n" for row in rows))
            continue
        first = [i for i in ids if i in keys]
        others = [i for i in ids if i not in keys]
        chosen = first + evenly(others, 50 - len(first))
        (pathlib.Path(work) / f"{kind}.variants").write_text("\n".join(chosen) + "\n")


R_TESTS = {"glm": "Wald test of glm(t2d ~ sex + age + bmi + g, binomial, epsilon = 1e-12)",
           "rao": "Rao score test: beta = S/V, se = 1/sqrt(V), p = anova(null, full, test = Rao); no missing calls"}


def r(kind, work, versions):
    rows = []
    with open(pathlib.Path(work) / f"{kind}.tsv", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            chrom, pos, ref, alt = row["id"].split(":")
            pos, ref, alt = trimmed(int(pos), ref, alt)
            rows.append((chrom, pos, ref, alt, alt, row["beta"], row["se"], row["p"], row["n"], "."))
    comments = ["trait t2d, covariates sex, age, bmi; people: complete", R_TESTS[kind],
                versions + " (oracles/logistic_r.sh)", "alleles trimmed"]
    write_expected(pathlib.Path(work) / f"expected.{kind}.t2d.tsv.gz", comments, HEADER, rows)


def main():
    command, *arguments = sys.argv[1:]
    {"phenotypes": phenotypes, "table": table, "pick": pick, "r": r}[command](*arguments)


if __name__ == "__main__":
    main()
