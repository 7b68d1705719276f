#!/usr/bin/env bash
# Records the databases that TestRecordedDatabases opens: fills an installation on SQLite
# and on PostgreSQL, as recorded_world_test.go says, and keeps both databases with what
# the command line says of them.
#
#   VERSION=1.2.0 e2e/testdata/record.sh   as those of the release 1.2.0
#   e2e/testdata/record.sh                 as those of the version to come ("next")
#
# The programs are those of TAGWATCH_TEST_BIN, bin by default. PostgreSQL is the server of
# TAGWATCH_TEST_POSTGRES, or one that is started for the purpose.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${TAGWATCH_TEST_POSTGRES:-}" ]; then
  TAGWATCH_TEST_POSTGRES=$(.ci/postgres.sh start)
  trap '.ci/postgres.sh stop "$TAGWATCH_TEST_POSTGRES"' EXIT
  export TAGWATCH_TEST_POSTGRES
fi
TAGWATCH_RECORD_VERSION=${VERSION:-next} go test -tags record -count 1 -v -timeout 20m -run 'TestRecord$' ./e2e
