#!/usr/bin/env bash
# Records the histories that TestReplay replays: plays the scenarios of
# record_test.go and record_scenarios_test.go on a real Temporal server.
#
# Record from released code, into new files: a recorded history stands for runs
# that may still live. A file is only replaced or deleted when none of them can.
#
#   workflows/testdata/record.sh               all scenarios
#   workflows/testdata/record.sh watch-tag     those whose name matches
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$scratch"' EXIT

(cd tools && CGO_ENABLED=0 go build -o "$scratch/temporal" ./temporal)
"$scratch/temporal" --in-memory --port 0 --ui-port 0 >"$scratch/ready" &
server=$!
until [ -s "$scratch/ready" ]; do
  kill -0 "$server" || exit 1
  sleep 0.1
done

TEMPORAL_ADDRESS=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$scratch/ready")
export TEMPORAL_ADDRESS
go test -tags record -count 1 -v -run "TestRecord/.*${1:-}" ./workflows
