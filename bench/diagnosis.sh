#!/bin/sh
# Every figure of the section "Diagnosis" in BENCHMARKS.md.
#
#   bench/diagnosis.sh CASES DATA
#
# CASES: solved cases as phenopackets (.jsonl, also .zst), here the phenopacket-store 0.1.24.
# DATA: a folder with genes/, chains/, frequencies/ and clinical/ (docs/diagnosis.md names the files).
# The knowledge is the file that comes with the program. The accuracy takes about half an hour on two cores.
set -eu
cases=$1 data=$2
knowledge=crates/node/knowledge/hpo-2025-01-16.ligk
clinic() { cargo run --release --quiet -p ligate-clinic --example "$@"; }
evaluation() { cargo run --release --quiet -p ligate-evaluation --example "$@"; }

cargo build --release -p ligate
evaluation figures -- "$knowledge" "$cases"                       # accuracy, calibration, curves of counts and noise
evaluation exome -- "$knowledge" "$cases" "$data"                 # the same with each case's variants in one exome
LIGATE_SHARED=$(dirname "$data") clinic matching              # matching of patients; DATA is SHARED/data here

# Time of a case: phenotype_bench HPO_FOLDER MONDO CASES, with the releases that NOTICE.md of the knowledge names.
[ -z "${HPO-}" ] || clinic phenotype_bench -- "$HPO" "$MONDO" "$cases"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ligate=target/release/ligate
"$ligate" knowledge build --from "$data/genes" "$data/chains" "$data/frequencies" --out "$work/full.ligk" >/dev/null
measure() { # wall seconds and peak memory of whole processes, five times
    for _ in 1 2 3 4 5; do
        /usr/bin/time -f '%e s, %M KB' "$ligate" diagnose "$data/clinical/pfeiffer-phenopacket.json" --out "$work/report" \
            "$@" >/dev/null
    done
}
echo "diagnose, phenotype only, cold start to report:"
measure
echo "diagnose with an exome of 37,709 records:"
measure --knowledge "$work/full.ligk" --vcf "$data/clinical/pfeiffer-exome.vcf.gz"
if command -v python3 >/dev/null; then
    python3 bench/make_genome.py "$data/clinical/pfeiffer-exome.vcf.gz" "$work/genome.vcf.gz" 5000000
    echo "diagnose with a genome of 5,000,000 records:"
    measure --knowledge "$work/full.ligk" --vcf "$work/genome.vcf.gz"
fi
