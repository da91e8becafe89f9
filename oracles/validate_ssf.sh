#!/usr/bin/env bash
# Validates a GWAS-SSF table and the metadata beside it with the GWAS Catalog's own tools.
#
#     oracles/validate_ssf.sh T.gwas.tsv.gz [VENV]
#
# The tools come from PyPI into VENV (default: a folder in the cache). Their own requirements are too loose to start
# with today's numpy and click, hence the two bounds, and they forget six. Ends with 77 where they cannot be had.
set -euo pipefail
table=$1
venv=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/ligate-gwas-ssf}
if [ ! -x "$venv/bin/gwas-ssf" ]; then
    { python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 10 \
            gwas-sumstats-tools==1.0.25 'numpy<2' 'click<8.2' six 'setuptools<81'; } ||
        { echo "gwas-sumstats-tools cannot be installed" >&2; exit 77; }
fi
rows=$(($(gzip -dc "$table" | wc -l) - 1))
verdict=$("$venv/bin/gwas-ssf" validate --min-rows "$rows" "$table")
echo "$verdict"
# gwas-ssf ends with 0 whatever it finds.
grep -q "Data table is valid" <<< "$verdict"
"$venv/bin/python" - "$table" << 'END'
import hashlib, sys, yaml
from gwas_sumstats_tools.schema.metadata import SumStatsMetadata
table = sys.argv[1]
with open(table + "-meta.yaml") as file:
    metadata = SumStatsMetadata.parse_obj(yaml.safe_load(file))
with open(table, "rb") as file:
    assert metadata.data_file_md5sum == hashlib.md5(file.read()).hexdigest(), "the metadata's MD5 is another file's"
print("Metadata are valid:", metadata.data_file_name, metadata.author_notes)
END
