#!/usr/bin/env python3
"""Boots Debian's kernels under QEMU and profiles in there; the scenario checker judges the stacks.

Usage: tests/kernel/run.py [-v] [SUITE...]     (bookworm: 6.1, trixie: 6.12, sid: the newest)

The machine is emulated unless GP_QEMU_ACCEL=kvm says otherwise (nested KVM is often there and broken): slow, but stacks
and shares are as good. Prints PASS, FAIL or SKIP for each case and kernel and closes with "N passed, N failed, N skipped".
"""
import base64
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/support", f"{ROOT}/tests/workloads"]
from build import OUT as WORKLOADS, build
from case import nearest
from collapsed import Profile
from debian import Unavailable
from debian_kernel import kernel_of
from initramfs import add, add_python, guest_script, pack
from instance import Instance, read_cases
from interpreters import interpreters

SUITES = ["bookworm", "trixie", "sid"]
# Cases that run at the same time, and the seconds an emulated machine gives them to get going.
# What a dump of the first of a round must say, from leaf to root, its lines joined by "~", is in DUMPS.
ROUNDS = [(["c_chain", "c_signal", "c_syscalls", "c_chain_late"], 1), (["py_callbacks", "py_threads"], 20)]
DUMPS = [r"~Thread \d+ [^~]*~([^~]+~)*\s+\d+  chain_10 [^~]*~\s+\d+  chain_9 ([^~]+~)*\s+\d+  _start ",
         r"~  python 3\.[^~]*, found by ([^~]*~)+Thread \d+ [^~]*~([^~]+~)*\s+\d+  py_callbacks\.<module> [^~]*_\[p\]~([^~]+~)*\s+\d+  _start "]
SECONDS, HZ = 12, 99
BOOT_LIMIT = 420  # seconds for one kernel, emulated
BOOT_TRIES = 3  # an emulated kernel may panic before it has run anything of ours
# Without cmpxchg16b: QEMU 7.2 emulates it wrongly now and then, and one boot in four died of it; 10 of 10 did not without.
CPU = "Nehalem,-cx16"


class Guest:
    """One kernel: boots, runs, gives back the profile and what the console said."""

    def __init__(self, kernel, initramfs, scratch):
        self.kernel, self.initramfs = kernel, initramfs
        self.wire = f"{scratch}/wire"
        self.console = ""

    def run(self):
        """(profiles of the rounds, their dumps, faults); a guest that panicked before our first command is booted again."""
        for _ in range(BOOT_TRIES):
            result = self.boot()
            if "guest: " in self.console or "Kernel panic" not in self.console:
                return result
        raise Unavailable(f"QEMU did not boot it in {BOOT_TRIES} tries")

    def boot(self):
        accelerator = os.environ.get("GP_QEMU_ACCEL", "tcg,thread=multi")
        command = ["qemu-system-x86_64", "-accel", accelerator, "-cpu", CPU, "-smp", "2", "-m", "1536",
                   "-kernel", self.kernel, "-initrd", self.initramfs, "-nographic", "-no-reboot", "-nodefaults",
                   "-serial", "stdio", "-serial", f"file:{self.wire}",
                   "-append", "console=ttyS0 rdinit=/init panic=-1 quiet loglevel=4 mitigations=off"]
        try:
            self.console = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, timeout=BOOT_LIMIT).stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as error:
            self.console = (error.stdout or b"").decode(errors="replace")
            return [], [], [f"the guest did not end within {BOOT_LIMIT} s"]
        return self.result()

    def result(self):
        """(profiles of the rounds, their dumps, faults)"""
        profiles, dumps, faults = [], [], []
        walkers = False
        try:
            with open(self.wire, encoding="ascii") as file:
                blocks = file.read().strip().split("\n\n")
            for block in blocks:
                text = gzip.decompress(base64.b64decode(block)).decode(errors="replace")
                first, _, rest = text.partition("\n")
                if first == "dump":
                    dumps.append(rest)
                    continue
                if first.startswith("walkers "):
                    faults += [] if first == "walkers 0" else [f"with all walkers: {rest}"]
                    walkers = True
                    continue
                faults += [] if first == "exit 0" else [f"the profiler ended with {first}"]
                profiles.append(Profile(rest))
                faults += profiles[-1].quality_faults()
        except (OSError, ValueError, EOFError) as error:
            faults.append(f"no profile came out: {error}")
        if not walkers:
            faults.append("it did not come to loading all walkers")
        return profiles, dumps, faults

    def last_lines(self):
        return ["    " + line for line in self.console.strip().splitlines()[-25:]]


def make_initramfs(rounds, scratch):
    instances = [instance for group, _ in rounds for instance in group]
    tree = f"{scratch}/tree"
    for folder in ("bin", "proc", "sys", "dev", "tmp", "d", "w", "s", "out", "etc"):
        os.makedirs(f"{tree}/{folder}")
    shutil.copy(shutil.which("busybox"), f"{tree}/bin/busybox")
    add(tree, f"{ROOT}/build/gprofiler", "/gprofiler")
    for name in {need for instance in instances for need in instance.needs}:
        add(tree, f"{WORKLOADS}/{name}", f"/w/{name}")
    for python in {instance.python for instance in instances if instance.python}:
        add_python(tree, python)
    for name in os.listdir(f"{ROOT}/tests/workloads"):
        if name.startswith("py_") and name.endswith(".py"):
            shutil.copy(f"{ROOT}/tests/workloads/{name}", f"{tree}/s/{name}")
    with open(f"{tree}/init", "w", encoding="utf-8") as file:
        file.write(guest_script(rounds, SECONDS, HZ))
    os.chmod(f"{tree}/init", 0o755)
    image = f"{scratch}/initramfs"
    pack(tree, image)
    return image


class Report:
    def __init__(self, verbose):
        self.verbose = verbose
        self.counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}

    def line(self, word, name, why="", lines=()):
        self.counts[word] += 1
        print(f"{word} {name}{': ' + why if why else ''}")
        for line in lines:
            print(f"  {line}")
        sys.stdout.flush()

    def close(self):
        print(f"{self.counts['PASS']} passed, {self.counts['FAIL']} failed, {self.counts['SKIP']} skipped")
        return 1 if self.counts["FAIL"] else 0


def run_suite(suite, rounds, initramfs, scratch, report):
    try:
        kernel, release = kernel_of(suite)
    except Unavailable as error:
        report.line("SKIP", f"kernel of {suite}", str(error))
        return
    folder = tempfile.mkdtemp(dir=scratch)
    guest = Guest(kernel, initramfs, folder)
    try:
        profiles, dumps, faults = guest.run()
    except Unavailable as error:
        report.line("SKIP", release, str(error))
        return
    report.line("FAIL" if faults else "PASS", f"{release}: the profiler runs", "",
                [*faults, *guest.last_lines()] if faults or report.verbose else [])
    for profile, (instances, _) in zip(profiles, rounds):
        for instance in instances:
            found = instance.case.faults(profile, instance.comm, emulated=True)
            lines = [*found, *nearest(profile, instance.comm)] if found or report.verbose else []
            count = sum(profile.of(instance.comm).values())
            report.line("FAIL" if found else "PASS", f"{release}: {instance.name}", f"{count} samples", lines)
    for dump, wanted, (instances, _) in zip(dumps, DUMPS, rounds):
        found = re.search(wanted, dump.replace("\n", "~"))
        report.line("PASS" if found else "FAIL", f"{release}: dump of {instances[0].name}", "",
                    dump.splitlines() if not found or report.verbose else [])


def why_not():
    for command in ("qemu-system-x86_64", "busybox", "cpio", "zstd"):
        if shutil.which(command) is None:
            return f"{command} is not installed"
    return None


def guest_instances(names):
    """The cases as they run in the guests: with the first Python that is here."""
    pythons = interpreters()
    label = next(iter(pythons), None)
    cases = {case.name: case for case in read_cases([])}
    return [Instance(cases[name], label if cases[name].pythons else None, pythons.get(label)
                     if cases[name].pythons else None) for name in names]


def rounds_here(report):
    """ROUNDS with what can be built on this machine; the rest is a SKIP."""
    rounds = [(guest_instances(names), warm_up) for names, warm_up in ROUNDS]
    built = build(sorted({need for group, _ in rounds for instance in group for need in instance.needs}), interpreters())
    for group, _ in rounds:
        for instance in [one for one in group if one.missing(built)]:
            report.line("SKIP", f"kernels: {instance.name}", instance.missing(built))
            group.remove(instance)
    return [(group, warm_up) for group, warm_up in rounds if group]


def main():
    report = Report("-v" in sys.argv)
    suites = [word for word in sys.argv[1:] if word != "-v"] or SUITES
    reason = why_not()
    if reason or not os.access(f"{ROOT}/build/gprofiler", os.X_OK):
        report.line("SKIP" if reason else "FAIL", "kernels", reason or "there is no build/gprofiler")
        return report.close()
    rounds = rounds_here(report)
    with tempfile.TemporaryDirectory(prefix="gprofiler-kernel-") as scratch:
        initramfs = make_initramfs(rounds, scratch)
        for suite in suites:
            run_suite(suite, rounds, initramfs, scratch, report)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
