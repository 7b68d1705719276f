#!/bin/sh
# Helm for the tests of the chart: prints where its program is, for TAGWATCH_TEST_HELM.
#
#   TAGWATCH_TEST_HELM=$(.ci/helm.sh)
#
# A missing one is built, which takes some minutes once, and kept in the user's cache.
set -eu
version=v3.22.0

folder=${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch/helm-$version
[ -x "$folder/helm" ] || GOBIN=$folder go install -ldflags '-s -w' helm.sh/helm/v3/cmd/helm@$version >&2
echo "$folder/helm"
