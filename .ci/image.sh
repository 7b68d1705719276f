#!/usr/bin/env bash
# image.sh VERSION REFERENCE: makes the image of the release in dist/, pushes it, and
# prints its reference by digest. The commit is the one that is checked out; for
# BASE_IMAGE and BUILDER see release.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
exec go run ./release image --version "$1" --revision "$(git rev-parse HEAD)" --date "$(git log -1 --format=%ct)" \
  ${BUILDER:+--builder "$BUILDER"} ${BASE_IMAGE:+--base "$BASE_IMAGE"} --push "$2"
