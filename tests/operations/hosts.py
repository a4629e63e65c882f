"""What hosts do to the profiler: little memory, a full disk, a log taken away, processes that vanish, hours of churn."""
import contextlib
import datetime
import glob
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from daemon import AGENT, ROOT, Daemon, Profile, Skip, run

sys.path[:0] = [f"{ROOT}/tests/workloads"]
from build import OUT as WORKLOADS, build

MIB = 1 << 20
ROWS_BUDGET = 9 * MIB  # of the pool, its directory and what the kernel adds to each map


def workload(*names):
    for name, reason in build(list(names), {}).items():
        if reason:
            raise Skip(f"{name}: {reason}")


def hosts_rotate_the_log():
    """A log that is moved away, deleted or truncated goes on under its name; by size it rotates itself."""
    with Daemon("--log-rotate-max-size 5000 --log-rotate-backup-count 1") as daemon:
        os.rename(daemon.log, f"{daemon.log}.moved")
        daemon.wait_for(lambda: os.path.exists(daemon.log) and daemon.read(daemon.log), 10, "a log after mv")
        shutil.rmtree(os.path.dirname(daemon.log))
        daemon.wait_for(lambda: os.path.exists(daemon.log) and daemon.read(daemon.log), 10, "a log after rm -r")
        os.truncate(daemon.log, 0)
        daemon.wait_for(lambda: daemon.read(daemon.log), 10, "a log after truncate")
        for _ in range(12):
            run(f"kill -USR2 {daemon.pid}")
            time.sleep(0.3)
        daemon.wait_for(lambda: os.path.exists(f"{daemon.log}.1"), 10, "rotation")
        for path in (daemon.log, f"{daemon.log}.1"):
            if os.path.getsize(path) > 5000:
                yield f"{path} has {os.path.getsize(path)} bytes"
        if os.path.exists(f"{daemon.log}.2"):
            yield "more backups than asked for"


def hosts_fill_the_disk():
    """On a full disk a profile is held until there is room, log lines are lost and counted, and the profiler goes on."""
    with tempfile.TemporaryDirectory() as disk:
        if run(f"mount -t tmpfs -o size=1m tmpfs {disk}").returncode != 0:
            raise Skip("tmpfs cannot be mounted")
        try:
            with Daemon(folder=f"{disk}/out", options=f"--log-file {disk}/log") as daemon:
                daemon.log = f"{disk}/log"
                daemon.wait_for_profiles(1, 30)
                run(f"dd if=/dev/zero of={disk}/ballast bs=4k 2>/dev/null")
                failed = lambda: daemon.status()["sessions"][0]["failed"]
                for _ in range(4):  # the last page of the log has room for a line or two
                    run(f"kill -USR2 {daemon.pid}")
                    time.sleep(0.3)
                daemon.wait_for(lambda: failed() >= 2, 30, "two failed windows")
                held = daemon.status()["held"]
                if held["profiles"] != 1 or not 0 < held["bytes"] < 1 << 20 or held["dropped"] != 0:
                    yield f"with --rotating-output the newest profile is held: {held}"
                error = daemon.status()["sessions"][0]["last_error"]
                if "No space left" not in error or "free some space" not in error:
                    yield f"the error says {error!r}"
                left = [name for name in os.listdir(f"{disk}/out") if name.startswith(".")]
                os.remove(f"{disk}/ballast")
                daemon.wait_for_profiles(2, 30)
                if "which had been held" not in daemon.read(f"{disk}/log") or daemon.status()["held"]["profiles"] != 0:
                    yield f"what was held was not written: {daemon.status()['held']}"
                if left:
                    yield f"unfinished files were left: {left}"
                if "lines of log could not be written" not in daemon.read(f"{disk}/log"):
                    yield "the log does not say that lines are missing"
        finally:
            run(f"umount {disk}")


@contextlib.contextmanager
def memory_group(limit):
    """A control group with so much memory, and the command that puts a shell into it and into a group whose pressure is
    told (version 2, where both are the same)."""
    name = f"gprofiler-test-{os.getpid()}"
    folders = []
    for folder, file in ((f"/sys/fs/cgroup/{name}", "memory.max"), (f"/sys/fs/cgroup/memory/{name}", "memory.limit_in_bytes"),
                         (f"/sys/fs/cgroup/unified/{name}", None)):
        try:
            os.mkdir(folder)
            folders.append(folder)
            if file:
                with open(f"{folder}/{file}", "w", encoding="utf-8") as text:
                    text.write(str(limit))
        except OSError:
            if folders and folders[-1] == folder:
                os.rmdir(folders.pop())
    try:
        if not any(os.path.exists(f"{folder}/memory.{what}") for folder in folders for what in ("max", "limit_in_bytes")):
            raise Skip("no control group that limits memory can be made here")
        yield folders, "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in folders)
    finally:
        for folder in folders:
            for _ in range(50):  # what was killed in it is leaving
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.1)


def hosts_limit_by_group():
    """The limit of the control group counts: five eighths of it, so that the kernel never kills."""
    with memory_group(160 * MIB) as (_, enter), \
            Daemon(prefix=("sh", "-c", f'{enter}; exec "$@"', "sh")) as daemon:
        if "Memory limit 100.0MB (cleanup from 80.0MB, emergency at 150.0MB)" not in daemon.log_text():
            yield daemon.log_text()
        daemon.wait_for_profiles(1, 30)


def hosts_press_for_memory():
    """Tasks that wait for memory, in the profiler's own group and so on the host, make it give up its caches."""
    if not os.path.exists("/proc/pressure/memory"):
        raise Skip("this kernel does not tell of pressure")
    thrash = ("import mmap, os, sys, time\n"
              "file = open(sys.argv[1], 'r+b')\n"
              "data = mmap.mmap(file.fileno(), 0)\n"
              "end = time.monotonic() + 20\n"
              "while time.monotonic() < end:\n"
              "    for at in range(0, len(data), 4096): data[at]\n")
    # Not tmpfs: pages of a file that can be read again are what is taken away and waited for.
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file, memory_group(40 * MIB) as (folders, enter):
        # Where version 1 limits memory, version 2 has a group of its own to put the profiler into.
        told = [folder for folder in folders if os.path.exists(f"{folder}/memory.pressure") and
                not os.path.exists(f"{folder}/memory.max")]
        join = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in told)
        yield from press(told, Daemon(prefix=("sh", "-c", f'{join or ":"}; exec "$@"', "sh")), enter, file.name, thrash)


def press(told, daemon, enter, path, thrash):
    with daemon:
        watched = [os.readlink(f"/proc/{daemon.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{daemon.pid}/fd")]
        watched = [target for target in watched if target.endswith(("/pressure/memory", "/memory.pressure"))]
        if len(watched) != 1 + len(told):
            yield f"it watches {watched}, not also {told}"
        before = daemon.self_report()["governor"]["steps"]["trim caches"]
        child = subprocess.Popen(["sh", "-c", f"{enter}; dd if=/dev/zero of={path} bs=1M count=120 2>/dev/null; "
                                  f'exec "$@"', "sh", sys.executable, "-c", thrash, path])
        try:
            daemon.wait_for(lambda: daemon.self_report()["governor"]["steps"]["trim caches"] > before and
                            "Memory cleanup (trim caches) freed" in daemon.log_text(), 40, "trimmed caches")
        finally:
            child.kill()
            child.wait()
        if not re.search(r"Memory pressure on this host \(ours: \d+\.\dMB\), triggering cleanup", daemon.log_text()):
            yield f"the log does not say why: {daemon.log_text()}"


def hosts_leave_no_descriptor():
    """Without a descriptor to be had profiles are held, nobody spins, and all goes on once there are some."""
    with Daemon("-f 99", seconds=1) as daemon:
        daemon.wait_for_profiles(2, 30)
        limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        allowed = take_descriptors(daemon.pid, limits[0], limits[1])
        client = subprocess.Popen([AGENT, "status", "--control-socket", daemon.socket], stdout=subprocess.PIPE)
        before = cpu_seconds(daemon.pid)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            allowed = take_descriptors(daemon.pid, allowed, limits[1])
            time.sleep(0.02)
        used = cpu_seconds(daemon.pid) - before
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
        if used > 2.5:
            yield f"it took {used:.1f} s of CPU time in 5 s"
        client.communicate(timeout=30)
        if client.returncode != 0:
            yield f"who asked meanwhile got no answer: {client.returncode}"
        profile = daemon.wait_for_profiles(2, 30)
        yield from profile.quality_faults()
        status = daemon.status()
        if status["sessions"][0]["failed"] == 0 or "Too many open files" not in status["sessions"][0]["last_error"]:
            yield f"it had descriptors all the time: {status['sessions'][0]}"
        if status["held"]["profiles"] != 0 or "which had been held" not in daemon.log_text():
            yield f"what was held was not written: {status['held']}"


def take_descriptors(pid, allowed, hard):
    """Leaves a process no new descriptor: the limit is the lowest number it does not use. What it gives back in the
    meantime is free again, so this has to be done again and again; returns the limit, `allowed` is that so far."""
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    lowest = next(number for number in range(len(used) + 1) if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(allowed, lowest), hard))
    return min(allowed, lowest)


def cpu_seconds(pid):
    fields = Daemon.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hosts_change_the_clock():
    """The wall clock leaps forward a day and back two: windows are as long as before, none is missing, none replaced."""
    with tempfile.TemporaryDirectory() as folder:
        built = run(f"gcc -O2 -shared -fPIC -o {folder}/leap.so {ROOT}/tests/operations/leap.c -ldl")
        if built.returncode != 0:
            raise Skip(f"leap.c cannot be built: {built.stdout}")
        with Daemon("-f 99", environment={"LD_PRELOAD": f"{folder}/leap.so", "LEAP_FILE": f"{folder}/leap"}) as daemon:
            lengths, starts = [], []
            for leap in (0, 86400, -86400):
                with open(f"{folder}/leap", "w", encoding="utf-8") as file:
                    file.write(str(leap))
                begun = time.monotonic()
                daemon.wait_for_profiles(1, 30)
                profile = daemon.wait_for_profiles(2, 30)
                if time.monotonic() - begun > 12:
                    yield f"after a leap of {leap} s three windows of 2 s took {time.monotonic() - begun:.0f} s"
                yield from profile.quality_faults()
                ends = [datetime.datetime.fromisoformat(profile.header["metadata"][what]) for what in ("start_time", "end_time")]
                lengths.append((ends[1] - ends[0]).total_seconds())
                starts.append(ends[0].timestamp())
            if any(not 1 <= length <= 3 for length in lengths):
                yield f"windows of 2 s are {lengths} s long"
            if abs(starts[1] - starts[0] - 86400) > 60 or abs(starts[2] - starts[0] + 86400) > 60:
                yield f"the clock was not seen to leap: {starts}"


def hosts_lose_processes_at_each_read():
    """Whichever look of the profiler at /proc/PID is the first that finds nobody: it ends well and its sums hold."""
    workload("c_chain")
    with tempfile.TemporaryDirectory() as folder:
        built = run(f"gcc -O2 -shared -fPIC -o {folder}/vanish.so {ROOT}/tests/operations/vanish.c -ldl")
        if built.returncode != 0:
            raise Skip(f"vanish.c cannot be built: {built.stdout}")
        burner = subprocess.Popen(["sh", "-c", f"while :; do {WORKLOADS}/c_chain 0.1; done"], start_new_session=True)
        try:
            for looks in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24):
                result = run(f"VANISH_AFTER={looks} LD_PRELOAD={folder}/vanish.so "
                             f"{AGENT} -o {folder}/{looks} -d 1 -f 199 --no-flamegraph")
                if result.returncode != 0:
                    yield f"after {looks} looks: exit code {result.returncode}: {result.stdout[-500:]}"
                    continue
                profile = Profile(Daemon.read(f"{folder}/{looks}/last_profile.col"))
                for fault in profile.quality_faults():
                    yield f"after {looks} looks: {fault}"
                if profile.total() == 0:
                    yield f"after {looks} looks: no sample"
        finally:
            os.killpg(burner.pid, signal.SIGKILL)
            burner.wait()


def hosts_run_out_of_memory():
    """Down the whole ladder and back: a load whose stacks never repeat, under twice what is held idle. The sessions watch
    that load alone, so that what else goes on on this machine does not matter."""
    workload("c_stacks")
    with Daemon(seconds=5) as daemon:
        daemon.wait_for_profiles(2, 60)
        idle = daemon.self_report()["memory"]["bytes"]
    load = [subprocess.Popen([f"{WORKLOADS}/c_stacks", "400"]) for _ in range(os.cpu_count())]
    load.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))  # for the collector
    pids = ",".join(str(process.pid) for process in load)
    try:
        with fake_tool("py-spy", "exec sleep 1000") as path, \
                Daemon(f"--memory-limit {2 * idle} -f 997 -p {pids} --python-mode pyspy", seconds=300,
                       environment={"PATH": path}) as daemon:
            governor = lambda: daemon.self_report()["governor"]
            collectors = lambda: daemon.status()["collectors_running"]
            daemon.wait_for(lambda: collectors() == 1, 10, "the collector")
            daemon.ask(f"session start second -f 997 -p {pids} --python-mode none")  # memory grows twice as fast
            daemon.wait_for(lambda: governor()["steps"]["lower rate"] > 0, 240, "a lower rate")
            report = daemon.status()
            if report["sampling_hz"] != report["self"]["governor"]["lowered_rate_hz"]:
                yield f"the sampler ticks at {report['sampling_hz']} Hz: {report['self']['governor']}"
            if report["collectors_running"] != 0:
                yield "the collector was not cancelled"
            for _ in range(6):
                daemon.ask(f"session start -f 997 -p {pids} --python-mode none")
            daemon.wait_for(lambda: governor()["steps"]["close session early"] > 0, 150, "the last step of the ladder")
            for process in load[:-1]:
                process.kill()
                process.wait()
            for session in daemon.status()["sessions"][1:]:
                daemon.ask(f"session stop {session['id']}")
            daemon.ask("snapshot")  # what the open window holds so far would stay for its 300 s
            daemon.wait_for(lambda: governor()["steps"]["undo"] > 0, 240, "the way back")
            for step, count in governor()["steps"].items():
                if count == 0:
                    yield f"step '{step}' was not taken"
            yield from back_to_normal(daemon, idle)
            daemon.ask("snapshot")
            daemon.wait_for(lambda: collectors() == 1, 10, "the collector, in the window after")
    finally:
        for process in load:
            process.kill()
            process.wait()


@contextlib.contextmanager
def fake_tool(name, script):
    """A PATH in which there is a program of that name first."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(f"{folder}/{name}", 0o755)
        yield f"{folder}:{os.environ['PATH']}"


def back_to_normal(daemon, idle):
    """All that the ladder took away is there again, the log tells of each step, and no window is missing a sample."""
    report = daemon.status()
    if report["self"]["governor"]["lowered_rate_hz"] is not None or report["sampling_hz"] not in (0, 997):
        yield f"the rate is still lowered: {report['sampling_hz']} Hz"
    held = report["self"]["memory"]["bytes"]
    if held > idle * 14 // 10:
        yield f"it holds {held / MIB:.1f} MiB after all, {idle / MIB:.1f} MiB at first"
    log = daemon.log_text()
    paused = [int(ms) for ms in re.findall(r"sampling began again empty after (\d+) ms", log)]
    if not paused or max(paused) > 3000:
        yield f"a restart of the sampler took {paused} ms"
    yield from memory_lines(log)
    for path in glob.glob(f"{daemon.out}/**/last_profile.col", recursive=True):
        profile = Profile(daemon.read(path))
        # Samples at a lowered rate weigh more than one of the nominal rate, and the lines hold weights.
        yield from (fault for fault in profile.quality_faults() if not fault.startswith("the lines hold"))
        if profile.total() < profile.header["data_quality"]["reported"]:
            yield f"{path}: the lines hold {profile.total()} of {profile.header['data_quality']['reported']} samples"


def memory_lines(log):
    # Memory is looked at once a second: what grows fast may be critical when it is first seen above normal.
    for pattern in (r"Memory usage (high \(\d+\.\dMB\), triggering cleanup|critical \(\d+\.\dMB\))",
                    r"CRITICAL memory usage: \d+\.\dMB - forcing aggressive cleanup",
                    r"Memory cleanup \([^)]*lower rate to \d+ Hz[^)]*\) freed \d+\.\dMB: \d+\.\dMB -> \d+\.\dMB",
                    r"Memory cleanup \([^)]*close session early\) freed \d+\.\dMB: \d+\.\dMB -> \d+\.\dMB",
                    r"Memory usage normal \(\d+\.\dMB\) for a minute: cleanup steps undone"):
        if not re.search(pattern, log):
            yield f"the log lacks {pattern!r}"


def hosts_churn():
    """A minute of processes that come and go: memory, descriptors, threads and children as at the start."""
    workload("c_short")
    churn = (f"while :; do {WORKLOADS}/c_short 0.01 & /bin/true; sh -c 'sleep 0.01' & {WORKLOADS}/c_short 0.02; wait; done")
    with Daemon("-f 99", seconds=3) as daemon:
        children = [subprocess.Popen(["sh", "-c", churn], start_new_session=True) for _ in range(2)]
        try:
            reports = []
            for _ in range(int(os.environ.get("GP_SOAK_WINDOWS", "18"))):
                daemon.wait_for_profiles(1, 30)  # the same moment of each window
                reports.append(daemon.self_report())
        finally:
            for child in children:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    third = len(reports) // 3
    # Unwind rows come as code is hit, a segment of 1 MiB (a BPF map) at a time, up to their budget: not what churn adds.
    rows = [report["accounts"]["unwind rows"] for report in reports]
    if rows[-1] > ROWS_BUDGET:
        yield f"unwind rows take {rows[-1] / MIB:.1f} MiB"
    memory = [report["memory"]["bytes"] - of_rows for report, of_rows in zip(reports, rows)]
    early, late = max(memory[third:2 * third]), max(memory[2 * third:])
    if late > early + MIB:
        yield f"memory but for unwind rows went from {early / MIB:.1f} to {late / MIB:.1f} MiB: {[value // MIB for value in memory]}"
    for what, of in (("descriptors", lambda report: report["fds"]["total"] - report["fds"]["by_kind"]["bpf map"]), ("threads", lambda report: report["threads"]),
                     ("children", lambda report: sum(report["children"].values()))):
        if of(reports[-1]) > of(reports[third]):
            yield f"{what} went from {of(reports[third])} to {of(reports[-1])}"
    print(f"  churn: memory {early / MIB:.1f} -> {late / MIB:.1f} MiB, {reports[-1]['fds']['total']} descriptors, "
          f"{reports[-1]['threads']} threads")


CASES = [hosts_rotate_the_log, hosts_fill_the_disk, hosts_lose_processes_at_each_read, hosts_limit_by_group,
         hosts_press_for_memory, hosts_leave_no_descriptor, hosts_change_the_clock]
LONG = [hosts_run_out_of_memory, hosts_churn]
