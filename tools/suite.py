#!/usr/bin/env python3
"""Runs stages of checks one after the other and sums what they counted.

Usage: tools/suite.py STAGE|GROUP...

Each stage is a command that closes with "N passed, N failed, N skipped"; a stage that closes otherwise counts as one
failure. What failed or was run again is said once more at the end, for who sees only the end of a long log. The last line
printed is the sum in the same words. Exit code 1 if anything failed.
"""
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

STAGES = {
    "lint": ["tools/lint.py"],
    "unit": ["tools/unit.py", "dev"],
    "asan": ["tools/unit.py", "asan"],
    "tsan": ["tools/unit.py", "tsan"],
    "release": ["tools/release.sh"],
    "cli": ["tests/cli/run.py"],
    "daemon": ["tests/daemon/run.py"],
    "operations": ["tests/operations/run.py"],
    "operations-full": ["tests/operations/run.py", "--full"],
    "scenario": ["tests/scenario/run.py"],
    "scenario-full": ["tests/scenario/run.py", "--full"],
    "matrix": ["tests/scenario/run.py", "--matrix"],
    "fuzz": ["tools/fuzz.py", "--seconds", "30"],
    "soak": ["tests/fault/soak.sh"],
    "tools": ["tests/tools/run.py"],
    "tools-full": ["tests/tools/run.py", "--all"],
    "kernel": ["tests/kernel/run.py"],
}
# Later stages use what earlier ones built.
GROUPS = {
    "test": ["unit", "release", "cli", "daemon", "operations", "scenario"],
    "test-full": ["asan", "tsan", "release", "cli", "daemon", "operations-full", "scenario-full", "tools", "fuzz", "soak",
                  "kernel"],
    "ci": ["lint", "unit", "release", "cli", "daemon", "operations-full", "scenario-full", "tools", "asan", "fuzz", "soak",
           "kernel"],
}
TALLY = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*$")
FAILURE = re.compile(r"(FAIL|AGAIN)\b|\S+: ended with code|\d+/\d+ Test .*\*\*\*")
REASON_LINES = 8  # of a failure that are said again


class Failures:
    """The lines that say what failed, each with the first lines of its reason, which are those set in under it."""

    def __init__(self):
        self.lines = []
        self._room = 0

    def hear(self, stage, line):
        if FAILURE.match(line.lstrip()):
            self.lines.append(f"{stage}: {line.strip()}")
            self._room = REASON_LINES
        elif self._room and line.startswith(" "):
            self.lines.append(line.rstrip()[:200])
            self._room -= 1
        else:
            self._room = 0


def run_stage(name, failures):
    """(passed, failed, skipped) of one stage, its output passed on with the tally line marked as the stage's own."""
    print(f"== {name}", flush=True)
    tally = None

    def say(line):
        failures.hear(name, line)
        print(line, flush=True)

    child = subprocess.Popen(STAGES[name], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace")
    for line in child.stdout:
        match = TALLY.match(line)
        if match:
            tally = tuple(int(number) for number in match.groups())
        else:
            say(line.rstrip("\n"))
    child.wait()
    if tally is None:
        say(f"{name}: ended with code {child.returncode} before it counted its results")
        return 0, 1, 0
    if child.returncode != 0 and tally[1] == 0:
        say(f"{name}: ended with code {child.returncode} although it counted no failure")
        return tally[0], 1, tally[2]
    return tally


def main():
    # Started in the background we may ignore Ctrl-C; the tests of signals would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    names = []
    for word in sys.argv[1:]:
        for name in GROUPS.get(word, [word]):
            if name not in STAGES:
                print(f"no such stage: {name}; there are {', '.join([*STAGES, *GROUPS])}", file=sys.stderr)
                return 2
            if name not in names:
                names.append(name)
    rows = []
    failures = Failures()
    for name in names:
        start = time.monotonic()
        rows.append((name, *run_stage(name, failures), time.monotonic() - start))
    print("\nstage            passed  failed  skipped  seconds")
    for name, passed, failed, skipped, seconds in rows:
        print(f"{name:<16} {passed:>6}  {failed:>6}  {skipped:>7}  {seconds:>7.0f}")
    if failures.lines:
        print("\nwhat failed, or was run again (AGAIN)", *failures.lines, sep="\n")
    passed, failed, skipped = (sum(row[i] for row in rows) for i in (1, 2, 3))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
