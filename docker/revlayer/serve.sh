#!/usr/bin/env bash
# Imports what lies in the import folder (when a mapping is named) and runs, again and again. The exit code of the last
# round is kept for the health check; a failed round is tried again at the next.
set -uo pipefail
interval="${REVLAYER_INTERVAL_SECONDS:-86400}"
imports="${REVLAYER_IMPORTS:-/imports}"
state="${REVLAYER_STATE:-/tmp/revlayer-exit-code}"
trap 'exit 0' TERM INT

round() {
  if [ -n "${REVLAYER_MAPPING:-}" ]; then
    revlayer migrate && revlayer import "$REVLAYER_MAPPING" --data "$imports" || return
  fi
  revlayer run --wait
}

while true; do
  round
  code=$?
  echo "$code" > "$state"
  [ "$interval" -gt 0 ] || exit "$code"
  sleep "$interval" &
  wait $!
done
