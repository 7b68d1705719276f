#!/usr/bin/env bash
# Runs all benchmarks, on SQLite and on a PostgreSQL that writes to the disk as
# one in production does.
set -euo pipefail
cd "$(dirname "$0")/.."

TAGWATCH_TEST_POSTGRES=$(TAGWATCH_POSTGRES_DURABLE=yes .ci/postgres.sh start)
trap '.ci/postgres.sh stop "$TAGWATCH_TEST_POSTGRES"' EXIT
export TAGWATCH_TEST_POSTGRES
export TAGWATCH_TEST_BIN=$PWD/bin

go test -p 1 -timeout 60m -run '^$' -bench "${BENCH:-.}" -benchtime 1x ${PACKAGES:-./...}
