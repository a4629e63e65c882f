#!/usr/bin/env bash
# Builds and runs the soak; its arguments are gp_soak's (see soak.cc). Closes with "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! tools/build.sh dev gp_soak; then
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
exec build-dev/tests/fault/gp_soak "$@"
