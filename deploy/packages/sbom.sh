#!/bin/sh
# sbom.sh OS ARCH FILE: writes the SBOM of the programs for a platform. Runs in dist/.
set -e
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
cp ./*_"$1"_"$2"*/tagwatch* "$programs"
../bin/tagwatch-worker sbom "$programs" >"$3"
