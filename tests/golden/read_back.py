#!/usr/bin/env python3
"""Has the formats read by those who will read them: the collapsed header by Python's json, pprof files by pprof itself,
whose tables must say what the collapsed lines say.

Usage: read_back.py GP_MAKE_EXAMPLE     (exit code 77: pprof is not here and could not be fetched)
$PPROF names the tool to use; else it is built into a temporary folder by `go install`.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

MODULE = "github.com/google/pprof@latest"
SKIP = 77
# The tool appends " (inline)" to inlined functions.
INLINE = re.compile(r" \(inline\)$")
# What the collapsed text of a frame says beyond the name: " (file:line)" before the suffix, " (file)" for Python.
PLACE = re.compile(r" \([^();|]*:\d+\)(?=(_\[[a-z]+\])?$)| \([^();|]*\)(?=_\[p\]$)")


def make(tool, form, what):
    return subprocess.run([tool, form, what], stdout=subprocess.PIPE, check=True).stdout


def find_pprof(folder):
    """Path of the tool, or None and the reason."""
    for known in (os.environ.get("PPROF"), shutil.which("pprof")):
        if known:
            return known, ""
    if not shutil.which("go"):
        return None, "neither pprof nor go is installed"
    # The build cache stays where the user keeps it: a second run takes a second.
    try:
        install = subprocess.run(["go", "install", MODULE], env={**os.environ, "GOBIN": folder}, timeout=240,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        return None, f"go install {MODULE} took longer than 240 s"
    if install.returncode != 0:
        return None, f"go install {MODULE} failed: {install.stdout.strip().splitlines()[-1:]}"
    return f"{folder}/pprof", ""


def collapsed_stacks(text):
    """{(comm, frame, …, frame): count} root first, and the header."""
    header, *lines = text.decode().split("\n")
    stacks = collections.Counter()
    for line in lines:
        stack, count = line.rsplit(" ", 1)
        _, _, comm, *frames = stack.split(";")
        stacks[(comm, *(PLACE.sub("", frame) for frame in frames))] += int(count)
    return header, stacks


def pprof_output(pprof, path, *words):
    return subprocess.run([pprof, "-symbolize=none", "-sample_index=samples", *words, path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True, timeout=120).stdout.decode()


def traces(text):
    """{(comm, frame, …, frame): count} from `pprof -traces`: blocks of labels, then the count and frames, leaf first."""
    stacks = collections.Counter()
    for block in re.split(r"\n-{5,}\+-{5,}\n", text)[1:]:
        comm, count, frames = "", None, []
        for line in block.split("\n"):
            label = re.match(r" *([a-z_]+):  (.*)$", line)
            first = re.match(r" *(\d+)   (.*)$", line)
            if count is None and label:
                comm = label[2].replace(";", "|") if label[1] == "comm" else comm
            elif count is None and first:
                count = int(first[1])
                frames.append(first[2])
            elif line.strip():
                frames.append(line.strip())
        if count is not None:
            stacks[(comm, *(INLINE.sub("", frame).replace(";", "|") for frame in reversed(frames)))] += count
    return stacks


def top(text):
    """{function: (flat, cumulative)} from `pprof -top`."""
    rows = {}
    for line in text.split("\n"):
        row = re.match(r" *(\d+) +[\d.]+% +[\d.]+% +(\d+) +[\d.]+%  (.*)$", line)
        if row:
            rows[INLINE.sub("", row[3]).replace(";", "|")] = (int(row[1]), int(row[2]))
    return rows


def own_top(stacks):
    rows = collections.defaultdict(lambda: (0, 0))
    for (_, *frames), count in stacks.items():
        for name in set(frames):
            flat, cumulative = rows[name]
            rows[name] = (flat + (count if frames[-1] == name else 0), cumulative + count)
    return dict(rows)


def check(what, ours, theirs):
    if ours == theirs:
        print(f"ok: {what}: {len(ours)} alike")
        return 0
    print(f"FAILED: {what}")
    for key in sorted({*ours, *theirs}, key=str):
        if ours.get(key) != theirs.get(key):
            print(f"  {key}\n    collapsed {ours.get(key)}, pprof {theirs.get(key)}")
    return 1


def main():
    tool = sys.argv[1]
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        pprof, reason = find_pprof(folder)
        for what in ("example", "2000"):
            header, stacks = collapsed_stacks(make(tool, "collapsed", what))
            again = "# " + json.dumps(json.loads(header.removeprefix("# ")))
            failures += check(f"{what}: header", {"header": header}, {"header": again})
            if not pprof:
                continue
            path = f"{folder}/{what}.pb.gz"
            with open(path, "wb") as file:
                file.write(make(tool, "pprof", what))
            # A sample without any frame has no place in pprof's listings.
            stacks = {stack: count for stack, count in stacks.items() if len(stack) > 1}
            failures += check(f"{what}: traces", stacks, dict(traces(pprof_output(pprof, path, "-traces"))))
            listed = pprof_output(pprof, path, "-top", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0")
            failures += check(f"{what}: top", own_top(stacks), top(listed))
    if failures:
        return 1
    if not pprof:
        print(f"SKIP: {reason}")
        return SKIP
    return 0


if __name__ == "__main__":
    sys.exit(main())
