"""Lifts positions with pyliftover, an independent reader of UCSC chain files.

    python3 liftover.py CHAINS_FOLDER OUT_FOLDER      (pip install pyliftover==0.4.1)

Writes expected.FROM-TO.tsv: contig and position (from 1), then contig, position (from 1) and strand in the other
assembly, or '.' where no chain aligns the base. Positions are the edges of blocks and their neighbours, random places
in blocks and gaps, and random places of every contig, from a fixed seed; the best-scoring chain is taken.
"""

import gzip
import random
import sys
from importlib.metadata import version

from pyliftover import LiftOver

CHROMOSOMES = {f"chr{name}" for name in [*range(1, 23), "X", "Y", "M"]}


def blocks(path):
    """Start and end of every block, from 0, and the gaps behind them."""
    found, gaps = [], []
    for line in gzip.open(path, "rt"):
        fields = line.split()
        if line.startswith("chain"):
            contig, size, at = fields[2], int(fields[3]), int(fields[5])
        elif fields:
            end = at + int(fields[0])
            if contig in CHROMOSOMES:
                found.append((contig, size, at, end))
                if len(fields) == 3 and int(fields[1]) > 0:
                    gaps.append((contig, end, end + int(fields[1])))
            at = end + (int(fields[1]) if len(fields) == 3 else 0)
    return found, gaps


def positions(path, chance):
    found, gaps = blocks(path)
    places = set()
    for contig, size, start, end in chance.sample(found, 150):
        near = (start - 1, start, end - 1, end, chance.randrange(start, end))
        places.update((contig, at) for at in near if 0 <= at < size)
    places.update((contig, chance.randrange(start, end)) for contig, start, end in chance.sample(gaps, 60))
    for contig, size in sorted({(contig, size) for contig, size, _, _ in found}):
        places.update((contig, chance.randrange(size)) for _ in range(10))
    return sorted(places)


def lines(path, seed):
    lift = LiftOver(path)
    for contig, at in positions(path, random.Random(seed)):
        best = lift.convert_coordinate(contig, at)[:1]
        to = "\t".join((best[0][0], str(best[0][1] + 1), best[0][2])) if best else ".\t.\t."
        yield f"{contig}\t{at + 1}\t{to}\n"


chains, out = sys.argv[1:]
for name, seed in (("hg19ToHg38", 1), ("hg38ToHg19", 2)):
    with open(f"{out}/expected.{name}.tsv", "w") as file:
        file.write(f"# pyliftover {version('pyliftover')}, {name}.over.chain.gz, liftover.py\n")
        file.writelines(lines(f"{chains}/{name}.over.chain.gz", seed))
