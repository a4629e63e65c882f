#!/usr/bin/env python3
"""Checks that need only the text of a source: licence lines, banned constructs, notes left behind; reports long files."""
import re
import sys

from check_layers import ROOT, sources

LICENCE = "SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause"
LONG_FILE = 400

# A call of a C function by bare or global name: not a member, not Class::name, not a declaration of one's own.
RAW_CALL = r"(?:(?:^|[=(,!{{;&|?:]|\breturn)\s*|(?<![\w>]))::(?:{0})\s*\(|(?:[=(,!{{;&|?]|\breturn)\s*(?:{0})\s*\("

# (what, pattern, paths it holds for, paths it does not hold for, what to do instead)
BANNED = [
    ("left-behind note", r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b", r".", r"^tools/check_sources\.py$",
     "finish it, or say in prose what is so"),
    ("process or file by raw call", RAW_CALL.format("v?fork|clone|open|openat|creat|popen|system|execvpe?|execl|execve"),
     r"^src/.*\.(cc|h)$", r"^src/os/|_test\.cc$|/testing/", "use src/os, whose handles close themselves"),
    ("throwing or unchecked number parsing", r"\bstd::sto[a-z]+\s*\(|\b(?:atoi|atol|atoll|strto[a-z]+)\s*\(",
     r"\.(cc|h)$", r"^tests/|_test\.cc$|/testing/", "std::from_chars, its result checked"),
    ("unbounded C string function", r"\b(?:strncpy|strcpy|strcat|strncat|sprintf|vsprintf|gets)\s*\(",
     r"\.(cc|h|c)$", r"^tests/workloads/", "std::string, fmt or memcpy with a checked size"),
    ("exception of our own", r"\bthrow\s+[\w:]+\s*[({]", r"^src/.*\.(cc|h)$", r"$^", "return a Result"),
    ("header GCC 12 lacks", r"#\s*include\s+<(?:format|print|generator|stacktrace)>", r"\.(cc|h)$", r"$^", "fmt"),
    ("silenced linter without a check name", r"NOLINT(?:NEXTLINE|BEGIN|END)?(?!\w|\()", r"\.(cc|h)$", r"$^",
     "NOLINT(check-name) and why"),
]


def text_of(path):
    with open(f"{ROOT}/{path}", encoding="utf-8", errors="replace") as file:
        return file.read()


def without_comment(line):
    return re.sub(r"//.*", "", line)


def complaints(path, lines):
    if path.startswith("bpf/") and path.endswith((".c", ".h")) and LICENCE not in "\n".join(lines[:3]):
        yield f"{path}:1: the first lines lack '{LICENCE}'"
    if path.endswith(".h") and path.startswith(("src/", "bpf/")) and not any("#pragma once" in line for line in lines):
        yield f"{path}:1: no #pragma once"
    for what, pattern, holds, not_holds, instead in BANNED:
        if not re.search(holds, path) or re.search(not_holds, path):
            continue
        in_comments = what in ("left-behind note", "silenced linter without a check name")
        for number, line in enumerate(lines, 1):
            if re.search(pattern, line if in_comments else without_comment(line)):
                yield f"{path}:{number}: {what}: {instead}"


def main():
    bad, lengths = 0, []
    for path in sources():
        if not path.endswith((".h", ".cc", ".c", ".py", ".sh", ".js", ".html", ".md", ".txt", ".cmake")):
            continue
        lines = text_of(path).splitlines()
        if path.startswith(("src/", "bpf/")):
            lengths.append((len(lines), path))
        for complaint in complaints(path, lines):
            print(complaint)
            bad += 1
    lengths.sort(reverse=True)
    long_ones = [f"{path} {length}" for length, path in lengths if length > LONG_FILE]
    median = lengths[len(lengths) // 2][0] if lengths else 0
    print(f"{len(lengths)} source files, median {median} lines; over {LONG_FILE}: {', '.join(long_ones) or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
