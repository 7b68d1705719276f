#!/bin/sh
# The programs of the last release, for the test of upgrades: prints the folder with
# them, for TAGWATCH_TEST_RELEASE.
#
#   TAGWATCH_TEST_RELEASE=$(.ci/release-programs.sh)
#
# Those of the newest tag vX.Y.Z before the current commit are built, which takes some
# minutes once, and kept in the user's cache. As long as there is no such tag, it is the
# current worker under another version, beside the current programs: make build.
set -eu
cd "$(dirname "$0")/.."

shallow=$(git rev-parse --is-shallow-repository)
if [ "$shallow" = true ]; then
	echo "the clone is shallow, so that the last release cannot be found: git fetch --unshallow --tags" >&2
	exit 1
fi
if tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*.[0-9]*.[0-9]*' --exclude '*-*' HEAD^ 2>/dev/null); then
	folder=${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch/${tag#v}
	[ ! -d "$folder" ] || { echo "$folder"; exit; }
	source=$(mktemp -d)
	trap 'rm -rf "$source"' EXIT
	git archive --output="$source/source.tar" "$tag"
	tar -xf "$source/source.tar" -C "$source"
	make --no-print-directory -C "$source" build VERSION="${tag#v}" >&2
	mkdir -p "$(dirname "$folder")"
	mv "$source/bin" "$folder"
	echo "$folder"
	exit
fi

echo "no release yet: the current worker stands for it, under the version 0.0.0" >&2
folder=$PWD/bin/release
mkdir -p "$folder"
CGO_ENABLED=0 go build -ldflags '-s -w -X main.version=0.0.0' -o "$folder/tagwatch-worker" ./worker >&2
ln -sf ../tagwatch ../tagwatch-temporal "$folder"
echo "$folder"
