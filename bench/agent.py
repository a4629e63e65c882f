"""Runs the profiler and reads from outside what it costs: CPU by its own clock, BPF run time and maps by fdinfo."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time

CPUCLOCK_SCHED = 2  # include/linux/posix-timers_types.h: the CPU clock of a process is (~pid << 3) | 2
BPF_STATS = "/proc/sys/kernel/bpf_stats_enabled"
SETTLE = 3  # seconds from the first sample to when all walkers are loaded, also where every CPU is busy
TYPE_PERF_EVENT = 7  # enum bpf_prog_type of include/uapi/linux/bpf.h


class BpfStats:
    """Has the kernel time BPF programs meanwhile (it costs some 60 ns a run)."""

    def __enter__(self):
        with open(BPF_STATS, encoding="ascii") as file:
            self.before = file.read()
        self.write("1")
        return self

    def __exit__(self, *_):
        self.write(self.before)

    @staticmethod
    def write(value):
        with open(BPF_STATS, "w", encoding="ascii") as file:
            file.write(value)


def cpu_ns(pid):
    """CPU time of all threads of a process, ended ones included."""
    return time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED)


def fdinfos(pid):
    """The fdinfo of each descriptor, as dictionaries."""
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
                yield dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        except OSError:
            pass


def bpf_runs(pid):
    """(run time in ns, runs) of the sampling program, and the run time of all others."""
    sampler, runs, others, seen = 0, 0, 0, set()
    for info in fdinfos(pid):
        if "prog_type" not in info or info.get("prog_id") in seen:
            continue
        seen.add(info.get("prog_id"))
        if int(info["prog_type"]) == TYPE_PERF_EVENT:
            sampler += int(info["run_time_ns"])
            runs += int(info["run_cnt"])
        else:
            others += int(info["run_time_ns"])
    return sampler, runs, others


def map_bytes(pid):
    """What the kernel charges for the BPF maps a process holds, each once."""
    maps = {info["map_id"]: int(info.get("memlock", 0)) for info in fdinfos(pid) if "map_id" in info}
    return sum(maps.values())


def memory_kib(pid):
    """Budgeted memory, and clean file pages apart."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        status = dict(re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.MULTILINE))
    return {"anon": int(status.get("RssAnon", 0)), "shmem": int(status.get("RssShmem", 0)),
            "file": int(status.get("RssFile", 0)), "maps": map_bytes(pid) // 1024}


def total_kib(memory):
    return memory["anon"] + memory["shmem"] + memory["maps"]


class Run:
    """One run of the profiler: what it cost until the end of the window, and after."""

    def __init__(self, binary, hz, options=()):
        self.folder = tempfile.mkdtemp(prefix="gp-bench-out-")
        self.started = time.monotonic()
        self.settled_cpu_ns, self.settled = 0, 0.0
        self.memory = {"anon": 0, "shmem": 0, "file": 0, "maps": 0}
        with open(f"{self.folder}/log", "wb") as log:
            self.child = subprocess.Popen([binary, "-o", self.folder, "-d", "3600", "-f", str(hz), *options],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def await_first_sample(self, limit=20.0):
        """Seconds from start to the first run of the sampling program; with it the CPU used by then."""
        while self.alive() and time.monotonic() - self.started < limit:
            if bpf_runs(self.child.pid)[1] > 0:
                self.first_sample_seconds = time.monotonic() - self.started
                self.start_cpu_ns = cpu_ns(self.child.pid)
                return
            time.sleep(0.002)
        raise RuntimeError(f"the profiler took no sample: {self.log()}")

    def alive(self):
        return self.child.poll() is None

    def log(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def watch(self, seconds):
        """Lets it profile, noting the most memory it holds, and the CPU used by when it has started for good."""
        end = time.monotonic() + seconds
        settled = min(end, time.monotonic() + SETTLE)
        while self.alive() and time.monotonic() < end:
            self.note_memory()
            time.sleep(0.5)
            if not self.settled_cpu_ns and time.monotonic() >= settled:
                self.settled_cpu_ns, self.settled = cpu_ns(self.child.pid), time.monotonic()

    def note_memory(self):
        try:
            memory = memory_kib(self.child.pid)
        except OSError:
            return
        if total_kib(memory) > total_kib(self.memory):
            self.memory = memory

    def finish(self):
        """Ends the window and waits for the files; fills the figures."""
        pid = self.child.pid
        if not self.alive():
            raise RuntimeError(f"the profiler ended early: {self.log()}")
        self.bpf_ns, self.bpf_runs, self.bpf_other_ns = bpf_runs(pid)
        self.window_cpu_ns = cpu_ns(pid)
        self.window_end = time.monotonic()
        self.child.send_signal(signal.SIGINT)
        while True:  # the child is ours alone to reap: wait4 tells all the CPU it used
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                break
            self.note_memory()
            time.sleep(0.01)
        self.close_seconds = time.monotonic() - self.window_end
        self.child.returncode = os.waitstatus_to_exitcode(status)
        if self.child.returncode != 0:
            raise RuntimeError(f"the profiler failed: {self.log()}")
        self.cpu_ns = round((usage.ru_utime + usage.ru_stime) * 1e9)
        self.close_cpu_ns = self.cpu_ns - self.window_cpu_ns
        with open(f"{self.folder}/last_profile.col", encoding="utf-8", errors="replace") as file:
            self.header = json.loads(file.readline()[1:])
            self.lines = file.read().splitlines()
        self.quality = self.header["data_quality"]
        self.samples = self.quality["reported"]

    def end(self):
        """Ends it on any path."""
        if self.child.returncode is None and self.alive():
            self.child.kill()
            self.child.wait()
