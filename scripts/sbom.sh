#!/bin/sh
# Write the software bill of materials: what stands in the run-time lock, with its hashes, as CycloneDX JSON.
# The same lock gives the same bytes, on any machine. Usage: scripts/sbom.sh BIN FILE
set -eu

bin=$1 file=$2
cd "$(dirname "$0")/.."
# the library warns that a lock tells nothing of who needs whom: that is so
PYTHONWARNINGS=ignore exec "$bin/cyclonedx-py" requirements requirements.lock \
    --pyproject pyproject.toml --mc-type application --spec-version 1.6 --output-reproducible -o "$file"
