#!/usr/bin/env python3
"""A small mixed load for a host with nothing to show: kernel, C, C++, Rust, Go and Python, whichever can be built here.

Usage: mixed_load.py SECONDS. Each program ends by itself; ended early, this one ends the rest.
"""
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from build import OUT, build
from interpreters import interpreters


def main():
    seconds = sys.argv[1]
    pythons = interpreters()
    built = build(["c_split", "c_syscalls", "cpp_throw", "rust_abort", "go_pure", "py_crossing.so"], pythons)
    commands = [[f"{OUT}/{name}", seconds] for name, reason in built.items() if not reason and not name.endswith(".so")]
    for python in list(pythons.values())[:1]:
        commands.append([python, f"{HERE}/py_shapes.py", seconds])
        if not built["py_crossing.so"]:
            commands.append([python, f"{HERE}/py_callbacks.py", seconds])
    print("load: " + " ".join(os.path.basename(command[-2]) for command in commands), flush=True)
    children = [subprocess.Popen(command, env={**os.environ, "GP_WORKLOADS": OUT}) for command in commands]

    def end(*_):
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    for child in children:
        child.wait()


if __name__ == "__main__":
    main()
