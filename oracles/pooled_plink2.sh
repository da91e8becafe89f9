#!/usr/bin/env bash
# Pools a folder of sites (NAME.vcf.gz + NAME.phenotypes.tsv) and runs plink2 on it: the oracle of federated GWAS.
#
#     oracles/pooled_plink2.sh SITES_DIR WORK_DIR [EVERY]
#
# Leaves in WORK_DIR: pooled.{pgen,pvar,psam}, pooled.phenotypes.tsv, and expected.PEOPLE.TRAIT.tsv.gz, with PEOPLE
# "complete" (people with the trait and all covariates) or "all-variables" (people with both traits and all
# covariates). EVERY = 28 keeps each 28th variant and the planted ones. Traits ldl and t2d, covariates sex, age, bmi.
# Needs bcftools, plink2 and python3 (standard library only).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sites=$1 work=$2 every=${3:-1}
mkdir -p "$work"
for n in $(seq 22) X Y M; do echo "chr$n ${n/M/MT}"; done > "$work/contigs.txt"

pool_genotypes() {
    local merged=()
    for vcf in "$sites"/*.vcf.gz; do
        local site; site=$(basename "$vcf" .vcf.gz)
        bcftools query -l "$vcf" | sed "s/^/$site:/" > "$work/$site.samples"
        bcftools reheader -s "$work/$site.samples" "$vcf" |
            bcftools annotate --rename-chrs "$work/contigs.txt" -x INFO -Ou |
            bcftools norm -m- -Ob -o "$work/$site.bcf"
        bcftools index -f "$work/$site.bcf"
        merged+=("$work/$site.bcf")
    done
    bcftools merge -m none "${merged[@]}" -Oz -o "$work/pooled.vcf.gz"
    plink2 --vcf "$work/pooled.vcf.gz" --vcf-half-call missing --autosome --set-all-var-ids '@:#:$r:$a' \
        --new-id-max-allele-len 1000 --make-pgen --out "$work/pooled"
}

associate() {
    local people=$1
    plink2 --pfile "$work/pooled" --pheno "$work/pooled.phenotypes.tsv" --pheno-name ldl,t2d \
        --covar "$work/pooled.phenotypes.tsv" --covar-name sex,age,bmi --keep "$work/$people.keep" \
        --1 --glm omit-ref hide-covar no-firth cols=+beta,-orbeta --out "$work/$people"
}

pool_genotypes
python3 "$here/expected.py" phenotypes "$sites" "$work"
for people in complete all-variables; do
    associate "$people"
    for result in ldl.glm.linear t2d.glm.logistic; do
        python3 "$here/expected.py" table "$work/$people.$result" "$work/expected.$people.${result%%.*}.tsv.gz" "$sites/planted.tsv" \
            "$every" "$(plink2 --version); $(bcftools --version | head -1)"
    done
done
