#!/usr/bin/env python3
"""Measures Ligate beside plink2 and bcftools on the benchmark cohort and prints the tables of BENCHMARKS.md.

    python3 bench/make_cohort.py WORK                       # once; needs msprime, see there
    cargo build --release --workspace --bins --examples
    python3 bench/run.py WORK [--rounds 5] [--write]        # --write puts the tables into BENCHMARKS.md

Needs hyperfine, time, plink2, bcftools and tabix (Debian packages). Rounds are interleaved: each runs every command
once, so that a machine that gets slower or busier for a while touches all alike; figures are medians over the rounds.
Everything is written below WORK.
"""
import argparse
import dataclasses
import datetime
import gzip
import json
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target/release"
THREADS = 2
POSITION_SHARE = 0.37  # where in the file the looked-up site lies
BEGIN, END = "<!-- written by bench/run.py -->", "<!-- end -->"


@dataclasses.dataclass(frozen=True)
class Timed:
    """A command that is timed as a process; `clean` is removed, and `fresh` copied to "node", before each run."""
    table: str
    name: str
    command: str
    clean: tuple = ()
    fresh: str = ""


GWAS = "ligate gwas --dir node --dataset cohort --covariates sex,age,bmi"
GLM = (f"plink2 --threads {THREADS} --pfile cohort --pheno cohort.phenotypes.tsv --pheno-name {{trait}} "
       "--covar cohort.phenotypes.tsv --covar-name sex,age,bmi --mac 10 --glm omit-ref hide-covar{more} --out {out}")
LINEAR = GLM.format(trait="y", more="", out="plink-y")
LOGISTIC = "plink2 --1" + GLM.format(trait="d", more=" no-firth", out="plink-d").removeprefix("plink2")
COMMANDS = (
    Timed("load", "Ligate", "ligate ingest --dir node --dataset cohort --vcf cohort.vcf.gz --phenotypes cohort.phenotypes.tsv",
          fresh="empty-node"),
    Timed("load", "plink2", f"plink2 --threads {THREADS} --vcf cohort.vcf.gz --make-pgen --out cohort"),
    Timed("load", "bcftools", f"bcftools view --threads {THREADS} -Ob -o cohort.bcf cohort.vcf.gz"),
    Timed("linear", "Ligate", f"{GWAS} --trait y --out out-y", clean=("out-y",)),
    Timed("linear", "plink2", LINEAR),
    Timed("logistic", "Ligate, score tests, Wald where p < 0.001", f"{GWAS} --trait d --out out-d", clean=("out-d",)),
    Timed("logistic", "Ligate, Wald tests for all", f"{GWAS} --trait d --wald-below 1 --out out-d-wald", clean=("out-d-wald",)),
    Timed("logistic", "plink2, Wald tests for all", LOGISTIC),
    Timed("frequencies", "plink2", f"plink2 --threads {THREADS} --pfile cohort --freq counts --out plink-counts"),
    Timed("lookup", "Ligate", 'ligate sql --dir node "SELECT pos, ref, alt, ac, an FROM cohort.sites WHERE pos = POSITION"'),
    Timed("lookup", "bcftools", "bcftools query -r 22:POSITION -f '%POS %REF %ALT %AC' cohort.bcf"),
)
EXAMPLES = {
    "sums": "secure_sum_speed 1000000 5",
    "kernel": "kernel_speed",
    "lake": f"lake_speed cohort.vcf.gz {THREADS}",
}


def main():
    args = arguments()
    os.chdir(args.work)
    os.environ["PATH"] = os.pathsep.join([str(RELEASE), str(RELEASE / "examples"), os.environ["PATH"]])
    check_tools()
    load_before = os.getloadavg()[0]
    prepare_node()
    position = some_position()
    runs = {timed: [] for timed in COMMANDS}
    printed = {name: [] for name in EXAMPLES}
    for round_number in range(1, args.rounds + 1):
        for timed in COMMANDS:
            print(f"round {round_number}: {timed.table}, {timed.name}", file=sys.stderr)
            runs[timed].append(measure(timed, position))
            if timed.name == "bcftools" and timed.table == "load":
                subprocess.run(["bcftools", "index", "-f", "cohort.bcf"], check=True)
        for name, command in EXAMPLES.items():
            print(f"round {round_number}: {name}", file=sys.stderr)
            printed[name].append(subprocess.run(command.split(), check=True, text=True, capture_output=True).stdout)
    text = report(runs, printed, args.rounds, load_before)
    pathlib.Path("results.md").write_text(text)
    print(text)
    if args.write:
        write_into(ROOT / "BENCHMARKS.md", text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path, help="the folder with the cohort")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the tables into BENCHMARKS.md")
    return parser.parse_args()


def check_tools():
    missing = [tool for tool in ("ligate", "lake_speed", "hyperfine", "time", "plink2", "bcftools") if not shutil.which(tool)]
    if missing:
        sys.exit(f"not found: {', '.join(missing)}; build with cargo, install the rest")
    if not pathlib.Path("cohort.vcf.gz").exists():
        sys.exit("no cohort.vcf.gz here: run make_cohort.py first")


def prepare_node():
    """An empty node with as many threads as the other programs get."""
    shutil.rmtree("empty-node", ignore_errors=True)
    quiet("ligate init --dir empty-node --name bench --country SE".split())
    config = pathlib.Path("empty-node/ligate.toml")
    text, changed = re.subn(r"(?m)^threads = \d+", f"threads = {THREADS}", config.read_text())
    if changed != 1:
        sys.exit("ligate.toml has no line for threads")
    config.write_text(text)


def quiet(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def some_position():
    """The position of a site well inside the file."""
    query = subprocess.run(["bcftools", "query", "-f", "%POS\n", "cohort.vcf.gz"], check=True, text=True,
                           capture_output=True) if not pathlib.Path("positions.txt").exists() else None
    if query:
        pathlib.Path("positions.txt").write_text(query.stdout)
    positions = pathlib.Path("positions.txt").read_text().split()
    return positions[int(POSITION_SHARE * len(positions))]


def measure(timed, position):
    """Seconds and peak memory in MB of one run."""
    for path in timed.clean:
        shutil.rmtree(path, ignore_errors=True)
    if timed.fresh:
        shutil.rmtree("node", ignore_errors=True)
        shutil.copytree(timed.fresh, "node")
    command = "time -o memory.txt -f %M " + timed.command.replace("POSITION", position)
    quiet(["hyperfine", "--shell=none", "--runs", "1", "--style", "none", "--export-json", "time.json", command])
    seconds = json.loads(pathlib.Path("time.json").read_text())["results"][0]["times"][0]
    return seconds, int(pathlib.Path("memory.txt").read_text().split()[-1]) * 1024 / 1e6


def report(runs, printed, rounds, load_before):
    sections = [
        machine(rounds, load_before),
        "### Load\n\n" + timings(runs, "load"),
        "### Size on disk\n\n" + sizes(),
        "### Linear GWAS\n\n" + timings(runs, "linear") + "\n" + agreement("out-y/y.gwas.tsv.gz", "plink-y.y.glm.linear", "BETA", 1),
        "### Logistic GWAS\n\n" + timings(runs, "logistic") + "\n"
        + agreement("out-d-wald/d.gwas.tsv.gz", "plink-d.d.glm.logistic", "OR", 1),
        "### Allele counts of all people\n\n" + counts(runs, printed["lake"]),
        "### One site by its position\n\n" + timings(runs, "lookup"),
        "### Secure sums\n\n" + sums(printed["sums"]),
        "### Kernels\n\n" + kernels(printed["kernel"]),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def machine(rounds, load_before):
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) * 1024 / 1e9
    versions = [first_line("ligate --version"), first_line("plink2 --version"), first_line("bcftools --version"),
                first_line("hyperfine --version")]
    shared = "idle otherwise" if load_before < 0.5 else "shared with other work: compare within a table only"
    return (f"{datetime.date.today()}; {os.cpu_count()} cores, {cpu}, {memory:.0f} GB; load average {load_before:.1f} before "
            f"the run and {os.getloadavg()[0]:.1f} at its end ({shared}).  \n{'; '.join(versions)}.  \n"
            f"Medians of {rounds} interleaved rounds, {THREADS} threads for every program; files are in the page cache.")


def first_line(command):
    return re.sub(r"\s+", " ", subprocess.run(command.split(), text=True, capture_output=True).stdout.splitlines()[0])


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 2) + ["---"], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def timings(runs, name):
    rows = [(timed, medians(of)) for timed, of in runs.items() if timed.table == name]
    own = rows[0][1][0]
    return table(["", "s", "times Ligate", "peak MB", "command"],
                 [[timed.name, significant(seconds), f"{seconds / own:.2f}", f"{memory:.0f}", f"`{timed.command}`"]
                  for timed, (seconds, memory) in rows])


def medians(of):
    return statistics.median(run[0] for run in of), statistics.median(run[1] for run in of)


def significant(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def sizes():
    genotypes = genotype_count()
    rows = [
        ("Ligate snapshot, with counts and phenotypes", tree_bytes("node/datasets/cohort/snapshots"), "node/datasets/cohort/snapshots/*"),
        ("PGEN + pvar + psam", sum(pathlib.Path(f"cohort.{end}").stat().st_size for end in ("pgen", "pvar", "psam")),
         "cohort.pgen cohort.pvar cohort.psam"),
        ("BCF", pathlib.Path("cohort.bcf").stat().st_size, "cohort.bcf"),
        ("vcf.gz", pathlib.Path("cohort.vcf.gz").stat().st_size, "cohort.vcf.gz"),
    ]
    own = rows[0][1]
    return table(["", "MB", "times Ligate", "bytes per genotype", "files"],
                 [[name, f"{size / 1e6:.2f}", f"{size / own:.2f}", f"{size / genotypes:.4f}", f"`{files}`"]
                  for name, size, files in rows])


def genotype_count():
    datasets = json.loads(subprocess.run("ligate datasets --dir node --json".split(), check=True, text=True,
                                         capture_output=True).stdout)
    return datasets[0]["individuals"] * datasets[0]["variants"]


def tree_bytes(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def agreement(own_path, plink_path, effect, digits):
    """How far the two programs' results are apart, in standard errors, where both have one for a biallelic site."""
    own, columns = {}, None
    with gzip.open(own_path, "rt") as lines:
        columns = next(lines).rstrip("\n").split("\t")
        at = [columns.index(name) for name in ("base_pair_location", "other_allele", "effect_allele", "beta", "standard_error")]
        for line in lines:
            position, ref, alt, beta, error = (line.rstrip("\n").split("\t")[index] for index in at)
            own[position, ref, alt] = (beta, error)
    worst, both, theirs = 0.0, 0, 0
    with open(plink_path) as lines:
        columns = next(lines).rstrip("\n").split("\t")
        at = [columns.index(name) for name in ("POS", "REF", "ALT", effect)]
        for line in lines:
            position, ref, alt, value = (line.rstrip("\n").split("\t")[index] for index in at)
            found = own.get((position, ref, alt))
            theirs += value != "NA"
            if found and "#NA" not in found and "NA" not in (value, *found):
                both += 1
                worst = max(worst, abs(float(found[0]) - natural(effect, float(value))) / float(found[1]))
    return (f"Ligate reports {len(own):,} variants and plink2 {theirs:,}; of {both:,} with the same key in both the effects "
            f"differ by {worst:.{digits}g} standard errors at the most.")


def natural(effect, value):
    return math.log(value) if effect == "OR" else value


def counts(runs, printed):
    plink = next(medians(of) for timed, of in runs.items() if timed.table == "frequencies")
    scan = median_of(r"scan of all, counting alleles: ([\d.]+) s", printed)
    keyed = median_of(r"scan of a list of all keys: ([\d.]+) s", printed)
    ten = median_of(r"scan of ten keys: ([\d.]+) s", printed)
    digests = median_of(r"digests of all files: ([\d.]+) s", printed)
    lake, command = f"`{EXAMPLES['lake']}`", next(timed.command for timed in runs if timed.table == "frequencies")
    return table(["", "s", "times Ligate", "command"], [
        ["Ligate, scan of all variants in the process", f"{scan:.3f}", "1.00", lake],
        ["Ligate, the same by a list of all keys", f"{keyed:.3f}", f"{keyed / scan:.2f}", lake],
        ["Ligate, ten keys", f"{ten:.3f}", f"{ten / scan:.2f}", lake],
        ["Ligate, SHA-256 of all files", f"{digests:.3f}", f"{digests / scan:.2f}", lake],
        ["plink2, the whole process, counts written", f"{plink[0]:.3f}", f"{plink[0] / scan:.2f}", f"`{command}`"],
    ])


def median_of(pattern, texts):
    return statistics.median(float(re.search(pattern, text)[1]) for text in texts)


def sums(printed):
    rows = []
    for nodes in (3, 7):
        figures = [[float(value) for value in re.search(rf"(?m)^{nodes}\t(.*)$", text)[1].split("\t")] for text in printed]
        masked, plain, ratio = (statistics.median(column) for column in zip(*figures))
        rows.append([f"{nodes} nodes, 1,000,000 words", f"{masked:.1f}", f"{plain:.1f}", f"{ratio:.2f}", f"`{EXAMPLES['sums']}`"])
    return table(["", "masked, ms", "without masks, ms", "ratio", "command"], rows)


def kernels(printed):
    lines = [line for line in printed[0].splitlines() if re.match(r"  \S", line)]
    names = [re.split(r"\s{2,}", line.strip())[0] for line in lines]
    values = [[re.split(r"\s{2,}", line.strip())[1] for line in text.splitlines() if re.match(r"  \S", line)] for text in printed]
    medians_of = [statistics.median(float(run[index]) for run in values) for index in range(len(names))]
    half = len(names) // 2
    rows = [[names[i], f"{medians_of[i]:.2f}", f"{medians_of[half + i]:.2f}", f"`{EXAMPLES['kernel']}`"] for i in range(half)]
    return table(["G genotypes per second, one thread", "common variants", "realistic spectrum", "command"], rows)


def write_into(path, text):
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
