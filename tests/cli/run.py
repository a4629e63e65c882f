#!/usr/bin/env python3
"""Runs the command-line cases of tests/cli/cases.txt. Usage: tests/cli/run.py [-v] [PART-OF-A-NAME...]

Prints PASS, FAIL or SKIP for each and closes with "N passed, N failed, N skipped".
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/workloads", f"{ROOT}/tests/support"]
import twice
from build import OUT as WORKLOADS, build

REPEATED = ("OUTPUT", "ERROR", "ERRORLINE", "FILES", "REQUIRES")
SINGLE = ("CASE", "RUN", "EXIT")
FLAGS = ("NOFILES", "NOTEMPS", "ROOT")


def read_cases():
    with open(f"{ROOT}/tests/cli/cases.txt", encoding="utf-8") as file:
        blocks = file.read().split("\n\n")
    for block in blocks:
        case = {key: [] for key in REPEATED}
        for line in block.split("\n"):
            key, _, value = line.strip().partition(" ")
            if not line.strip() or line.startswith("#"):
                continue
            if key in REPEATED:
                case[key].append(value.strip())
            elif key in SINGLE and key not in case:
                case[key] = value.strip()
            elif key in FLAGS:
                case[key] = True
            else:
                raise ValueError(f"tests/cli/cases.txt: cannot make sense of {line!r}")
        if "CASE" in case:
            yield case


def listing(folder):
    """Names in `folder`, links as "name -> target"."""
    if not os.path.isdir(folder):
        return []
    return [f"{name} -> {os.readlink(path)}" if os.path.islink(path) else name
            for name in sorted(os.listdir(folder)) for path in [f"{folder}/{name}"]]


def faults(case, result, files):
    errors = [line for line in result.stderr.splitlines() if line.strip()]
    if result.returncode != int(case.get("EXIT", 0)):
        yield f"exit code {result.returncode}, not {case.get('EXIT', 0)}"
    for pattern in case["OUTPUT"]:
        if not re.search(pattern, result.stdout, re.M):
            yield f"no line of the output matches {pattern!r}"
    for pattern in case["ERROR"] + case["ERRORLINE"]:
        if not re.search(pattern, result.stderr, re.M):
            yield f"no line of the errors matches {pattern!r}"
    if case["ERRORLINE"] and len(errors) != 1:
        yield f"{len(errors)} lines of errors, not one"
    for pattern in case["FILES"]:
        if not any(re.search(pattern, name) for name in files):
            yield f"no file is called {pattern!r}; there are {files}"
    if "NOFILES" in case and files:
        yield f"files were left: {files}"
    if "NOTEMPS" in case and any(re.search(r"\.tmp|^\.", name) for name in files):
        yield f"temporary files were left: {files}"


def run_case(case, scratch, environment):
    """(word, lines) of one case."""
    if "ROOT" in case and os.geteuid() != 0:
        return "SKIP", ["needs root"]
    for command in case["REQUIRES"]:
        if subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode != 0:
            return "SKIP", [f"this machine cannot: {command[:80]}"]
    folder = tempfile.mkdtemp(dir=scratch)
    environment = {**environment, "OUT": f"{folder}/out"}
    try:
        result = subprocess.run(["sh", "-c", case["RUN"]], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", timeout=60)
    except subprocess.TimeoutExpired:
        return "FAIL", ["did not end within 60 s"]
    found = list(faults(case, result, listing(environment["OUT"])))
    if found:
        found += [f"  {line}" for line in (result.stdout[-1500:] + result.stderr[-1500:]).splitlines()[-15:]]
    return ("FAIL" if found else "PASS"), found


def main():
    verbose = "-v" in sys.argv
    names = [word for word in sys.argv[1:] if word != "-v"]
    agent = os.environ.get("GP", f"{ROOT}/build/gprofiler")
    if not os.access(agent, os.X_OK):
        print(f"there is no {agent}\n0 passed, 1 failed, 0 skipped")
        return 1
    build(["c_chain", "c_vfork_wait"], {})
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SUDO_", "GPROFILER_"))}
    environment.update({"GP": agent, "W": WORKLOADS, "S": f"{ROOT}/tests/workloads", "LC_ALL": "C.UTF-8"})
    with tempfile.TemporaryDirectory(prefix="gprofiler-cli-") as scratch:
        for case in read_cases():
            if names and not any(name in case["CASE"] for name in names):
                continue
            word, lines = twice.outcome(case["CASE"], lambda: run_case(case, scratch, environment))
            counts[word] += 1
            print(f"{word} {case['CASE']}" + (f": {lines[0]}" if word == "SKIP" else ""))
            if word == "FAIL" or verbose:
                print("".join(f"  {line}\n" for line in lines), end="")
            sys.stdout.flush()
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
