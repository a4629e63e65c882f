#!/usr/bin/env bash
# Builds the release binary and checks that it starts; counts as one test.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
if tools/build.sh release && build/gprofiler --version; then
  echo "1 passed, 0 failed, 0 skipped"
else
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
