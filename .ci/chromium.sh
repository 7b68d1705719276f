#!/usr/bin/env bash
# Prints the path of a Chromium for the tests that open the Web UI in a browser.
# Installs Debian's where there is none.
set -euo pipefail

command -v chromium >/dev/null ||
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >&2
command -v chromium
