#!/usr/bin/env python3
"""Builds a preset and runs its ctest tests (unit, walker, golden). Usage: tools/unit.py PRESET

With tsan only the tests of folders that have threads. Closes with "N passed, N failed, N skipped".
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

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def reason(output):
    """The lines of a test's output from the first that says what went wrong."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if FAULT.search(line)), max(0, len(lines) - REASON_LINES))
    return lines[first:first + REASON_LINES]


def main():
    preset = sys.argv[1]
    threaded = [name for name in THREADED if preset == "tsan" and glob.glob(f"{ROOT}/src/{name}/*_test.cc")]
    if subprocess.run([f"{ROOT}/tools/build.sh", preset, *(f"gp_{name}_test" for name in threaded)]).returncode != 0:
        print(f"{preset}: the build failed\n0 passed, 1 failed, 0 skipped")
        return 1
    report = f"{ROOT}/build-{preset}/ctest.xml"
    if os.path.exists(report):
        os.remove(report)
    ctest = subprocess.run(
        ["ctest", "--preset", preset, "--output-junit", report, "--progress", "--schedule-random",
         *(["-R", rf"^({'|'.join(threaded)})\."] if threaded else [])],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if ctest.returncode != 0 or not os.path.exists(report):
        print(ctest.stdout[-20000:])
    if not os.path.exists(report):
        print("0 passed, 1 failed, 0 skipped")
        return 1
    suite = xml.etree.ElementTree.parse(report).getroot()
    total, failed = int(suite.get("tests")), int(suite.get("failures"))
    skipped = int(suite.get("skipped")) + int(suite.get("disabled"))
    for case in suite.iter("testcase"):
        if case.get("status") != "run" or case.find("skipped") is not None:
            print(f"{case.get('status').upper()} {case.get('name')}")
        if case.get("status") == "fail":
            for line in reason(case.findtext("system-out") or ""):
                print(f"  {line}")
    print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or ctest.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
