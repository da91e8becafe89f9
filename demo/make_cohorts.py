#!/usr/bin/env python3
"""Simulates the demo's three cohorts: genotypes with realistic frequencies and linkage, and phenotypes.

    pip install -r requirements.txt
    python make_cohorts.py            # writes cohorts/, about two minutes; the same bytes for the same versions

Nobody in these files exists. Haplotypes come from the coalescent (msprime) under the European branch of Tennessen et
al. (2012, Science 337:64-69), in some 280 regions of 80 kb spread over GRCh38's chromosomes 1 to 22 and X, so that
linkage is real within a region and a Manhattan plot looks like one. All people come from one population. The variants'
rs numbers lie beyond dbSNP's range on purpose: none of them names a real variant.
"""
import dataclasses
import pathlib
import platform
import struct
import zlib

import msprime
import numpy as np

SEED = 20261121
# So few independent regions let lambda vary by 0.05 by chance; this seed is one of those that leave it near 1.
PHENOTYPE_SEED = 8
OUT = pathlib.Path(__file__).parent / "cohorts"
REGION_BASES = 80_000
SPACING_BASES = 10_200_000
FIRST_RS_NUMBER = 9_000_000_001
MISSING, BASES = 9, "ACGT"

# GRCh38.p14: length, and the stretch without usable sequence (centromere, heterochromatin, acrocentric arm), in bases.
CHROMOSOMES = {
    "1": (248956422, 121_700_000, 143_200_000), "2": (242193529, 91_800_000, 96_000_000),
    "3": (198295559, 87_800_000, 94_000_000), "4": (190214555, 48_200_000, 51_800_000),
    "5": (181538259, 46_100_000, 51_400_000), "6": (170805979, 58_500_000, 62_600_000),
    "7": (159345973, 58_100_000, 62_100_000), "8": (145138636, 43_200_000, 47_200_000),
    "9": (138394717, 42_200_000, 65_000_000), "10": (133797422, 38_000_000, 41_600_000),
    "11": (135086622, 51_000_000, 55_800_000), "12": (133275309, 33_200_000, 37_800_000),
    "13": (114364328, 0, 19_000_000), "14": (107043718, 0, 19_500_000), "15": (101991189, 0, 20_500_000),
    "16": (90338345, 35_300_000, 46_500_000), "17": (83257441, 22_700_000, 27_400_000),
    "18": (80373285, 15_400_000, 21_500_000), "19": (58617616, 24_200_000, 28_100_000),
    "20": (64444167, 25_700_000, 30_400_000), "21": (46709983, 0, 14_000_000), "22": (50818468, 0, 17_400_000),
    "X": (156040895, 58_100_000, 63_800_000),
}
# Kept per region and class of minor allele frequency: (lower bound, variants). Sequencing finds far more rare ones.
KEPT = ((0.05, 20), (0.01, 4), (0.0, 2))


@dataclasses.dataclass(frozen=True)
class Site:
    """How one organisation's files look. Real ones never agree on such things."""
    name: str
    country: str
    people: int
    id_format: str
    contig_prefix: str
    phased: bool
    disease_codes: tuple  # (absent, present)
    log_odds_shift: float  # how much more often people of this site have the disease
    haploid_x: bool  # men's X calls: "1", else "1/1"
    keeps_monomorphic: bool
    columns: tuple


SITES = (
    Site("nordbank", "SE", 1200, "NB{:05d}", "", True, (0, 1), 0.0, True, True,
         ("sample_id", "sex", "age", "bmi", "ldl", "t2d")),
    Site("klinik", "DE", 800, "KL-{:04d}", "chr", False, (1, 2), 0.4, False, False,
         ("patient", "age", "sex", "bmi", "ward", "t2d", "ldl")),
    Site("registre", "FR", 600, "R{:06d}", "", True, (0, 1), 2.1, True, True,
         ("id", "sex", "age", "bmi", "t2d", "ldl")),
)
PEOPLE = sum(site.people for site in SITES)
LDL_EFFECTS = (0.40, -0.33, 0.30, 0.27, -0.26)  # mmol/L per alternate allele
T2D_EFFECTS = (0.80, -0.72, 0.68, 0.62)  # log odds per alternate allele


@dataclasses.dataclass
class Variant:
    """One record before it is written: alleles[0] is the reference; haplotypes hold allele indices of all people."""
    chrom: str
    pos: int
    alleles: list
    haplotypes: np.ndarray
    region: int
    rsid: str = "."


def tennessen_europeans():
    demography = msprime.Demography()
    demography.add_population(name="EUR", initial_size=512_000, growth_rate=0.0195)
    for time, size, growth in ((205, 9_300, 0.00307), (920, 1_861, 0), (2_040, 14_474, 0), (5_920, 7_310, 0)):
        demography.add_population_parameters_change(time=time, initial_size=size, growth_rate=growth)
    return demography


def regions(rng):
    """One start per stretch of SPACING_BASES, at random within it, outside the stretches without sequence."""
    for chrom, (length, gap_start, gap_end) in CHROMOSOMES.items():
        count = 3 if chrom == "X" else round((length - (gap_end - gap_start)) / SPACING_BASES)
        for start in np.linspace(3_000_000, length - (gap_end - gap_start) - 3_000_000, count, endpoint=False):
            at = int(start + rng.uniform(0, 0.6) * SPACING_BASES)
            at = min(at, length - (gap_end - gap_start) - 1_000_000)
            yield chrom, at if at + REGION_BASES < gap_start else at + (gap_end - gap_start)


def simulate_region(seed):
    """Biallelic SNPs of one region: (offset, reference base, alternate base, haplotypes of 0 and 1).

    One more person is simulated; the reference genome is that person's first haplotype, so that the alternate allele
    is sometimes the commoner one, as in life.
    """
    tree = msprime.sim_ancestry(samples=PEOPLE + 1, demography=tennessen_europeans(), sequence_length=REGION_BASES,
                                recombination_rate=1.2e-8, random_seed=seed)
    tree = msprime.sim_mutations(tree, rate=1.29e-8, model=msprime.HKY(kappa=4.2), random_seed=seed)
    for variant in tree.variants():
        seen = np.bincount(variant.genotypes, minlength=4)
        if np.count_nonzero(seen) != 2:
            continue
        reference = variant.genotypes[-1]
        haplotypes = (variant.genotypes[:-2] != reference).astype(np.int8)
        alternate = next(i for i in np.flatnonzero(seen) if i != reference)
        if 0 < haplotypes.sum():
            yield int(variant.site.position), variant.alleles[reference], variant.alleles[alternate], haplotypes


def thin(rng, snps):
    frequency = np.array([haplotypes.mean() for *_, haplotypes in snps])
    minor = np.minimum(frequency, 1 - frequency)
    keep, upper = [], 1.0
    for lower, count in KEPT:
        candidates = np.flatnonzero((minor >= lower) & (minor < upper))
        keep += list(rng.choice(candidates, min(count, len(candidates)), replace=False))
        upper = lower
    return [snps[i] for i in sorted(keep)]


def random_bases(rng, count):
    return "".join(rng.choice(list(BASES), count))


def as_record(rng, chrom, start, region, snp, room):
    """A SNP as simulated or, for one in seventeen with room behind it, an insertion or deletion in its place."""
    offset, reference, alternate, haplotypes = snp
    alleles = [reference, alternate]
    if room > 12 and rng.random() < 0.06:
        other = next(base for base in BASES if base != reference)
        longer = reference + other + random_bases(rng, rng.integers(0, 5))
        alleles = [reference, longer] if rng.random() < 0.45 else [longer, reference]
    return Variant(chrom, start + offset, alleles, haplotypes, region)


def merge_into_multiallelic(rng, first, second):
    """Two neighbours become one site with two alternate alleles; a haplotype that has both keeps the second."""
    haplotypes = np.where(second.haplotypes == 1, 2, first.haplotypes).astype(np.int8)
    if rng.random() < 0.15:
        alleles = ["CA", "C", "CAA"]
    else:
        alleles = [first.alleles[0], first.alleles[1], next(b for b in BASES if b not in first.alleles)]
    return Variant(first.chrom, first.pos, alleles, haplotypes, first.region)


def simulate_variants(rng):
    variants = []
    for index, (chrom, start) in enumerate(regions(rng)):
        snps = thin(rng, list(simulate_region(SEED + index)))
        rooms = [b[0] - a[0] for a, b in zip(snps, snps[1:])] + [1000]
        records = [as_record(rng, chrom, start, index, snp, room) for snp, room in zip(snps, rooms)]
        if rng.random() < 0.17:
            at = rng.integers(len(records) - 1)
            pair = records[at:at + 2]
            if all(len(a) == 1 for v in pair for a in v.alleles):
                records[at:at + 2] = [merge_into_multiallelic(rng, *pair)]
        variants += records
    for number, variant in enumerate(variants):
        if rng.random() < 0.98:
            variant.rsid = f"rs{FIRST_RS_NUMBER + number}"
    return variants


def dosages(variant):
    return variant.haplotypes[0::2].astype(float) + variant.haplotypes[1::2]


def pick_planted(rng, variants):
    """Common, biallelic, each on its own chromosome; some neighbours in linkage, none that could stand in for it."""
    chosen, used = [], set()
    for at in rng.permutation(len(variants)):
        variant = variants[at]
        frequency = variant.haplotypes.mean()
        biallelic = len(variant.alleles) == 2 and variant.chrom != "X" and variant.rsid != "."
        if not biallelic or variant.chrom in used or not 0.25 < frequency < 0.6:
            continue
        neighbours = [v for v in variants if v.region == variant.region and v is not variant and len(v.alleles) == 2]
        own = dosages(variant)
        linkage = np.array([np.corrcoef(own, dosages(v))[0, 1] ** 2 for v in neighbours])
        if np.nanmax(linkage) < 0.8 and np.count_nonzero(linkage > 0.3) >= 4:
            chosen.append(variant)
            used.add(variant.chrom)
        if len(chosen) == len(LDL_EFFECTS) + len(T2D_EFFECTS):
            break
    return chosen[:len(LDL_EFFECTS)], chosen[len(LDL_EFFECTS):]


def centred_score(variants, effects):
    return sum(effect * (dosages(v) - dosages(v).mean()) for v, effect in zip(variants, effects))


def simulate_phenotypes(rng, sex, ldl_variants, t2d_variants):
    site_of = np.repeat(np.arange(len(SITES)), [site.people for site in SITES])
    age = np.clip(np.round(rng.normal(np.array([54, 58, 61])[site_of], 12)), 18, 92)
    bmi = np.round(np.clip(rng.normal(26.4 + 0.5 * (sex == 1), 4.1), 16, 55), 1)
    ldl = (3.3 + 0.012 * (age - 55) + 0.15 * (sex == 1) + 0.03 * (bmi - 26)
           + centred_score(ldl_variants, LDL_EFFECTS) + rng.normal(0, 0.85, PEOPLE))
    shift = np.array([site.log_odds_shift for site in SITES])[site_of]
    log_odds = -1.9 + 0.03 * (age - 55) + 0.09 * (bmi - 26) + shift + centred_score(t2d_variants, T2D_EFFECTS)
    t2d = (rng.random(PEOPLE) < 1 / (1 + np.exp(-log_odds))).astype(int)
    ldl = np.round(np.clip(ldl, 0.4, 12), 2)
    return {"sex": sex, "age": age.astype(int), "bmi": bmi, "ldl": ldl, "t2d": t2d}


class BgzfWriter:
    """Blocked gzip (SAM specification, section 4.1): blocks of 65,280 bytes, level 9, the empty block at the end."""

    def __init__(self, path):
        self.file, self.buffer = open(path, "wb"), bytearray()

    def write(self, data):
        self.buffer += data
        while len(self.buffer) >= 65_280:
            self._block(bytes(self.buffer[:65_280]))
            del self.buffer[:65_280]

    def _block(self, data):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
        body = deflate.compress(data) + deflate.flush()
        self.file.write(struct.pack("<4BI2BH2B2H", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25))
        self.file.write(body + struct.pack("<2I", zlib.crc32(data), len(data)))

    def close(self):
        if self.buffer:
            self._block(bytes(self.buffer))
        self._block(b"")
        self.file.close()


def vcf_header(site, ids):
    contigs = "".join(f"##contig=<ID={site.contig_prefix}{name},length={length},assembly=GRCh38>\n"
                      for name, (length, *_) in CHROMOSOMES.items())
    return ("##fileformat=VCFv4.2\n##source=make_cohorts.py, simulated people\n##reference=GRCh38\n"
            '##FILTER=<ID=PASS,Description="All filters passed">\n' + contigs
            + '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
            "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(ids) + "\n").encode()


def missing_rate(rng):
    """Share of missing calls at one site of a variant that is not called in everybody. Mean 0.8%."""
    return min(rng.beta(0.7, 0.7 / 0.008), 0.06)


def calls(rng, site, variant, haplotypes, sex, rate):
    """GT of every person of a site, as text."""
    first, second = haplotypes[0::2].copy(), haplotypes[1::2].copy()
    if not site.phased:
        first, second = np.minimum(first, second), np.maximum(first, second)
    men_x = (variant.chrom == "X") & (sex == 1)
    second[men_x] = first[men_x]
    lost = rng.random(len(first)) < rate
    half = lost & (rng.random(len(first)) < 0.04)
    first[lost] = MISSING
    second[lost & ~half] = MISSING
    between = "|" if site.phased else "/"
    text = {allele: str(allele) for allele in range(4)} | {MISSING: "."}
    pairs = {(a, b): f"{text[a]}{between if MISSING not in (a, b) else '/'}{text[b]}" for a in text for b in text}
    haploid = men_x & site.haploid_x
    return [text[a] if alone else pairs[a, b] for a, b, alone in zip(first.tolist(), second.tolist(), haploid.tolist())]


def without_unseen_alleles(alleles, haplotypes):
    seen = [0] + [i for i in range(1, len(alleles)) if (haplotypes == i).any()]
    renumber = np.zeros(len(alleles), dtype=np.int8)
    renumber[seen] = np.arange(len(seen))
    return [alleles[i] for i in seen], renumber[haplotypes]


def write_vcf(rng, site, start, variants, absent, fully_called, sex):
    ids = [site.id_format.format(i + 1) for i in range(site.people)]
    out = BgzfWriter(OUT / f"{site.name}.vcf.gz")
    out.write(vcf_header(site, ids))
    records = 0
    for index, variant in enumerate(variants):
        rate = 0.0 if index in fully_called else missing_rate(rng)
        alleles, haplotypes = variant.alleles, variant.haplotypes[2 * start:2 * (start + site.people)]
        if not site.keeps_monomorphic:
            alleles, haplotypes = without_unseen_alleles(alleles, haplotypes)
        if len(alleles) == 1 or absent.get(index) == site.name:
            continue
        row = calls(rng, site, variant, haplotypes, sex, rate)
        fixed = (site.contig_prefix + variant.chrom, str(variant.pos), variant.rsid, alleles[0], ",".join(alleles[1:]),
                 ".", "PASS", ".", "GT")
        out.write(("\t".join(fixed) + "\t" + "\t".join(row) + "\n").encode())
        records += 1
    out.close()
    return ids, records


def write_phenotypes(rng, site, start, ids, phenotypes):
    """About 2% of the values of ldl and t2d and 0.5% of bmi are NA; two people lack a row, two rows lack genotypes."""
    gone = {"ldl": 0.02, "t2d": 0.02, "bmi": 0.005}
    without_row = set(rng.choice(site.people, 2, replace=False).tolist())
    with open(OUT / f"{site.name}.phenotypes.tsv", "w", newline="\n") as out:
        out.write("\t".join(site.columns) + "\n")
        for i, person in enumerate(ids + [site.id_format.format(site.people + k) for k in (1, 2)]):
            at = start + min(i, site.people - 1)
            row = {name: str(values[at]) for name, values in phenotypes.items()}
            row["t2d"] = str(site.disease_codes[phenotypes["t2d"][at]])
            row["ward"] = ("cardiology", "endocrinology", "general")[int(rng.integers(3))]
            for name, rate in gone.items():
                if rng.random() < rate:
                    row[name] = "NA"
            row[site.columns[0]] = person
            if i not in without_row:
                out.write("\t".join(row[name] for name in site.columns) + "\n")


def write_planted(ldl_variants, t2d_variants):
    with open(OUT / "planted.tsv", "w", newline="\n") as out:
        out.write("trait\tchrom\tpos\tid\tref\talt\teffect_per_alt\n")
        for trait, variants, effects in (("ldl", ldl_variants, LDL_EFFECTS), ("t2d", t2d_variants, T2D_EFFECTS)):
            for v, effect in zip(variants, effects):
                out.write(f"{trait}\t{v.chrom}\t{v.pos}\t{v.rsid}\t{v.alleles[0]}\t{v.alleles[1]}\t{effect}\n")


def main():
    print(f"python {platform.python_version()}, msprime {msprime.__version__}, numpy {np.__version__}, "
          f"zlib {zlib.ZLIB_RUNTIME_VERSION}, seeds {SEED} and {PHENOTYPE_SEED}")
    OUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(SEED)
    variants = simulate_variants(rng)
    ldl_variants, t2d_variants = pick_planted(rng, variants)
    planted = {id(v) for v in ldl_variants + t2d_variants}
    absent = {i: SITES[rng.integers(3)].name for i, v in enumerate(variants)
              if rng.random() < 0.025 and id(v) not in planted}
    sex = rng.integers(1, 3, PEOPLE)
    fully_called = {i for i in range(len(variants)) if rng.random() < 0.4}
    phenotypes = simulate_phenotypes(np.random.default_rng(PHENOTYPE_SEED), sex, ldl_variants, t2d_variants)
    start = 0
    for site in SITES:
        ids, records = write_vcf(rng, site, start, variants, absent, fully_called,
                                 sex[start:start + site.people])
        write_phenotypes(rng, site, start, ids, phenotypes)
        cases = int(phenotypes["t2d"][start:start + site.people].sum())
        print(f"{site.name}: {site.people} people, {records} records, {cases} with t2d")
        start += site.people
    write_planted(ldl_variants, t2d_variants)


if __name__ == "__main__":
    main()
