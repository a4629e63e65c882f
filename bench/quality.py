"""Reads of a collapsed profile what the budgets ask: stacks that reach their root, frames named that could be."""
import bisect
import collections
import os
import re
import subprocess

# Outermost functions of programs and threads: glibc and musl, Go, the kernel's hand-over to a new process.
ROOTS = {"_start", "__libc_start_main", "__libc_start_call_main", "clone", "clone3", "__clone", "__clone3", "start_thread",
         "thread_start", "_dl_start_user", "runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.mcall"}
MARKER = re.compile(r"\[[^\]]+\]")
UNNAMED = re.compile(r"\((?P<module>[^;]+)\+0x(?P<address>[0-9a-f]+)\)")
KERNEL = "_[k]"


def stacks(lines):
    """(comm, frames root first, count) of each line."""
    for line in lines:
        stack, _, count = line.rpartition(" ")
        parts = stack.split(";")
        yield parts[2], parts[3:], int(count)


def is_root_name(frame):
    return frame.split(" (")[0].partition("@")[0] in ROOTS


def root_share(lines):
    """By comm: [samples with a user part, of those walked to the root, of those whose outermost frame has the name of one]."""
    shares = collections.defaultdict(lambda: [0, 0, 0])
    for comm, frames, count in stacks(lines):
        if not frames or frames[0].endswith(KERNEL):
            continue
        share = shares[comm]
        share[0] += count
        marked = MARKER.fullmatch(frames[0])
        if not marked:
            share[1] += count
        if is_root_name(frames[0]):
            share[2] += count
    return shares


def short_lived(lines, comm):
    """Samples of processes of that comm, and how many are whole with every frame named."""
    total = full = 0
    for name, frames, count in stacks(lines):
        if name != comm:
            continue
        total += count
        if not any(MARKER.fullmatch(frame) or UNNAMED.fullmatch(frame) for frame in frames):
            full += count
    return total, full


class SymbolRanges:
    """Which addresses of a file have a symbol, by binutils."""

    def __init__(self):
        self.paths = {}   # of files mapped somewhere now or at an earlier look, by their name
        self.ranges = {}  # by module: sorted starts, and how far the symbols up to there reach

    def look(self):
        """Finds the files that running programs map."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
                    for line in maps:
                        path = line.split(maxsplit=5)[5:]
                        if path and path[0].startswith("/"):
                            self.paths.setdefault(os.path.basename(path[0].strip()), path[0].strip())
            except OSError:
                pass

    @staticmethod
    def read(path):
        symbols = set()
        for table in ([], ["-D"]):
            output = subprocess.run(["nm", "-S", "--defined-only", *table, path], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True, check=False).stdout
            for line in output.splitlines():
                parts = line.split()
                if len(parts) >= 4 and parts[2] in "tTwWiu":
                    symbols.add((int(parts[0], 16), int(parts[0], 16) + int(parts[1], 16)))
        starts, reach = [], []
        for start, end in sorted(symbols):
            starts.append(start)
            reach.append(max(end, reach[-1]) if reach else end)
        return starts, reach

    def has(self, module, address):
        """None: there is no such file any more."""
        if module not in self.paths:
            return None
        if module not in self.ranges:
            self.ranges[module] = self.read(self.paths[module])
        starts, reach = self.ranges[module]
        at = bisect.bisect_right(starts, address) - 1
        return at >= 0 and address < reach[at]


def naming(lines, symbols):
    """Frames of native code and the kernel: named, unnamed although the file has a symbol, unnamed without one."""
    named, missed, without, unknown = 0, 0, 0, 0
    offenders = collections.Counter()
    for _, frames, count in stacks(lines):
        for frame in frames:
            unnamed = UNNAMED.fullmatch(frame)
            if MARKER.fullmatch(frame):
                continue
            if not unnamed:
                named += count
                continue
            has = symbols.has(unnamed["module"], int(unnamed["address"], 16))
            if has:
                missed += count
                offenders[frame] += count
            elif has is None:
                unknown += count
            else:
                without += count
    return {"named": named, "missed": missed, "without": without, "unknown": unknown, "offenders": offenders}
