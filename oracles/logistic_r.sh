#!/usr/bin/env bash
# R's glm (epsilon 1e-12) and R's Rao score test on 50 variants without missing calls, for trait t2d.
#
#     oracles/pooled_plink2.sh SITES_DIR WORK_DIR && oracles/logistic_r.sh SITES_DIR WORK_DIR [all]
#
# glm gets 50 variants with missing calls, or with "all" every one that has an estimate (a minute for 6,000).
# Leaves WORK_DIR/expected.glm.t2d.tsv.gz and WORK_DIR/expected.rao.t2d.tsv.gz. People with t2d and all covariates.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sites=$1 work=$2 how_many=${3:-50}
python3 "$here/expected.py" pick "$work/complete.t2d.glm.logistic" "$sites/planted.tsv" "$work" "$how_many"
for kind in glm rao; do
    plink2 --pfile "$work/pooled" --extract "$work/$kind.variants" --export A --out "$work/$kind" > /dev/null
    Rscript --vanilla "$here/logistic.R" "$kind" "$work" > "$work/$kind.tsv"
    python3 "$here/expected.py" r "$kind" "$work" "$(R --version | head -1); $(plink2 --version)"
done
