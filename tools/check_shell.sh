#!/usr/bin/env bash
# Runs shellcheck over every shell script of the repository, found by name or first line.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts=()
while IFS= read -r -d '' file; do
  if [[ -f $file ]] && { [[ $file == *.sh ]] || head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*\b(ba|da)?sh\b'; }; then scripts+=("$file"); fi
done < <(git ls-files -z --cached --others --exclude-standard)
shellcheck "${scripts[@]}"
