#!/usr/bin/env python3
"""Measures the profiler against the budgets of docs/performance.md, beside perf under the same load and beside the profilers
of each language, and prints tables.

Usage: bench/run.py [--quick] [--rounds N] [--agent BINARY] [--no-perf] [--only load|languages|processes]. Needs root. Fails nothing
by time.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import agent
import languages
import load
import peers
import processes
import quality

BUILD = f"{ROOT}/build/bench"
HZ = 99
STRONGER = 10  # times HZ: a slowdown of half a percent is lost in noise, ten times as much is not
LOAD_SECONDS = 1800  # after which a forgotten load ends by itself
WARM_SECONDS = 6  # java, node and the first compilation are past their start then


class Settings:
    def __init__(self, arguments):
        quick = arguments.quick
        self.binary = arguments.agent or f"{ROOT}/build/gprofiler"
        self.micro = f"{ROOT}/build/bench/gp_micro"  # tools/build.sh bench
        self.rounds = arguments.rounds or (1 if quick else 3)
        self.short, self.long = (5, 14) if quick else (15, 55)  # windows whose difference gives the slope
        self.perf_seconds = 3 if quick else 5
        self.capture_seconds = 3 if quick else 6
        self.slowdown_turns = 3 if quick else 6
        self.work_seconds = 2 if quick else 5  # of each program of a language, by itself and under each profiler
        self.processes_seconds = 20 if quick else 40
        self.perf = not arguments.no_perf and shutil.which("perf") is not None


STARTED = time.monotonic()


def tell(text):
    print(f"bench: {time.monotonic() - STARTED:4.0f} s: {text}", file=sys.stderr, flush=True)


def compile_helpers():
    os.makedirs(BUILD, exist_ok=True)
    common = ["-O2", "-Wall", "-Wextra", "-Werror"]
    for name, extra in (("bpf_load", ["-lbpf"]), ("kernel_stack", ["-lbpf"]),
                        ("fixed_work", [f"-I{ROOT}/tests/workloads"])):
        subprocess.run(["gcc", *common, "-o", f"{BUILD}/{name}", f"{HERE}/{name}.c", *extra], check=True)
    machine = os.uname().machine
    subprocess.run(["clang-19", *common, "-g", "-mcpu=v3", "-target", "bpf",
                    f"-D__TARGET_ARCH_{'arm64' if machine == 'aarch64' else 'x86'}", f"-I/usr/include/{machine}-linux-gnu",
                    "-c", f"{HERE}/kernel_stack.bpf.c", "-o", f"{BUILD}/kernel_stack.bpf.o"], check=True)


def profile(settings, seconds):
    run = agent.Run(settings.binary, HZ)
    try:
        run.await_first_sample()
        run.watch(seconds)
        run.finish()
    finally:
        run.end()
        shutil.rmtree(run.folder, ignore_errors=True)
    return run


def kernel_capture(settings):
    """Microseconds a kernel-mode sample spends in the kernel's own stack capture."""
    output = subprocess.run([f"{BUILD}/kernel_stack", f"{BUILD}/kernel_stack.bpf.o", str(HZ),
                             str(settings.capture_seconds)], stdout=subprocess.PIPE, text=True, check=True).stdout
    nanoseconds, _, kernel_runs = map(int, output.split())
    return nanoseconds / max(1, kernel_runs) / 1000


def load_programs():
    """Lines about each BPF program, and about the object."""
    output = subprocess.run([f"{BUILD}/bpf_load", f"{ROOT}/build/bpf/cpu.bpf.o"], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    return [line.split() for line in output.splitlines()]


MICRO = (("replay_samples", "records of the ring → the window's stacks"), ("replay_close", "names, merging by name"),
         ("replay_output/collapsed", "collapsed text"), ("replay_output/html", "HTML"),
         ("replay_window", "all of it once, as after a start"))


def microbenchmarks(settings):
    """CPU of each stage over a recorded load, and of one unwind page, by benchmark name."""
    if not os.path.exists(settings.micro):
        return {}
    output = subprocess.run([settings.micro, "--benchmark_filter=replay|compile_page", "--benchmark_format=json"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return {entry["name"]: entry for entry in json.loads(output)["benchmarks"]}


def fixed_work(units):
    """CPU seconds of the same work on every CPU at once."""
    children = [subprocess.Popen(["taskset", "-c", str(cpu), f"{BUILD}/fixed_work", str(units)], stdout=subprocess.PIPE,
                                 text=True) for cpu in sorted(os.sched_getaffinity(0))]
    return sum(int(child.communicate()[0]) for child in children) / 1e9


def slowdown(settings):
    """What the profiler adds to the CPU time of the same work (interrupts and colder caches, not the agent's own time),
    turn by turn; and the same of two measurements without it, which is the noise. Measured at many times the rate and
    divided by that: it is the ticks that cost."""
    units = round(60_000 / max(0.1, fixed_work(60_000) / os.cpu_count()))  # about a second each
    ratios, noise = [], []
    for _ in range(settings.slowdown_turns):
        before = [fixed_work(units) for _ in range(2)]
        run = agent.Run(settings.binary, HZ * STRONGER)
        try:
            run.await_first_sample()
            time.sleep(1)
            during = [fixed_work(units) for _ in range(2)]
            run.finish()
        finally:
            run.end()
            shutil.rmtree(run.folder, ignore_errors=True)
        after = [fixed_work(units) for _ in range(2)]
        ratios.append((sum(during) * 2 / (sum(before) + sum(after)) - 1) / STRONGER)
        noise.append((sum(after) / sum(before) - 1) / STRONGER)
    return ratios, noise


class Figures:
    """Values of each round by name, their medians and spread."""

    def __init__(self):
        self.values = {}

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.values[name]) if self.values.get(name) else None

    def spread(self, name):
        values = self.values.get(name)
        return (min(values), max(values)) if values else None


def measure_round(settings, figures, symbols):
    short = profile(settings, settings.short)
    long = profile(settings, settings.long)
    more = max(1, long.samples - short.samples)
    figures.add("agent us", (long.cpu_ns - short.cpu_ns) / more / 1000)
    figures.add("bpf us", (long.bpf_ns - short.bpf_ns) / max(1, long.bpf_runs - short.bpf_runs) / 1000)
    figures.add("bpf share", long.bpf_ns / 1e9 / (long.window_end - long.started) / os.cpu_count())
    figures.add("agent share", (long.window_cpu_ns - long.settled_cpu_ns) / 1e9 / (long.window_end - long.settled) / os.cpu_count())
    figures.add("taken share", figures.values["bpf share"][-1] + figures.values["agent share"][-1])
    for run in (short, long):
        figures.add("start cpu ms", run.start_cpu_ns / 1e6)
        figures.add("settled cpu ms", run.settled_cpu_ns / 1e6)
        figures.add("first sample s", run.first_sample_seconds)
    figures.add("close cpu ms", short.close_cpu_ns / 1e6)
    figures.add("close cpu long ms", long.close_cpu_ns / 1e6)
    figures.add("close s", short.close_seconds)
    figures.add("samples", long.samples)
    for part in ("anon", "shmem", "maps", "file"):
        figures.add(f"memory {part} MiB", long.memory[part] / 1024)
    figures.add("memory MiB", agent.total_kib(long.memory) / 1024)
    figures.add("capture us", kernel_capture(settings))
    symbols.look()
    add_quality(figures, long, symbols)


def add_quality(figures, run, symbols):
    counts = run.quality
    figures.add("lost ring", counts["losses"].get("ring full", 0) / max(1, counts["taken"]))
    figures.add("lost", counts["lost"] / max(1, counts["taken"]))
    figures.add("guessed", counts["guessed"] / max(1, counts["reported"]))
    figures.add("deferred", counts["deferred"] / max(1, counts["reported"]))
    total = {"all": [0, 0, 0], "walked here": [0, 0, 0]}
    by_comm = quality.root_share(run.lines)
    for comm, share in by_comm.items():
        for name in ("all", "walked here"):
            if name == "all" or not comm.startswith("java"):
                total[name] = [a + b for a, b in zip(total[name], share)]
    figures.add("root", total["all"][1] / max(1, total["all"][0]))
    figures.add("root without java", total["walked here"][1] / max(1, total["walked here"][0]))
    figures.add("root by name", total["all"][2] / max(1, total["all"][0]))
    for comm, share in by_comm.items():
        for i, key in enumerate(("user", "whole", "root")):
            figures.add(f"comm {comm} {key}", share[i])
    kernel = sum(count for _, frames, count in quality.stacks(run.lines) if frames and frames[-1].endswith(quality.KERNEL))
    figures.add("kernel share", kernel / max(1, run.samples))
    names = quality.naming(run.lines, symbols)
    figures.add("named", names["named"] / max(1, names["named"] + names["missed"]))
    figures.add("named of all", names["named"] / max(1, names["named"] + names["missed"] + names["without"] + names["unknown"]))
    short_total, short_full = quality.short_lived(run.lines, load.SHORT_COMM)
    figures.add("short samples", short_total)
    figures.add("short full", short_full / max(1, short_total))
    figures.offenders = names["offenders"].most_common(5)


def row(what, value, budget, spread=""):
    print(f"| {what:<58} | {value:>16} | {budget:<18} | {spread:<17} |")


def number(figures, name, form, scale=1):
    value = figures.median(name)
    return "not measured" if value is None else form.format(value * scale)


def spread(figures, name, form, scale=1):
    bounds = figures.spread(name)
    return "" if bounds is None else f"{form.format(bounds[0] * scale)} – {form.format(bounds[1] * scale)}"


def print_table(figures, programs):
    def line(what, name, form, budget="", scale=1):
        row(what, number(figures, name, form, scale), budget, spread(figures, name, form, scale))

    row("figure", "median", "budget", "lowest – highest")
    row("-" * 58, "-" * 15 + ":", "-" * 18, "-" * 17)
    line("CPU per sample, marginal, kernel capture apart, µs", "cpu us", "{:.1f}", "≤ 20, aim at 10")
    line("  of that agent: reading, loading, naming, writing, µs", "agent us", "{:.1f}")
    line("  of that BPF program without capture, µs", "bpf own us", "{:.1f}")
    line("  kernel's own stack capture, µs a kernel-mode sample", "capture us", "{:.1f}", "own line")
    line("  samples in kernel mode, %", "kernel share", "{:.1f}", "", 100)
    line("CPU to the first sample, ms", "start cpu ms", "{:.0f}", "≤ 150")
    line(f"  and {agent.SETTLE} s later, with all walkers, ms", "settled cpu ms", "{:.0f}")
    line("CPU to close a window, ms (shorter window)", "close cpu ms", "{:.0f}", "≤ 50")
    line("CPU to close a window, ms (longer window)", "close cpu long ms", "{:.0f}")
    line("slowdown at 99 Hz: share of all CPUs taken, all busy, %", "taken share", "{:.2f}", "≤ 0.5", 100)
    line("  of that BPF program, kernel's stack capture included, %", "bpf share", "{:.2f}", "", 100)
    line("  of that agent, %", "agent share", "{:.2f}", "", 100)
    line(f"  CPU time of a loop, measured at {STRONGER} times the rate, %", "slowdown", "{:+.3f}", "", 100)
    line("  the same between two runs without profiler: noise, %", "noise", "{:+.3f}", "", 100)
    line("memory, active, 100 processes, MiB", "memory MiB", "{:.1f}", "≤ 64")
    for part in ("anon", "shmem", "maps"):
        line(f"  of that {part}, MiB", f"memory {part} MiB", "{:.1f}")
    line("clean file pages beside it, MiB", "memory file MiB", "{:.1f}", "not counted")
    line("start to first sample, s", "first sample s", "{:.2f}", "≤ 0.3")
    line("window end to files, s", "close s", "{:.2f}", "≤ 0.3")
    line("user stacks that reach their root, %", "root", "{:.2f}", "≥ 99.5", 100)
    line("  without Java, which has no walker yet, %", "root without java", "{:.2f}", "", 100)
    line("  with some frame by frame pointer guess, % of samples", "guessed", "{:.2f}", "", 100)
    line("frames named, of those whose file has a symbol, %", "named", "{:.2f}", "≥ 99", 100)
    line("  of all frames, %", "named of all", "{:.2f}", "", 100)
    line("samples of 20–100 ms processes, full and named, %", "short full", "{:.2f}", "≥ 95", 100)
    line("  such samples", "short samples", "{:.0f}")
    line("samples finished from a stack copy, %", "deferred", "{:.2f}", "", 100)
    line("samples lost, %", "lost", "{:.2f}", "", 100)
    line("  of that ring full, %", "lost ring", "{:.2f}", "", 100)
    line("samples of the longer window", "samples", "{:.0f}")
    line("pipeline throughput on replay, million samples/s/core", "replay rate", "{:.2f}", "≥ 1", 1e-6)
    line("one unwind page compiled (libc), µs", "page us", "{:.1f}")
    print("\n| BPF program | instructions | verifier walked | verifier ms |\n| --- | ---: | ---: | ---: |")
    for name, instructions, verified, microseconds in (program for program in programs if len(program) == 4):
        print(f"| {name} | {instructions} | {verified} | {int(microseconds) / 1000:.1f} |")
    opened, loaded = (int(value) / 1000 for value in programs[-1][1:])
    print(f"| whole object: open {opened:.1f} ms, load {loaded:.1f} ms | | | |")


def print_stages(micro):
    print("\n| stage, over a recorded load | ns a sample | samples/s/core |\n| --- | ---: | ---: |")
    for name, what in MICRO:
        if name in micro:
            print(f"| {what} | {micro[name]['ns_a_sample']:.0f} | {micro[name]['items_per_second']:,.0f} |")
    if not micro:
        print("| not measured: build/bench/gp_micro is missing, `tools/build.sh bench` makes it | | |")


def print_peers(figures, settings):
    ours = figures.median("cpu us")
    print("\n| peer, same load | CPU per sample, µs | times ours | most memory, MiB | root by name, % | window end to text, s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(f"| gprofiler | {ours:.1f} | 1 | {figures.median('memory MiB'):.0f} | "
          f"{figures.median('root by name') * 100:.1f} | {figures.median('close s'):.2f} |")
    for mode in peers.MODES if settings.perf else ():
        cpu = figures.median(f"{mode} us_per_sample")
        print(f"| {mode} | {cpu:.0f} | {cpu / ours:.0f} | {figures.median(f'{mode} rss_kib') / 1024:.0f} | "
              f"{figures.median(f'{mode} rooted') * 100:.1f} | {figures.median(f'{mode} close_seconds'):.2f} |")
    if not settings.perf:
        print("| perf | not installed | | | | |")
    print("perf's figures leave out what its sampling costs in the kernel; ours have it. Root by name: the outermost frame"
          " is called _start, clone3, start_thread or the like, the same rule for all.")


def print_programs(figures):
    print("\n| program of the load | samples with a user part | walked to the root, % | root by name, % |")
    print("| --- | ---: | ---: | ---: |")
    comms = {name.rsplit(" ", 1)[0].removeprefix("comm ") for name in figures.values if name.startswith("comm ")}
    sums = {comm: [sum(figures.values[f"comm {comm} {key}"]) for key in ("user", "whole", "root")] for comm in comms}
    for comm, (user, whole, root) in sorted(sums.items(), key=lambda item: -item[1][0])[:20]:
        print(f"| {comm} | {user} | {whole / user * 100:.1f} | {root / user * 100:.1f} |")
    if figures.offenders:
        print("\nUnnamed although the file has a symbol: " + ", ".join(f"{frame} {count}" for frame, count in figures.offenders))


def derive(figures):
    """What needs two measurements of one round."""
    for agent_us, bpf_us, capture, share in zip(*(figures.values[name] for name in
                                                  ("agent us", "bpf us", "capture us", "kernel share"))):
        figures.add("bpf own us", bpf_us - capture * share)
        figures.add("cpu us", agent_us + bpf_us - capture * share)


def describe_machine(names):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "?")
    print(f"Machine: {os.cpu_count()} CPUs, {model}, kernel {os.uname().release}; load average before the run "
          f"{os.getloadavg()[0]:.1f}.\nLoad: {', '.join(names)}; {load.PROCESSES} processes.")


def measure(settings):
    figures, symbols = Figures(), quality.SymbolRanges()
    with agent.BpfStats():
        with load.Load(LOAD_SECONDS) as running:
            time.sleep(WARM_SECONDS)
            describe_machine(running.names)
            for number_of_round in range(settings.rounds):
                tell(f"round {number_of_round + 1} of {settings.rounds}: profiler")
                measure_round(settings, figures, symbols)
                for mode in peers.MODES if settings.perf else ():
                    tell(f"round {number_of_round + 1}: {mode}")
                    for key, value in peers.run(mode, HZ, settings.perf_seconds, running).items():
                        figures.add(f"{mode} {key}", value)
        programs = load_programs()
        tell("slowdown and single stages, without other load")
        ratios, noise = slowdown(settings)
        micro = microbenchmarks(settings)
    figures.values["slowdown"] = ratios
    figures.values["noise"] = noise
    if micro:
        figures.add("replay rate", micro["replay_samples"]["items_per_second"])
        figures.add("page us", micro["compile_page"]["cpu_time"])
    derive(figures)
    return figures, programs, micro


def run_load(settings):
    figures, programs, micro = measure(settings)
    print_table(figures, programs)
    print_stages(micro)
    print_peers(figures, settings)
    print_programs(figures)
    with open(f"{BUILD}/results.json", "w", encoding="utf-8") as file:
        json.dump(figures.values, file, indent=1)
    print(f"\nEvery value: {BUILD}/results.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about two minutes, one round")
    parser.add_argument("--rounds", type=int, help="instead of 3 (1 with --quick)")
    parser.add_argument("--agent", help="instead of build/gprofiler")
    parser.add_argument("--no-perf", action="store_true", help="leave perf out")
    parser.add_argument("--only", choices=["load", "languages", "processes"], help="of the parts of this; else all")
    arguments = parser.parse_args()
    settings = Settings(arguments)
    if os.geteuid() != 0:
        sys.exit("bench: needs root, for BPF and for the cost of BPF programs; run: sudo make bench")
    compile_helpers()
    if arguments.only in (None, "load"):
        run_load(settings)
    if arguments.only in (None, "languages"):
        languages.run(settings, HZ, tell).print()
    if arguments.only in (None, "processes"):
        processes.run(settings, HZ, tell)
    print(f"\nMedians of {settings.rounds} rounds, {time.monotonic() - STARTED:.0f} s")


if __name__ == "__main__":
    main()
