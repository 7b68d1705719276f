#!/usr/bin/env bash
# Runs all tests, on SQLite and on PostgreSQL, and ends with a summary of what
# ran. Installs PostgreSQL where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

eval "$(.ci/postgres.sh start)"
trap '.ci/postgres.sh stop' EXIT

export TAGWATCH_TEST_BIN="$PWD/bin"
go run "$GOTESTSUM" --format pkgname --hide-summary=skipped -- -timeout 20m -p 2 ./...
(cd tools && go run "$GOTESTSUM" --format pkgname -- -timeout 10m ./...)
CGO_ENABLED=1 go run "$GOTESTSUM" --format pkgname -- -race -timeout 15m \
  ./domain/... ./workflows/... ./activities/... ./adapters/store/... ./adapters/webhook/...
