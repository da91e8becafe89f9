#!/bin/sh
# Writes plink2.linear.tsv and plink2.logistic.tsv from the cohort in ../data.
#
#   sh plink2.sh          (PLINK v2.00a3.5 9 Aug 2022)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -F'\t' -v OFS='\t' '
  NR == FNR { if (FNR > 1) id[FNR - 1] = $1; people = FNR - 1; next }
  FNR == 1 { variants = NF; for (v = 1; v <= NF; v++) name[v] = $v; next }
  { for (v = 1; v <= NF; v++) call[v, FNR - 1] = $v == "NA" ? "./." : $v == 2 ? "1/1" : $v == 1 ? "0/1" : "0/0" }
  END {
    print "##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">"
    printf "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"
    for (p = 1; p <= people; p++) printf "\t%s", id[p]
    for (v = 1; v <= variants; v++) {
      printf "\n1\t%d\t%s\tA\tC\t.\t.\t.\tGT", v * 1000, name[v]
      for (p = 1; p <= people; p++) printf "\t%s", call[v, p]
    }
    print ""
  }' "$here/../data/people.tsv" "$here/../data/genotypes.tsv" > "$work/cohort.vcf"
sed '1s/^id/#IID/' "$here/../data/people.tsv" > "$work/people.tsv"
for trait in ldl t2d; do
  plink2 --vcf "$work/cohort.vcf" --pheno "$work/people.tsv" --pheno-name $trait --covar "$work/people.tsv" \
    --covar-name age,arm,pc --1 --glm omit-ref hide-covar no-firth cols=+beta,-orbeta,+err --out "$work/out" > "$work/log"
done
version=$(plink2 --version)
for family in linear logistic; do
  { echo "# sh plink2.sh ($version)"; cat "$work"/out.*.glm.$family; } > "$here/plink2.$family.tsv"
done
