#!/usr/bin/env python3
"""What operators do with the profiler, and what hosts do to it. Usage: tests/operations/run.py [-v] [--full] [PART-OF-A-NAME...]

Prints PASS, FAIL or SKIP for each and closes with "N passed, N failed, N skipped". Needs root.
"""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import commands
import hosts
import service
from daemon import AGENT, Skip
import twice

LONG = hosts.LONG


def outcome(case):
    """(word, lines)."""
    try:
        found = list(case())
    except Skip as reason:
        return "SKIP", [str(reason)]
    except (AssertionError, OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        found = [f"{type(error).__name__}: {error}"]
    return ("FAIL" if found else "PASS"), found


def main():
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    if not os.access(AGENT, os.X_OK):
        print(f"there is no {AGENT}\n0 passed, 1 failed, 0 skipped")
        return 1
    cases = [*service.CASES, *commands.CASES, *hosts.CASES]
    if "--full" in sys.argv or names:
        cases += LONG
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for case in cases:
        if names and not any(name in case.__name__ for name in names):
            continue
        start = time.monotonic()
        word, lines = ("SKIP", ["needs root"]) if os.geteuid() != 0 else twice.outcome(case.__name__, lambda: outcome(case))
        counts[word] += 1
        print(f"{word} {case.__name__} ({time.monotonic() - start:.0f} s)" + (f": {lines[0]}" if word == "SKIP" else ""))
        if word == "FAIL":
            print("".join(f"  {line}\n" for line in lines), end="")
        elif "-v" in sys.argv and case.__doc__:
            print(f"  {case.__doc__}")
        sys.stdout.flush()
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
