# await NAME COMMAND... repeats a command each second until it succeeds, for two
# minutes at most. A job that fails ends `docker compose up`, so it has to wait
# for what it needs by itself.
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
