"""Fills an exome up to a genome's number of records, for timing only: single-base records are added between those of
the exome, one in ten homozygous, with the exome's header and sample. The result is no real genome.

    python3 bench/make_genome.py EXOME.vcf.gz OUT.vcf.gz RECORDS
"""

import gzip
import random
import sys

LENGTHS = {str(n): length for n, length in enumerate(
    [249, 243, 198, 191, 180, 171, 159, 146, 141, 135, 135, 133, 115, 107, 102, 90, 81, 78, 59, 63, 48, 51], start=1)}
LENGTHS["X"] = 155


def main(source, target, records):
    rng = random.Random(1)
    header, own = [], {name: [] for name in LENGTHS}
    with gzip.open(source, "rt") as lines:
        for line in lines:
            if line.startswith("#"):
                header.append(line)
                continue
            contig, position = line.split("\t", 2)[:2]
            if contig in own:
                own[contig].append((int(position), line))
    missing = records - sum(map(len, own.values()))
    total = sum(LENGTHS.values())
    with gzip.open(target, "wt", compresslevel=1) as out:
        out.writelines(header)
        for contig, length in LENGTHS.items():
            added = [(rng.randrange(1_000_000, length * 1_000_000 - 1_000_000), None)
                     for _ in range(missing * length // total)]
            for position, line in sorted(own[contig] + added, key=lambda pair: pair[0]):
                out.write(line or record(rng, contig, position))


def record(rng, contig, position):
    reference, alternate = rng.sample("ACGT", 2)
    genotype = "1/1" if rng.random() < 0.1 else "0/1"
    return f"{contig}\t{position}\t.\t{reference}\t{alternate}\t200\tPASS\tDP=30\tGT:AD:DP:GQ\t{genotype}:15,15:30:99\n"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
