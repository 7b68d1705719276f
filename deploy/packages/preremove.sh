#!/bin/sh
# Stops the units when the package goes, not when a newer one replaces it. The data
# in /var/lib/tagwatch and the user stay.
set -e
case "$1" in
  remove | 0) [ ! -d /run/systemd/system ] || systemctl disable --now tagwatch.service tagwatch-worker.service ;;
esac
