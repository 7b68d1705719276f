#!/bin/sh
# Creates Temporal's tables in two empty databases, or brings them up to the
# version of this image. Running it again changes nothing.
#
# Environment: SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD.
set -eu
. /etc/tagwatch/await.sh

migrate() { # database, kind of schema
  temporal-sql-tool --database "$1" setup-schema --version 0.0
  temporal-sql-tool --database "$1" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

await "PostgreSQL at $SQL_HOST:$SQL_PORT" nc -z "$SQL_HOST" "$SQL_PORT"
migrate temporal temporal
migrate temporal_visibility visibility
