#!/usr/bin/env python3
"""Holds the include graph to the layering of cmake/Layers.cmake (GP_LAYERS, lowest first).

A file in src/X may include src/X and folders before X in the list; bpf/ may be included by all and includes only bpf/;
src/runtimes/A never includes src/runtimes/B; no folder is called by a name that says nothing.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
NAMES_THAT_SAY_NOTHING = {"util", "utils", "common", "helper", "helpers", "misc", "shared"}


def layers():
    with open(f"{ROOT}/cmake/Layers.cmake", encoding="utf-8") as file:
        match = re.search(r"set\(GP_LAYERS ([^)]*)\)", file.read())
    return match.group(1).split()


def sources():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            stdout=subprocess.PIPE, check=True, text=True).stdout
    return [path for path in listed.split("\0") if path and os.path.isfile(f"{ROOT}/{path}")]


def complaint(path, included, order):
    """Why `path` may not include `included`, or None."""
    here, there = path.split("/"), included.split("/")
    if ".." in there:
        return "include by the path from src/ (or bpf/), without .."
    if here[0] == "bpf":
        return None if there[0] == "bpf" else "bpf/ includes only bpf/ and system headers"
    if here[0] != "src" or there[0] not in order:
        return None
    if here[1] not in order:
        return f"src/{here[1]} is not in GP_LAYERS"
    if order.index(there[0]) > order.index(here[1]):
        return f"{here[1]} is below {there[0]}: define an interface in {here[1]} and wire it in app"
    if here[1] == there[0] == "runtimes" and len(here) > 3 and len(there) > 2 and there[1] not in (here[2], "testing"):
        return "runtimes never include each other"
    return None


def main():
    order = layers()
    bad = 0
    for path in sources():
        for folder in set(os.path.dirname(path).split("/")) & NAMES_THAT_SAY_NOTHING:
            print(f"{path}: a folder is named for its subject, not '{folder}'")
            bad += 1
        if not path.endswith((".h", ".cc", ".c")) or not path.startswith(("src/", "bpf/")):
            continue
        with open(f"{ROOT}/{path}", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                match = INCLUDE.match(line)
                why = complaint(path, match.group(1), order) if match else None
                if why:
                    print(f'{path}:{number}: "{match.group(1)}": {why}')
                    bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
