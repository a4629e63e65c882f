#!/usr/bin/env python3
"""Fetches external profilers and runs the collectors on them. Usage: tests/tools/run.py [--all] [GTEST-FILTER]

py-spy comes from PyPI, async-profiler (with its launcher) from Maven Central, rbspy from crates.io, perf and Ruby from
Debian; all of it is kept under $GP_TEST_CACHE. rbspy has to be compiled, which takes minutes, so it is fetched with --all
only. What cannot be had here prints SKIP and why. Closes with "N passed, N failed, N skipped".
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/support"]
from collapsed import Profile
from debian import Unavailable
import external_tools

AGENT = os.environ.get("GP", f"{ROOT}/build/gprofiler")

PYTHON = "def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)\nwhile True: fibonacci(15)"
RUBY = "def fibonacci(n) n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2) end\nloop { fibonacci(15) }"
# program, option, word, target, what its stacks have, what only walked ones have
END_TO_END = [("py-spy", "--python-mode", "pyspy", [sys.executable, "-c", PYTHON], r"fibonacci \(<string>:1\)_\[p\];fibonacci",
               r"(^|;)_start;"),
              ("asprof", "--java-mode", "ap", ["java", f"{ROOT}/tests/tools/Busy.java", "120"],
               r"Busy\.fibonacci\(I\)J_\[", r"(^|;)clone3?;"),
              ("rbspy", "--ruby-mode", "rbspy", ["ruby", "-e", RUBY], r"fibonacci \(\S+:1\)_\[rb\];fibonacci", r"(^|;)_start;")]


def end_to_end(program, option, word, target, theirs, walked):
    """The agent with the real tool: its stacks in place of the walked ones, as many samples as were taken. What is wrong."""
    for needed in (program, target[0]):
        if not shutil.which(needed):
            raise Unavailable(f"{needed} is not installed")
    process = subprocess.Popen(target, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        try:
            time.sleep(3)
            ran = subprocess.run([AGENT, "-o", folder, "-d", "5", "-f", "99", "-p", str(process.pid), "--no-flamegraph",
                                  "--control-socket", f"{folder}/none", option, word], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        finally:
            process.kill()
            process.wait()
        if ran.returncode != 0:
            return f"exit code {ran.returncode}: {ran.stdout[-500:]}"
        with open(f"{folder}/last_profile.col", encoding="utf-8") as file:
            profile = Profile(file.read())
    faults = profile.quality_faults()
    report = profile.header["external_profilers"][0]
    stacks = [stack for of in profile.stacks.values() for stack in of]
    if faults or report["processes"] != 1 or report["samples"] != profile.total() or report.get("failures"):
        return f"{faults} {report}, {profile.total()} samples"
    if not any(re.search(theirs, stack) for stack in stacks):
        return f"{theirs} is in none of {stacks[:3]}"
    if any(re.search(walked, stack) for stack in stacks):
        return f"walked stacks are left: {[stack for stack in stacks if re.search(walked, stack)][:2]}"
    return ""


def run_end_to_end():
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for case in END_TO_END:
        try:
            word, why = ("SKIP", "needs root") if os.geteuid() != 0 else ("", end_to_end(*case))
        except Unavailable as reason:
            word, why = "SKIP", str(reason)
        word = word or ("FAIL" if why else "PASS")
        counts[word] += 1
        print(f"{word} the agent with {case[0]}{': ' if why else ''}{why}", flush=True)
    return counts


def main():
    for command, why in external_tools.fetch(["py-spy", "asprof", "rbspy", "ruby"], compile="--all" in sys.argv).items():
        print(f"SKIP {command} cannot be had here: {why}", flush=True)
    if subprocess.run([f"{ROOT}/tools/build.sh", "dev", "gp_real_tools_test"]).returncode != 0:
        print("0 passed, 1 failed, 0 skipped")
        return 1
    filters = [word for word in sys.argv[1:] if word != "--all"] or ["*"]
    tests = subprocess.run([f"{ROOT}/build-dev/tests/tools/gp_real_tools_test", f"--gtest_filter={filters[0]}"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace")
    passed = re.findall(r"^\[       OK \] (\S+)", tests.stdout, re.M)
    skipped = re.findall(r"^(?:\S+: Skipped\n(.*)\n)?\[  SKIPPED \] (\S+) \(", tests.stdout, re.M)
    failed = re.findall(r"^\[  FAILED  \] (\S+) \(", tests.stdout, re.M)
    if failed or tests.returncode != 0:
        print(tests.stdout)
    for name in passed:
        print(f"PASS {name}")
    for reason, name in skipped:
        print(f"SKIP {name}: {reason}")
    ends = run_end_to_end()
    count = (len(failed) or int(tests.returncode != 0)) + ends["FAIL"]
    print(f"{len(passed) + ends['PASS']} passed, {count} failed, {len(skipped) + ends['SKIP']} skipped")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
