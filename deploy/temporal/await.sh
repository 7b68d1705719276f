# await NAME COMMAND... repeats a command every second until it succeeds, for at
# most two minutes. A failing job ends `docker compose up`, so each job waits
# itself for what it needs.
await() {
  name=$1
  shift
  tries=120
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      echo "$name did not answer for two minutes; the last attempt:" >&2
      "$@"
      exit 1
    fi
    sleep 1
  done
}
