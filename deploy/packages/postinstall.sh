#!/bin/sh
# Makes the user of the units; nothing is enabled or started.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers tagwatch.conf
elif ! getent passwd tagwatch >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/tagwatch --shell /usr/sbin/nologin tagwatch
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
[ ! -d /run/systemd/system ] || systemctl try-restart tagwatch.service tagwatch-worker.service
