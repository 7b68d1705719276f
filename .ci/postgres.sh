#!/bin/sh
# A PostgreSQL server for tests, in a temporary directory and reachable only
# through a socket in it.
#
#   dsn=$(.ci/postgres.sh start)    prints the URL of its database
#   .ci/postgres.sh stop "$dsn"     stops it and removes everything
#
# PostgreSQL refuses to run as root: then it runs as the user postgres, which the
# package brings. With TAGWATCH_POSTGRES_DURABLE it waits for the disk at each
# commit, as in production: for benchmarks. A missing package is installed with apt-get, by root only.
set -eu

find_binaries() {
	if command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
		dirname "$(readlink -f "$(command -v pg_ctl)")"
		return
	fi
	for folder in /usr/lib/postgresql/*/bin; do
		[ -x "$folder/initdb" ] && found=$folder
	done
	echo "${found:-}"
}

binaries() {
	folder=$(find_binaries)
	if [ -z "$folder" ]; then
		if [ "$(id -u)" != 0 ]; then
			echo "PostgreSQL is not installed: apt-get install postgresql" >&2
			exit 1
		fi
		DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql >&2
		folder=$(find_binaries)
	fi
	echo "$folder"
}

# unprivileged runs a command as a user that PostgreSQL accepts.
unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

start() {
	folder=$(binaries)
	dir=$(mktemp -d /tmp/tagwatch-postgres.XXXXXX)
	[ "$(id -u)" != 0 ] || chown postgres "$dir"
	cd "$dir"
	unprivileged "$folder/initdb" --pgdata="$dir/data" --username=tagwatch --auth=trust --encoding=UTF8 --no-sync >"$dir.log" 2>&1 ||
		{ cat "$dir.log" >&2; rm -rf "$dir" "$dir.log"; exit 1; }
	# What a crash loses does not matter to tests.
	careless="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
	[ -z "${TAGWATCH_POSTGRES_DURABLE:-}" ] || careless=
	unprivileged "$folder/pg_ctl" --pgdata="$dir/data" --wait --silent --log="$dir/data/server.log" \
		--options="-c listen_addresses='' -c unix_socket_directories='$dir' $careless -c max_connections=200" \
		start >"$dir.log" 2>&1 || { cat "$dir.log" "$dir/data/server.log" >&2; rm -rf "$dir" "$dir.log"; exit 1; }
	rm -f "$dir.log"
	echo "postgres:///postgres?host=$dir&user=tagwatch&sslmode=disable"
}

stop() {
	dir=$(echo "$1" | sed -n 's|.*[?&]host=\(/tmp/tagwatch-postgres\.[A-Za-z0-9]*\).*|\1|p')
	if [ -z "$dir" ]; then
		echo "not a server that this script started: $1" >&2
		exit 2
	fi
	folder=$(binaries)
	cd /
	failed=
	unprivileged "$folder/pg_ctl" --pgdata="$dir/data" --silent --mode=immediate stop || failed=yes
	[ -z "$failed" ] || tail "$dir/data/server.log" >&2
	rm -rf "$dir"
	[ -z "$failed" ] || { echo "PostgreSQL had ended before it was stopped" >&2; exit 1; }
}

case "${1:-}" in
start) start ;;
stop) stop "${2:?the URL that start printed}" ;;
*)
	echo "usage: $0 start | stop URL" >&2
	exit 2
	;;
esac
