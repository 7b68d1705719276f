#!/usr/bin/env bash
# Prints the path of a Prometheus for the tests of the dashboard and the alert
# rules, with promtool beside it. Installs Debian's where there is none.
set -euo pipefail

command -v prometheus >/dev/null && command -v promtool >/dev/null ||
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus; } >&2
command -v prometheus
