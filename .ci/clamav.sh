#!/bin/sh
# A ClamAV daemon for tests, in a temporary directory and reachable only through
# a socket in it. It knows the EICAR test file and nothing else, and takes files of
# up to 4 MiB.
#
#   address=$(.ci/clamav.sh start)    prints its address for TAGWATCH_TEST_CLAMD
#   .ci/clamav.sh stop "$address"     stops it and removes everything
#
# A missing package is installed with apt-get, by root only.
set -eu

find_daemon() {
	command -v clamd || { [ ! -x /usr/sbin/clamd ] || echo /usr/sbin/clamd; }
}

daemon() {
	found=$(find_daemon)
	if [ -z "$found" ]; then
		if [ "$(id -u)" != 0 ]; then
			echo "ClamAV is not installed: apt-get install clamav-daemon" >&2
			exit 1
		fi
		DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends clamav-daemon >&2
		found=$(find_daemon)
	fi
	echo "$found"
}

# signatures know the text by which the EICAR test file names itself. It stands
# here in hexadecimal, so that no scanner takes this script for the file.
signatures() {
	echo "Eicar-Test:0:*:45494341522d5354414e444152442d414e544956495255532d544553542d46494c45" >"$1/test.ndb"
}

settings() {
	cat <<-END
		DatabaseDirectory $1/signatures
		OfficialDatabaseOnly no
		TemporaryDirectory $1
		LocalSocket $1/clamd.socket
		PidFile $1/clamd.pid
		LogFile $1/clamd.log
		StreamMaxLength 4M
		MaxThreads 4
	END
}

lives() { kill -0 "$(cat "$1/clamd.pid")"; }

# The daemon puts itself into the background once it answers.
start() {
	clamd=$(daemon)
	dir=$(mktemp -d /tmp/tagwatch-clamav.XXXXXX)
	mkdir "$dir/signatures"
	signatures "$dir/signatures"
	settings "$dir" >"$dir/clamd.conf"
	"$clamd" --config-file="$dir/clamd.conf" >"$dir/start.log" 2>&1 ||
		{ cat "$dir/start.log" "$dir/clamd.log" >&2; rm -rf "$dir"; exit 1; }
	lives "$dir" && [ -S "$dir/clamd.socket" ] ||
		{ echo "ClamAV does not listen:" >&2; cat "$dir/clamd.log" >&2; rm -rf "$dir"; exit 1; }
	echo "unix://$dir/clamd.socket"
}

stop() {
	dir=$(echo "$1" | sed -n 's|^unix://\(/tmp/tagwatch-clamav\.[A-Za-z0-9]*\)/clamd.socket$|\1|p')
	if [ -z "$dir" ]; then
		echo "not a daemon that this script started: $1" >&2
		exit 2
	fi
	failed=
	kill "$(cat "$dir/clamd.pid")" || failed="ClamAV had ended before it was stopped"
	[ -z "$failed" ] || tail "$dir/clamd.log" >&2
	rm -rf "$dir"
	[ -z "$failed" ] || { echo "$failed" >&2; exit 1; }
}

case "${1:-}" in
start) start ;;
stop) stop "${2:?the address that start printed}" ;;
*)
	echo "usage: $0 start | stop ADDRESS" >&2
	exit 2
	;;
esac
