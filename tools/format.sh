#!/usr/bin/env bash
# Checks (or with --write makes) the layout of all C and C++ sources. The version is pinned: others format differently.
# Kernel-side C keeps the kernel's own style and is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --write ]; then mode=(-i); else mode=(--dry-run --Werror); fi
git ls-files -z --cached --others --exclude-standard -- 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'fuzz/*.h' 'bench/*.cc' 'bench/*.h' |
  xargs -0 -r -n 64 -P 2 clang-format-19 "${mode[@]}"
