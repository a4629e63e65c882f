#!/usr/bin/env python3
"""clang-tidy over all sources, remembering by content which were clean.

Usage: tools/tidy.py [PATH...]

A file is looked at again only when it, a header of ours it includes, its compile command, .clang-tidy or the tool has
changed; the memory is a folder of empty files named by hash, outside the build so that a fresh clone profits too.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import threading

from check_layers import ROOT

TOOL = "clang-tidy-19"
BUILD = f"{ROOT}/build-dev"
MEMORY = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "gprofiler-tidy")
FINDING = re.compile(r"^\S+:\d+:\d+: (?:error|warning): ", re.M)
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)


def configure():
    """The compile commands, with the generated headers they need. Configures the dev preset if nothing has yet."""
    build = subprocess.run([f"{ROOT}/tools/build.sh", "dev", "gp_generated"], stdout=subprocess.DEVNULL)
    if build.returncode != 0:
        sys.exit("tidy: the build could not be configured")
    with open(f"{BUILD}/compile_commands.json", encoding="utf-8") as file:
        return {entry["file"]: entry["command"] for entry in json.load(file)
                if entry["file"].startswith((f"{ROOT}/src/", f"{ROOT}/fuzz/")) and entry["file"].endswith(".cc")}


class Contents:
    """Hashes of files with everything of ours they include."""

    def __init__(self):
        self.direct = {}
        self.lock = threading.Lock()

    def read(self, path, folders):
        with self.lock:
            if path not in self.direct:
                with open(path, "rb") as file:
                    data = file.read()
                found = [next((f"{folder}/{name.decode()}" for folder in folders
                               if os.path.isfile(f"{folder}/{name.decode()}")), None) for name in INCLUDE.findall(data)]
                self.direct[path] = hashlib.sha256(data).digest(), [name for name in found if name]
            return self.direct[path]

    def digest(self, path, folders):
        seen, pending, total = {}, [path], hashlib.sha256()
        while pending:
            current = pending.pop()
            if current not in seen:
                seen[current], included = self.read(current, [os.path.dirname(current), *folders])
                pending += included
        for name in sorted(seen):
            total.update(seen[name])
        return total.digest()


def key_of(path, command, contents, tool_version):
    folders = re.findall(r"-(?:I|isystem )\s*(\S+)", command)
    ours = [folder for folder in folders if folder.startswith(ROOT)]
    with open(f"{ROOT}/.clang-tidy", "rb") as file:
        parts = [tool_version, file.read(), command.replace(ROOT, "@").encode(), contents.digest(path, ours)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def tidy(path):
    # The compile commands are GCC's; what Clang does not know of them is no fault of the code.
    command = [TOOL, "--quiet", "-p", BUILD, "--extra-arg=-Wno-unknown-warning-option"]
    if path.endswith("_test.cc"):
        # A test that reads an absent optional fails, which is what a test is for.
        command.append("--checks=-bugprone-unchecked-optional-access")
    return subprocess.run([*command, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)


def findings(result):
    """What one run found, each with its lines; what stopped it if that was no finding."""
    starts = [match.start() for match in FINDING.finditer(result.stdout)]
    parts = [result.stdout[start:end] for start, end in zip(starts, [*starts[1:], len(result.stdout)])]
    return [part.replace(f"{ROOT}/", "").rstrip() for part in parts] or [result.stderr.rstrip()]


def main():
    commands = configure()
    wanted = [os.path.abspath(path) for path in sys.argv[1:]]
    os.makedirs(MEMORY, exist_ok=True)
    tool_version = subprocess.run([TOOL, "--version"], stdout=subprocess.PIPE, check=True).stdout
    contents = Contents()
    keys = {path: f"{MEMORY}/{key_of(path, command, contents, tool_version)}" for path, command in commands.items()
            if not wanted or path in wanted}
    stale = sorted(path for path, key in keys.items() if not os.path.exists(key))
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, result in zip(stale, pool.map(tidy, stale)):
            if result.returncode == 0:
                open(keys[path], "w").close()
                continue
            # A finding in a header comes with every file that includes it.
            for finding in findings(result):
                if finding not in seen:
                    seen.add(finding)
                    print(finding)
    print(f"clang-tidy: {len(stale)} files looked at, {len(keys) - len(stale)} unchanged since they were clean")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
