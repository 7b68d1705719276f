#!/bin/sh
# sbom.sh OS ARCH FILE PROGRAM...: writes the SBOM of programs for a platform. Runs in dist/.
set -e
os=$1 arch=$2 file=$3
shift 3
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
for program; do
  cp ./"$program"_"$os"_"$arch"*/"$program" "$programs"
done
../bin/tagwatch-worker sbom "$programs" >"$file"
