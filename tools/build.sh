#!/usr/bin/env bash
# Configures and builds one preset of CMakePresets.json, quietly unless it fails. Usage: tools/build.sh PRESET [TARGET]...
set -euo pipefail
cd "$(dirname "$0")/.."
# One clone's objects serve the next: paths inside the clone do not count.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
preset=${1:?usage: tools/build.sh PRESET [TARGET]...}
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
start=$SECONDS
if ! cmake --build --preset "$preset" ${1:+--target "$@"} >"$log" 2>&1; then
  grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|BPF|Generating)' "$log" | tail -n 200 >&2
  exit 1
fi
echo "built $preset in $((SECONDS - start)) s"
