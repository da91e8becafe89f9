#!/usr/bin/env python3
"""Simulates the benchmark cohort: 10,000 people x some 112,000 sites of chromosome 22, phased, and their phenotypes.

    pip install -r requirements.txt
    python make_cohort.py WORK     # WORK/cohort.vcf.gz and WORK/cohort.phenotypes.tsv; the same bytes for the same versions

Haplotypes come from the coalescent (msprime) under the two-population model of Tennessen et al. (2012, Science
337:64-69), four fifths of the people European; the last 50 generations follow the Wright-Fisher model, because so
large a sample is a good part of the population. Nobody in these files exists. bgzip writes the VCF.
"""
import pathlib
import subprocess
import sys

import msprime
import numpy as np

PEOPLE, EUROPEANS = 10_000, 8_000
MEGABASES, FIRST_BASE = 4, 20_000_000
SEED = 20261121
# Per alternate allele, of common variants spread over the region: of y in its units, of d in log odds.
Y_EFFECTS = (0.30, -0.22, 0.18)
D_EFFECTS = (0.45, -0.40)
HEADER = """##fileformat=VCFv4.2
##source=make_cohort.py, simulated people
##FILTER=<ID=PASS,Description="All filters passed">
##contig=<ID=22,length=50818468,assembly=GRCh38>
##INFO=<ID=AC,Number=A,Type=Integer,Description="Alternate allele count">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""


def tennessen():
    demography = msprime.Demography()
    demography.add_population(name="EUR", initial_size=512_000, growth_rate=0.0195)
    demography.add_population(name="AFR", initial_size=432_000, growth_rate=0.0166)
    demography.set_symmetric_migration_rate(["EUR", "AFR"], 2.5e-5)
    changes = ((205, "EUR", 9_300, 0.00307), (205, "AFR", 14_474, 0), (920, "EUR", 1_861, 0), (5_920, "AFR", 7_310, 0))
    for time, population, size, growth in changes:
        demography.add_population_parameters_change(time=time, population=population, initial_size=size,
                                                    growth_rate=growth)
    demography.add_mass_migration(time=2_040, source="EUR", dest="AFR", proportion=1)
    demography.sort_events()
    return demography


def simulate():
    trees = msprime.sim_ancestry(
        {"EUR": EUROPEANS, "AFR": PEOPLE - EUROPEANS}, demography=tennessen(), sequence_length=MEGABASES * 1e6,
        recombination_rate=1.2e-8, random_seed=SEED,
        model=[msprime.DiscreteTimeWrightFisher(duration=50), msprime.StandardCoalescent()])
    return msprime.sim_mutations(trees, rate=1.29e-8, random_seed=SEED)


def sites(trees):
    """(position, alleles, haplotypes) of every site that varies; alleles[0] is the ancestral one, taken as REF."""
    for variant in trees.variants():
        haplotypes = variant.genotypes
        seen = [0] + [allele for allele in np.unique(haplotypes) if allele > 0]
        if len(seen) > 1:
            renumber = np.zeros(len(variant.alleles), dtype=np.int8)
            renumber[seen] = np.arange(len(seen))
            yield (FIRST_BASE + int(variant.site.position), [variant.alleles[allele] for allele in seen],
                   renumber[haplotypes])


def write_vcf(trees, path):
    """Writes all sites; returns the dosages of common ones, from which the phenotypes take their effects."""
    calls = np.frombuffer(b"\t0|0" * PEOPLE, dtype=np.uint8).copy()
    common, records, variants = [], 0, 0
    with open(path, "wb") as file:
        bgzip = subprocess.Popen(["bgzip", "-@", "2"], stdin=subprocess.PIPE, stdout=file)
        names = "\t".join(f"P{person:05d}" for person in range(PEOPLE))
        head = f"{HEADER}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n"
        bgzip.stdin.write(head.encode())
        for position, alleles, haplotypes in sites(trees):
            counts = np.bincount(haplotypes)[1:]
            fixed = f"22\t{position}\t.\t{alleles[0]}\t{','.join(alleles[1:])}\t.\tPASS\tAC={','.join(map(str, counts))}\tGT"
            calls[1::4], calls[3::4] = haplotypes[0::2] + ord("0"), haplotypes[1::2] + ord("0")
            bgzip.stdin.write(fixed.encode() + calls.tobytes() + b"\n")
            records += 1
            variants += len(counts)
            if len(counts) == 1 and 0.2 < counts[0] / (2 * PEOPLE) < 0.5:
                common.append(haplotypes[0::2] + haplotypes[1::2])
        bgzip.stdin.close()
        if bgzip.wait() != 0:
            sys.exit("bgzip failed")
    print(f"{PEOPLE} people, {records} sites, {variants} alternate alleles")
    return common


def score(rng, common, effects):
    places = (np.linspace(0.1, 0.9, len(effects)) * len(common)).astype(int) + rng.integers(0, 20)
    return sum(effect * (common[place] - common[place].mean()) for place, effect in zip(places, effects))


def write_phenotypes(common, path):
    rng = np.random.default_rng(SEED)
    sex = rng.integers(0, 2, PEOPLE)
    age = rng.integers(30, 80, PEOPLE)
    bmi = np.round(rng.normal(26, 4, PEOPLE), 1)
    y = 0.01 * (age - 55) + 0.2 * sex + 0.02 * (bmi - 26) + score(rng, common, Y_EFFECTS) + rng.normal(0, 1, PEOPLE)
    log_odds = -1.5 + 0.02 * (age - 55) + 0.05 * (bmi - 26) + score(rng, common, D_EFFECTS)
    d = (rng.random(PEOPLE) < 1 / (1 + np.exp(-log_odds))).astype(int)
    with open(path, "w", newline="\n") as out:
        out.write("#IID\ty\td\tsex\tage\tbmi\n")
        for person in range(PEOPLE):
            out.write(f"P{person:05d}\t{y[person]:.4f}\t{d[person]}\t{sex[person]}\t{age[person]}\t{bmi[person]}\n")
    print(f"{int(d.sum())} cases of d")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    work = pathlib.Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    common = write_vcf(simulate(), work / "cohort.vcf.gz")
    write_phenotypes(common, work / "cohort.phenotypes.tsv")


if __name__ == "__main__":
    main()
