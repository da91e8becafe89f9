#!/usr/bin/env python3
"""Measures what the span rule costs of a study over three nodes: seconds, share of the run, and peak memory of a node.

    pip install -r bench/requirements.txt
    cargo build --release -p ligate
    python3 bench/rule_cost.py WORK [--people 10000] [--variants 50000] [--columns 0,100,300] [--rounds 5]

Made people (half of them at the first node, 30% and 20% at the others) with independent variants; one data user for each
account. Before the timed studies an account is filled by studies with sixty covariates each. A timed study has four covariates
and a trait of its own. `ligate gwas --json` says how long each stage took: the rule is "choosing the people", in which the
nodes also lay out the values of the study, and "what was shown before". Writing the new columns is in "counting alleles".
Medians over the rounds; peak memory is that of the first node from the beginning of a study to its end (VmHWM), in servers
that were started anew for each account. Everything is written below WORK, which must not exist.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIGATE = os.environ.get("LIGATE", str(ROOT / "target/release/ligate"))
NODES = {"north": 0.5, "centre": 0.3, "south": 0.2}
COVARIATES = ("sex", "age", "bmi", "smoking")
FILLERS_PER_STUDY = 60
RULE = ("choosing the people", "what was shown before")


def main():
    args = arguments()
    args.work.mkdir(parents=True)
    rng = np.random.default_rng(1)
    fillers = max(args.columns) + FILLERS_PER_STUDY
    studies = (args.rounds + 8) * len(args.columns)
    network = Network(args.work, [f"filler{number}" for number in range(fillers)], [f"trait{number}" for number in range(studies)])
    for number, (name, share) in enumerate(NODES.items()):
        network.make_node(name, "SE", rng, int(args.people * share), args.variants, number)
    try:
        network.serve()
        rows = [row for columns in args.columns for row in measure(network, columns, args)]
    finally:
        network.stop()
    print(machine())
    print(table(rows, args))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--variants", type=int, default=50_000)
    parser.add_argument("--columns", type=lambda text: [int(word) for word in text.split(",")], default=[0, 100, 300])
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def ligate(*words):
    done = subprocess.run([LIGATE, *map(str, words)], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"ligate {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


class Network:
    """Three nodes, and an access body that also coordinates."""

    def __init__(self, work, fillers, traits):
        self.work, self.fillers, self.traits = work, fillers, traits
        self.next_trait = self.next_filler = 0
        self.servers = {}
        ligate("init", "--dir", work / "hdab", "--name", "hdab", "--country", "EE")

    def make_node(self, name, country, rng, people, variants, number):
        vcf, values = self.work / f"{name}.vcf", self.work / f"{name}.tsv"
        write_vcf(vcf, rng, name, people, variants)
        write_values(values, rng, name, people, [*self.fillers, *self.traits])
        ligate("init", "--dir", self.work / name, "--name", name, "--country", country)
        ligate("ingest", "--dir", self.work / name, "--dataset", "cohort", "--vcf", vcf, "--phenotypes", values)
        vcf.unlink()
        print(f"{name}: {people} people, {variants} variants", file=sys.stderr)

    def serve(self):
        names = [*NODES, "hdab"]
        addresses = {}
        for name in names:
            command = [LIGATE, "serve", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--dir", str(self.work / name)]
            self.servers[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                                  stderr=subprocess.DEVNULL)
            addresses[name] = self.servers[name].stdout.readline().strip()
        for own in names:
            for other in names:
                if other != own:
                    key = (self.work / other / "keys/node.pub").read_text().strip()
                    roles = ["--issuer", "--coordinator"] if other == "hdab" else []
                    ligate("peer", "add", "--dir", self.work / own, "--name", other, "--key", key, "--address",
                           addresses[other], "--country", "SE", *roles)

    def stop(self):
        for server in self.servers.values():
            server.stdin.close()
            server.wait()
        self.servers = {}

    def data_user(self, name):
        key, permit = self.work / f"{name}.key", self.work / f"{name}.jws"
        ligate("key", "--out", key)
        datasets = [word for node in NODES for word in ("--dataset", f"{node}/cohort")]
        ligate("permit", "issue", "--dir", self.work / "hdab", "--user", name, "--user-key", key.with_suffix(".pub"), *datasets,
               "--purpose", "research", "--about", "a benchmark", "--variables",
               ",".join([*COVARIATES, *self.fillers, *self.traits]), "--out", permit)
        return key, permit

    def study(self, user, covariates):
        """Seconds of the whole command and of its stages, peak memory of the first node in MB, processor seconds of all."""
        key, permit = user
        trait = self.traits[self.next_trait]
        self.next_trait += 1
        server = pathlib.Path(f"/proc/{self.servers['north'].pid}")
        (server / "clear_refs").write_text("5")
        before, began = self.processor_seconds(), time.monotonic()
        said = ligate("gwas", "--dir", self.work / "hdab", "--permit", permit, "--key", key, "--trait", trait, "--covariates",
                      ",".join(covariates), "--out", self.work / "results", "--json")
        seconds = time.monotonic() - began
        memory = int(re.search(r"VmHWM:\s*(\d+)", (server / "status").read_text())[1]) * 1024 / 1e6
        return seconds, json.loads(said)["seconds"], memory, self.processor_seconds() - before

    def processor_seconds(self):
        """Of all servers so far, and of the commands that have ended."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        ticks = 0
        for server in self.servers.values():
            fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK") + children.ru_utime + children.ru_stime

    def fill(self, user, columns):
        """Shows a data user so many columns more."""
        while columns > 0:
            count = min(columns - 1, FILLERS_PER_STUDY) or 1
            self.study(user, self.fillers[self.next_filler:self.next_filler + count])
            self.next_filler += count
            columns -= count + 1

    def shown(self, name):
        told = json.loads(ligate("ledger", "show", "--json", "--dir", self.work / "north"))
        return next((account["used"]["columns"] for account in told["inside"] if account["data_user"] == name), 0)


def write_vcf(path, rng, name, people, variants):
    head = "##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
    with open(path, "wb") as out:
        out.write((head + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
                   + "\t".join(f"{name}-{person}" for person in range(people)) + "\n").encode())
        calls = np.frombuffer(b"\t0/0" * people, dtype=np.uint8).copy()
        # The same variants at every node, rarer ones more often.
        frequencies = 0.01 * 50 ** np.random.default_rng(2).random(variants)
        for variant, frequency in enumerate(frequencies):
            alleles = (rng.random((2, people), dtype=np.float32) < frequency).astype(np.uint8) + ord("0")
            calls[1::4], calls[3::4] = alleles.min(axis=0), alleles.max(axis=0)
            out.write(f"1\t{1000 * (variant + 1)}\t.\tA\tG\t.\tPASS\t.\tGT".encode() + calls.tobytes() + b"\n")


def write_values(path, rng, name, people, normal):
    values = np.column_stack([rng.integers(1, 3, people), rng.integers(30, 80, people), rng.normal(26, 4, people).round(1),
                              rng.integers(0, 2, people), rng.normal(5, 1, (people, len(normal))).round(2)])
    with open(path, "w", newline="\n") as out:
        out.write("\t".join(["id", *COVARIATES, *normal]) + "\n")
        for person in range(people):
            out.write(f"{name}-{person}\t" + "\t".join(f"{value:g}" for value in values[person]) + "\n")


def measure(network, columns, args):
    """The rounds of one account; an empty one is another data user's in each round."""
    runs, shown = [], []
    user = None if columns == 0 else network.data_user(f"user{columns}")
    if user:
        # The timed studies' own covariates are shown before, too.
        network.study(user, COVARIATES)
        network.fill(user, columns - network.shown(f"user{columns}"))
    network.stop()
    network.serve()
    for number in range(args.rounds):
        if columns == 0:
            user = network.data_user(f"fresh{number}")
        shown.append(0 if columns == 0 else network.shown(f"user{columns}"))
        runs.append(network.study(user, COVARIATES))
        print(f"{shown[-1]} columns: {runs[-1]}", file=sys.stderr)
    yield shown, runs


def table(rows, args):
    lines = ["| columns shown before | the whole command, s | choosing the people, s | what was shown before, s | the rule's share | "
             "processor seconds of all processes | peak memory, MB |",
             "|---:|---:|---:|---:|---:|---:|---:|"]
    for shown, runs in rows:
        whole, memory, processor = (statistics.median(run[place] for run in runs) for place in (0, 2, 3))
        stages = [statistics.median(run[1][name] for run in runs) for name in RULE]
        share = statistics.median(sum(run[1][name] for name in RULE) / run[0] for run in runs)
        columns = f"{min(shown)} to {max(shown)}" if max(shown) > min(shown) else str(shown[0])
        lines.append(f"| {columns} | {whole:.2f} | {stages[0]:.3f} | {stages[1]:.3f} | {share:.1%} | {processor:.2f} | {memory:.0f} |")
    return f"{args.people:,} people, {args.variants:,} variants, medians of {args.rounds}:\n\n" + "\n".join(lines) + "\n"


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    return f"{os.cpu_count()} cores, {cpu}; load average {os.getloadavg()[0]:.1f} at the end.\n"


if __name__ == "__main__":
    main()
