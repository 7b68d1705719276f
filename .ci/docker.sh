#!/bin/sh
# A container engine for tests: prints the folder of its programs, for
# TAGWATCH_TEST_DOCKER. The tests start it with what they need, as root.
#
#   TAGWATCH_TEST_DOCKER=$(.ci/docker.sh)
#
# They kill and restart it and make a Swarm of it, so that it is never one that runs
# already; but if the programs are installed, those are used. Otherwise they are
# unpacked from Debian's packages into the user's cache: installing these would start
# an engine and change the firewall.
set -eu

folder=${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch/docker
programs='dockerd containerd containerd-shim-runc-v2 runc'

# complete reports whether the folder has all programs.
complete() { for program in $programs; do [ -x "$folder/$program" ] || return 1; done; }

# gather links the programs of a path into the folder.
gather() {
	for program in $programs; do
		found=$(PATH=$1 command -v "$program") || return 1
		ln -sf "$found" "$folder/$program"
	done
}

mkdir -p "$folder"
complete || gather "$PATH:/usr/sbin:/sbin" || {
	command -v apt-get >/dev/null || { echo "no engine: install Docker" >&2; exit 1; }
	echo "unpacking Docker from Debian's packages for the tests (once) ..." >&2
	cd "$folder"
	apt-get download -q docker.io containerd runc >&2
	for package in *.deb; do
		dpkg-deb -x "$package" unpacked
		rm "$package"
	done
	gather "$folder/unpacked/usr/sbin:$folder/unpacked/usr/bin"
}
echo "$folder"
