#!/usr/bin/env python3
"""Static checks, each one line of PASS or FAIL. Usage: tools/lint.py [NAME...]

Closes with "N passed, N failed, N skipped".
"""
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

CHECKS = {
    "format": ["tools/format.sh"],
    "layers": ["tools/check_layers.py"],
    "sources": ["tools/check_sources.py"],
    "shell": ["tools/check_shell.sh"],
    "tidy": ["tools/tidy.py"],
}


def main():
    failed = 0
    names = sys.argv[1:] or list(CHECKS)
    for name in names:
        start = time.monotonic()
        child = subprocess.run(CHECKS[name], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
        if child.stdout.strip():
            print(child.stdout.rstrip())
        ok = child.returncode == 0
        failed += not ok
        print(f"{'PASS' if ok else 'FAIL'} lint {name} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
