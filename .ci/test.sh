#!/usr/bin/env bash
# Runs all checks and tests, on SQLite and on PostgreSQL. Each part runs whatever
# became of the ones before it; the report at the end names every failure of every
# part, and its last line is "N passed, N failed, N skipped". Installs PostgreSQL,
# ClamAV, Distribution, Prometheus, Chromium and axe-core where they are missing, and
# builds Helm and the last release.
set -uo pipefail
cd "$(dirname "$0")/.."

results=$(mktemp -d /tmp/tagwatch-test.XXXXXX) || exit 1
clean() {
  [ -z "${TAGWATCH_TEST_POSTGRES:-}" ] || .ci/postgres.sh stop "$TAGWATCH_TEST_POSTGRES"
  [ -z "${TAGWATCH_TEST_CLAMD:-}" ] || .ci/clamav.sh stop "$TAGWATCH_TEST_CLAMD"
  rm -rf "$results"
}
unset TAGWATCH_TEST_POSTGRES TAGWATCH_TEST_CLAMD TAGWATCH_TEST_DISTRIBUTION TAGWATCH_TEST_PROMETHEUS TAGWATCH_TEST_CHROMIUM TAGWATCH_TEST_AXE TAGWATCH_TEST_HELM TAGWATCH_TEST_KUBERNETES TAGWATCH_TEST_DOCKER TAGWATCH_TEST_RELEASE
trap clean EXIT
trap 'exit 130' INT
(cd tools && go build -o "$results/testsummary" ./testsummary) ||
  { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

# part runs a command under a name and keeps its exit status for the report.
part() {
  local name=$1
  shift
  echo "--- $name"
  "$@"
  echo $? >"$results/$name.exit"
}

# tests runs Go tests as a part; the arguments after the name are those of go test.
tests() {
  local name=$1
  shift
  part "$name" go run "$GOTESTSUM" --format pkgname --jsonfile "$results/$name.json" -- "$@"
}

# provide starts what tests need and exports its address in a variable.
provide() {
  local address
  address=$("${@:2}") && [ -n "$address" ] && export "$1=$address"
}

part check make --no-print-directory check
part build make --no-print-directory build
part postgres provide TAGWATCH_TEST_POSTGRES .ci/postgres.sh start
part clamav provide TAGWATCH_TEST_CLAMD .ci/clamav.sh start
part distribution provide TAGWATCH_TEST_DISTRIBUTION .ci/distribution.sh
part prometheus provide TAGWATCH_TEST_PROMETHEUS .ci/prometheus.sh
part chromium provide TAGWATCH_TEST_CHROMIUM .ci/chromium.sh
part axe provide TAGWATCH_TEST_AXE .ci/axe.sh
part helm provide TAGWATCH_TEST_HELM .ci/helm.sh
part release provide TAGWATCH_TEST_RELEASE .ci/release-programs.sh
export TAGWATCH_TEST_BIN=$PWD/bin

part prometheus-config promtool check config deploy/prometheus/prometheus.yml
part prometheus-rules promtool test rules deploy/prometheus/alerts_test.yml

# The end-to-end tests run last and alone: they start whole installations.
if quick=$(go list ./... | grep -v /e2e); then
  # shellcheck disable=SC2086 # one word for each package
  tests quick -timeout 20m $quick
else
  part quick false
fi
cd tools || exit 1
tests tools -count 1 -timeout 10m ./... # some read files outside of their module, which Go does not see change
cd .. || exit 1
# The race detector looks at what runs side by side: long stories of one thing
# after the other are cut short.
CGO_ENABLED=1 TAGWATCH_TEST_AXE= tests race -race -short -timeout 25m \
  ./config/... ./domain/... ./workflows/... ./activities/... ./adapters/store/... ./adapters/webhook/... ./adapters/push/... ./adapters/page/...
tests e2e -timeout 35m ./e2e

"$results/testsummary" "$results"
