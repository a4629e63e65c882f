"""`perf record` and `perf script` under the same load: what they cost a sample, and how many stacks reach their root.

Without inlined calls (--no-inline), which we do not resolve either unless asked: with them the dwarf mode is ten times
slower still.
"""
import os
import subprocess
import tempfile
import time

import quality

MODES = {"perf fp": ["-g"], "perf dwarf": ["--call-graph", "dwarf"]}


def timed(command, output):
    """(CPU seconds, max RSS in KiB, wall seconds)."""
    started = time.monotonic()
    with open(output, "wb") as file:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        child.wait()
        raise
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, time.monotonic() - started


def read_script(path):
    """(samples, with a user part, of those with a root's name outermost) of perf script's text."""
    samples = user = rooted = 0
    last = None

    def close():
        nonlocal user, rooted
        address, symbol = last
        if address < 1 << 63:
            user += 1
            rooted += symbol.rpartition("+0x")[0] in quality.ROOTS or symbol in quality.ROOTS

    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            parts = line.split()
            if line[:1] not in ("\t", " ") and parts:
                samples += 1
                last = None
            elif not parts:
                if last:
                    close()
                last = None
            else:
                try:
                    last = int(parts[0], 16), parts[1] if len(parts) > 1 else ""
                except ValueError:
                    pass
    return samples, user, rooted


def run(mode, hz, seconds, load):
    """The load stands still while perf script works: its CPU time is what counts, and it can be minutes of it."""
    with tempfile.TemporaryDirectory(prefix="gp-bench-perf-") as folder:
        data, text = f"{folder}/perf.data", f"{folder}/script"
        record_cpu, record_rss, _ = timed(["perf", "record", "-q", "-a", "-F", str(hz), *MODES[mode], "-o", data, "--",
                                           "sleep", str(seconds)], f"{folder}/log")
        with load.paused():
            script_cpu, script_rss, script_seconds = timed(["perf", "script", "--no-inline", "-i", data], text)
        samples, user, rooted = read_script(text)
    return {"us_per_sample": (record_cpu + script_cpu) * 1e6 / max(1, samples), "rss_kib": max(record_rss, script_rss),
            "close_seconds": script_seconds, "samples": samples, "rooted": rooted / max(1, user)}
