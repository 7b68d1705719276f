#!/usr/bin/env bash
# Prints the path of axe-core for the accessibility tests of the status page.
# Installs the version of tools/axe/package-lock.json where it is missing.
set -euo pipefail
cd "$(dirname "$0")/../tools/axe"

command -v npm >/dev/null ||
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends npm; } >&2
[ "$(node -p 'require("axe-core/package.json").version' 2>/dev/null)" = "$(node -p 'require("./package.json").dependencies["axe-core"]')" ] ||
  npm ci --no-audit --no-fund >&2
echo "$PWD/node_modules/axe-core/axe.min.js"
