#!/usr/bin/env python3
"""Builds a preset and runs its ctest tests (unit, walker, golden). Usage: tools/unit.py PRESET

A test that fails beside others is run once more, alone. With tsan only the tests of folders that have threads. Closes with
"N passed, N failed, N skipped".
"""
import glob
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

# Folders whose code runs in more threads than one.
THREADED = ["os", "walk", "targets", "symbols", "session", "upload", "managed"]

FAULT = re.compile(r": Failure$|FAILED|Traceback|ERROR: |runtime error|WARNING: ThreadSanitizer")
REASON_LINES = 8
AGAIN = 6  # tests at the most that are run again, alone: more are no chance

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def reason(output):
    """The lines of a test's output from the first that says what went wrong."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if FAULT.search(line)), max(0, len(lines) - REASON_LINES))
    return lines[first:first + REASON_LINES]


class Results:
    """One run of ctest, as its report has it; `cases` is None where there is no report."""

    def __init__(self, preset, *arguments):
        report = f"{ROOT}/build-{preset}/ctest.xml"
        if os.path.exists(report):
            os.remove(report)
        ctest = subprocess.run(["ctest", "--preset", preset, "--output-junit", report, "--progress", *arguments], cwd=ROOT,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace")
        self.code, self.output, self.cases = ctest.returncode, ctest.stdout, None
        if os.path.exists(report):
            self.cases = list(xml.etree.ElementTree.parse(report).getroot().iter("testcase"))

    def having(self, status):
        return [case for case in self.cases if case.get("status") == status]


def tell(word, case):
    print(f"{word} {case.get('name')}", *(f"  {line}" for line in reason(case.findtext("system-out") or "")), sep="\n")


def main():
    preset = sys.argv[1]
    threaded = [name for name in THREADED if preset == "tsan" and glob.glob(f"{ROOT}/src/{name}/*_test.cc")]
    if subprocess.run([f"{ROOT}/tools/build.sh", preset, *(f"gp_{name}_test" for name in threaded)]).returncode != 0:
        print(f"{preset}: the build failed\n0 passed, 1 failed, 0 skipped")
        return 1
    results = Results(preset, "--schedule-random", *(["-R", rf"^({'|'.join(threaded)})\."] if threaded else []))
    if not results.cases:
        print(f"{results.output[-20000:]}\n0 passed, 1 failed, 0 skipped")
        return 1
    failed = results.having("fail")
    again = Results(preset, "--rerun-failed") if 0 < len(failed) <= AGAIN else None
    if again and again.cases:
        for case in failed:
            tell("AGAIN", case)
        failed = again.having("fail")
    for case in failed:
        tell("FAIL", case)
    skipped = [case for case in results.cases if case.get("status") not in ("run", "fail")]
    for case in skipped:
        print(f"SKIP {case.get('name')}")
    print(f"{len(results.cases) - len(failed) - len(skipped)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or (again or results).code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
