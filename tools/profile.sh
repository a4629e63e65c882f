#!/usr/bin/env bash
# Profiles this host for 30 s. A host with nothing to show gets a small mixed load meanwhile.
# Usage: tools/profile.sh [gprofiler options]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-out}
seconds=${SECONDS_TO_PROFILE:-30}

# Busy share of all CPUs over half a second, in percent (proc(5), /proc/stat: user nice system idle iowait …).
busy_percent() {
  local _ user nice system idle iowait irq softirq before_busy before_all
  read -r _ user nice system idle iowait irq softirq _ </proc/stat
  before_busy=$((user + nice + system + irq + softirq))
  before_all=$((before_busy + idle + iowait))
  sleep 0.5
  read -r _ user nice system idle iowait irq softirq _ </proc/stat
  local busy=$((user + nice + system + irq + softirq))
  local all=$((busy + idle + iowait))
  echo $(((busy - before_busy) * 100 / (all - before_all + 1)))
}

if [ "$(busy_percent)" -lt 10 ]; then
  tests/workloads/mixed_load.py "$((seconds + 3))" &
  load=$!
  trap 'kill "$load" 2>/dev/null || true' EXIT
  echo "This host is idle; a small mixed load runs meanwhile."
fi
mkdir -p "$out"
build/gprofiler -o "$out" -d "$seconds" -f 99 "$@"
