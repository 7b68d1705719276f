#!/bin/sh
# The registry of the CNCF for tests: prints where its program is, for
# TAGWATCH_TEST_DISTRIBUTION. The tests start it with what they need.
#
#   TAGWATCH_TEST_DISTRIBUTION=$(.ci/distribution.sh)
#
# A missing package is installed with apt-get, by root only.
set -eu

if ! command -v docker-registry; then
	if [ "$(id -u)" != 0 ]; then
		echo "Distribution is not installed: apt-get install docker-registry" >&2
		exit 1
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends docker-registry >&2
	command -v docker-registry
fi
