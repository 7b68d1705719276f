#!/usr/bin/env bash
# Runs all tests, on SQLite and on PostgreSQL, and ends with a summary of what
# ran. Installs PostgreSQL, ClamAV, Distribution and Prometheus where they are
# missing.
set -euo pipefail
cd "$(dirname "$0")/.."

TAGWATCH_TEST_POSTGRES=$(.ci/postgres.sh start)
trap '.ci/postgres.sh stop "$TAGWATCH_TEST_POSTGRES"' EXIT
TAGWATCH_TEST_CLAMD=$(.ci/clamav.sh start)
trap '.ci/postgres.sh stop "$TAGWATCH_TEST_POSTGRES"; .ci/clamav.sh stop "$TAGWATCH_TEST_CLAMD"' EXIT
TAGWATCH_TEST_DISTRIBUTION=$(.ci/distribution.sh)
TAGWATCH_TEST_PROMETHEUS=$(.ci/prometheus.sh)
export TAGWATCH_TEST_POSTGRES TAGWATCH_TEST_CLAMD TAGWATCH_TEST_DISTRIBUTION TAGWATCH_TEST_PROMETHEUS
export TAGWATCH_TEST_BIN=$PWD/bin

promtool check config deploy/prometheus/prometheus.yml
promtool test rules deploy/prometheus/alerts_test.yml

# The end-to-end tests run last and alone: they start whole installations.
quick=$(go list ./... | grep -v /e2e)
go run "$GOTESTSUM" --format pkgname -- -timeout 20m $quick
(cd tools && go run "$GOTESTSUM" --format pkgname -- -count 1 -timeout 10m ./...) # some read files outside of their module, which Go does not see change
# The race detector looks at what runs side by side: long stories of one thing
# after the other are cut short.
CGO_ENABLED=1 go run "$GOTESTSUM" --format pkgname -- -race -short -timeout 15m \
  ./config/... ./domain/... ./workflows/... ./activities/... ./adapters/store/... ./adapters/webhook/... ./adapters/push/... ./adapters/page/...
go run "$GOTESTSUM" --format pkgname -- -timeout 20m ./e2e
