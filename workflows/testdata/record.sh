#!/usr/bin/env bash
# Records the histories that TestReplay replays: plays the scenarios of
# record_scenarios_test.go and record_rounds_test.go on real Temporal servers.
#
# Record from released code, into new files: a recorded history stands for runs
# that may still live. A file is only replaced or deleted when none of them can.
#
#   workflows/testdata/record.sh               all scenarios
#   workflows/testdata/record.sh watch-tag     those whose name matches
#   VERSION=1.2 workflows/testdata/record.sh   all, as those of the release 1.2
#
# Without VERSION they go beside the folders of the released versions, as those of
# the version to come.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd tools && CGO_ENABLED=0 go build -o "$scratch/tagwatch-temporal" ./temporal)
[ -z "${VERSION:-}" ] || mkdir -p "workflows/testdata/histories/$VERSION"
TAGWATCH_RECORD_VERSION=${VERSION:-} TAGWATCH_TEST_BIN=$scratch go test -tags record -count 1 -v -run "TestRecord/.*${1:-}" ./workflows
