#!/usr/bin/env bash
# release.sh VERSION: builds a release of this commit into dist/. Two runs on one
# commit, with one version of Go, give the same bytes.
#
#   RELEASE_KEY    file of a private key of OpenSSH to sign with; without it, nothing is signed
#   RELEASE_IMAGE  reference to push the image to; without it, there is no image
#   CHART_IMAGE    repository of the image that the Helm chart names; that of RELEASE_IMAGE by default
#   BASE_IMAGE     reference of the image below the programs
#   BUILDER        URL that the provenance names as who ran the build
#   GORELEASER     module of goreleaser, with its version, or the path of its program
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "release: $*" >&2; exit 1; }
version=${1#v}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "VERSION is \"$1\"; say which, as in: make release VERSION=1.0.0"
[ -z "$(git status --porcelain)" ] || fail "there are changes that are in no commit; commit or remove them (git status)"

export VERSION=$version REVISION SOURCE_DATE_EPOCH RELEASE_DATE
REVISION=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
RELEASE_DATE=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
of=(--version "$version" --revision "$REVISION" --date "$SOURCE_DATE_EPOCH" ${BUILDER:+--builder "$BUILDER"})

make --no-print-directory build manuals VERSION="$version"
go run ./release/licenses --texts bin/THIRD_PARTY_LICENSES.txt
[ -z "$(git status --porcelain THIRD_PARTY.md)" ] || fail "THIRD_PARTY.md is not up to date; run make docs and commit it"
image=${RELEASE_IMAGE:-}
chart=$(bash .ci/chart.sh "$version" bin "${CHART_IMAGE:-${image%:*}}")
case $GORELEASER in
*@*) go run "$GORELEASER" release --snapshot --clean ;;
*) "$GORELEASER" release --snapshot --clean ;;
esac
cp "$chart" dist/
go run ./release provenance "${of[@]}"

if [ -n "${RELEASE_KEY:-}" ]; then
  for file in checksums.txt provenance.json; do
    ssh-keygen -q -Y sign -f "$RELEASE_KEY" -n tagwatch-release "dist/$file"
  done
else
  echo "not signed: RELEASE_KEY names no key"
fi
if [ -n "${RELEASE_IMAGE:-}" ]; then
  bash .ci/image.sh "$version" "$RELEASE_IMAGE" | tee dist/image.txt
else
  echo "no image: RELEASE_IMAGE names no reference to push it to"
fi

echo
echo "in dist/, in MiB:"
(cd dist && wc -c ./*.tar.gz ./*.deb ./*.rpm ./*.tgz | awk '$2 != "total" { printf "%8.1f  %s\n", $1 / 1048576, substr($2, 3) }')
