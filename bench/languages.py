"""What profiling one program of each language costs: the profiler, beside those that are made for the language and perf.

Between two times without profiler the program does the same fixed amount of work with one: what the profiler's CPU time
grows by meanwhile is its cost while it samples, its CPU time from start to output's end that of the whole run; how much
longer the work took is the slowdown; and it never waits, so when it neither ran nor waited for a CPU it was stopped.
"""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import agent
import targets

sys.path.insert(0, f"{targets.ROOT}/tests/support")
import external_tools

SETTLE_SECONDS = 1.0
STARTS_WITHIN = 20.0
NAMED = re.compile(r"\b(count_words|sum_numbers|unit)\b")


def collapsed(text):
    """(samples, of those with a function of the script) of `a;b;c 12` lines."""
    samples = named = 0
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        if count.isdigit():
            samples += int(count)
            named += int(count) if NAMED.search(stack) else 0
    return samples, named


class Ours:
    name = "gprofiler"

    def __init__(self, settings, hz):
        self.binary, self.hz = settings.binary, hz

    def missing(self):
        return None

    def start(self, target, _):
        self.run = agent.Run(self.binary, self.hz, ["-p", str(target.pid)])

    def samples_now(self):
        return agent.bpf_runs(self.run.child.pid)[1] > 0

    def cpu_ns(self):
        bpf_ns, _, others_ns = agent.bpf_runs(self.run.child.pid)
        return agent.cpu_ns(self.run.child.pid) + bpf_ns + others_ns

    def stop(self):
        self.run.finish()
        return (self.run.cpu_ns + self.run.bpf_ns + self.run.bpf_other_ns, *collapsed("\n".join(self.run.lines)))

    def end(self):
        self.run.end()
        shutil.rmtree(self.run.folder, ignore_errors=True)


class Tool:
    """A profiler that runs until SIGINT and writes a file. `wait_for`: what it prints when it begins to sample."""

    def __init__(self, name, command, why, wait_for=None):
        self.name, self.command, self.why, self.wait_for = name, command, why, wait_for
        self.child = None

    def missing(self):
        return None if shutil.which(self.command[0]) else self.why

    def start(self, target, folder):
        self.output, self.log = f"{folder}/output", f"{folder}/log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([part.format(pid=target.pid, output=self.output) for part in self.command],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def told(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def samples_now(self):
        if self.child.poll() is not None:
            raise RuntimeError(" | ".join(self.told().strip().splitlines()[-2:]))
        return self.wait_for is None or self.wait_for in self.told()

    def cpu_ns(self):
        return agent.cpu_ns(self.child.pid)

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        cpu_ns = self.reap(self.child)
        if not os.path.exists(self.output):
            raise RuntimeError(" | ".join(self.told().strip().splitlines()[-2:]))
        return (cpu_ns + self.after(), *self.read())

    @staticmethod
    def reap(child):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return round((usage.ru_utime + usage.ru_stime) * 1e9)

    def after(self):
        return 0

    def read(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            return collapsed(file.read())

    def end(self):
        if self.child and self.child.returncode is None:
            self.child.kill()
            self.child.wait()


class Perf(Tool):
    def after(self):
        """CPU nanoseconds of perf script, without inlined calls as in peers.py."""
        with open(f"{self.output}.text", "wb") as text:
            child = subprocess.Popen(["perf", "script", "--no-inline", "-i", self.output], stdin=subprocess.DEVNULL,
                                     stdout=text, stderr=subprocess.DEVNULL)
        return self.reap(child)

    def read(self):
        with open(f"{self.output}.text", encoding="utf-8", errors="replace") as file:
            stacks = [stack for stack in file.read().split("\n\n") if stack.strip()]
        return len(stacks), sum(bool(NAMED.search(stack)) for stack in stacks)


def profilers(settings, language, hz, missing):
    """Those to compare for a language. `missing`: by command, why it cannot be had."""
    rate = str(hz)
    yield Ours(settings, hz)
    if language == "Python":
        command = ["py-spy", "record", "-p", "{pid}", "-r", rate, "-f", "raw", "-o", "{output}"]
        why = missing.get("py-spy", "")
        yield Tool("py-spy", command, why, "Sampling process")
        yield Tool("py-spy --native", [*command, "--native"], why, "Sampling process")
    if language == "Ruby":
        yield Tool("rbspy", ["rbspy", "record", "--pid", "{pid}", "--rate", rate, "--format", "collapsed", "--file", "{output}",
                             "--raw-file", "{output}.raw"], missing.get("rbspy", ""))
    for name, options in (("perf, fp", ["-g"]), ("perf, dwarf", ["--call-graph", "dwarf"])):
        yield Perf(name, ["perf", "record", "-q", "-F", rate, *options, "-p", "{pid}", "-o", "{output}"], "perf is not installed")


def settle(profiler, target):
    """The target works until the profiler samples, and a little longer; returns since when it does."""
    started = time.monotonic()
    since = None
    while since is None or time.monotonic() - since < SETTLE_SECONDS:
        target.do(target.units_a_second / 20)
        if since is None and profiler.samples_now():
            since = time.monotonic()
        if time.monotonic() - started > STARTS_WITHIN:
            raise RuntimeError(f"took no sample within {STARTS_WITHIN:.0f} s")
    return since


def run_one(profiler, target, units):
    """The work under the profiler, and the profiler's figures."""
    with tempfile.TemporaryDirectory(prefix="gp-bench-language-") as folder:
        profiler.start(target, folder)
        try:
            since = settle(profiler, target)
            before_ns, began = profiler.cpu_ns(), time.monotonic()
            during = target.do(units)
            used_ns, ended = profiler.cpu_ns() - before_ns, time.monotonic()
            cpu_ns, samples, named = profiler.stop()
        finally:
            profiler.end()
    if samples == 0:
        raise RuntimeError("took no sample")
    # Which of its samples are of the work it does not say: they come evenly.
    of_work = samples * (ended - began) / (ended - since)
    return during, {"us": used_ns / of_work / 1e3, "whole us": cpu_ns / samples / 1e3, "named": named / samples,
                    "stopped": during.stopped_ns / during.own_ns}


class Table:
    """Values of all rounds, by language, profiler and name."""

    def __init__(self, settings, hz, tell):
        self.settings, self.hz, self.tell = settings, hz, tell
        self.values, self.skipped, self.names = {}, {}, {}
        self.missing = external_tools.fetch(["py-spy", "rbspy"])

    def add_round(self):
        for language in targets.LANGUAGES:
            target = targets.Target(language)
            if target.unavailable:
                self.skipped[language] = {"": target.unavailable}
                continue
            self.names[language] = target.name
            with target, targets.awake():
                self.add_turns(language, target)

    def add_turns(self, language, target):
        units = target.units_a_second * self.settings.work_seconds
        before = target.do(units)
        for profiler in profilers(self.settings, language, self.hz, self.missing):
            self.tell(f"{language}: {profiler.name}")
            why = profiler.missing()
            try:
                if why is None:
                    during, figures = run_one(profiler, target, units)
                    after = target.do(units)
                    self.add(language, profiler.name, figures, before, during, after)
                    before = after
            except RuntimeError as error:
                why = str(error)
            if why is not None:
                self.skipped.setdefault(language, {})[profiler.name] = why

    def add(self, language, profiler, figures, before, during, after):
        calm = (before.own_ns + after.own_ns) / 2
        figures |= {"slowdown": during.own_ns / calm - 1, "noise": abs(after.own_ns - before.own_ns) / calm,
                    "stopped without": (before.stopped_ns + after.stopped_ns) / 2 / calm}
        for name, value in figures.items():
            self.values.setdefault(language, {}).setdefault(profiler, {}).setdefault(name, []).append(value)

    def print(self):
        print("\n| program | profiler | while it samples, µs CPU a sample | times ours | whole run, µs CPU a sample | slowdown, % "
              "| stopped, ms/s | names the script's functions, % |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for language, by_profiler in self.values.items():
            medians = {profiler: {name: statistics.median(values) for name, values in by_name.items()}
                       for profiler, by_name in by_profiler.items()}
            for profiler, value in medians.items():
                # perf only writes down what it gets; the work comes afterwards.
                ratio = f"{value['us'] / medians[Ours.name]['us']:.1f}" if "perf" not in profiler else "–"
                print(f"| {self.names[language]} | {profiler} | {value['us']:.0f} | {ratio} | {value['whole us']:.0f} | "
                      f"{value['slowdown'] * 100:+.1f} | {value['stopped'] * 1e3:.1f} | {value['named'] * 100:.1f} |")
        for language, by_profiler in self.skipped.items():
            for profiler, why in by_profiler.items():
                print(f"SKIP {language}{' with ' if profiler else ''}{profiler}: {why}")
        self.print_noise()

    def print_noise(self):
        def median(name):
            return statistics.median(value for by_profiler in self.values.values() for by_name in by_profiler.values()
                                     for value in by_name[name])

        if self.values:
            print(f"Slowdown is of the work's own time, waiting for a CPU left out; without profiler two times differ by "
                  f"{median('noise') * 100:.1f} %, and it stands still {median('stopped without') * 1e3:.1f} ms/s. The whole "
                  f"run took {self.settings.work_seconds} s and a little, start and output included. perf's CPU leaves out what "
                  "its sampling costs in the kernel and, while it samples, what perf script takes afterwards; ours has it.")


def run(settings, hz, tell):
    """The table of all rounds."""
    table = Table(settings, hz, tell)
    with agent.BpfStats():
        for _ in range(settings.rounds):
            table.add_round()
    return table
