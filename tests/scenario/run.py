#!/usr/bin/env python3
"""Runs scenario cases: real workloads, the real profiler, expected stacks and shares.

Usage: tests/scenario/run.py [--full | --matrix] [--list] [-v] [--agent BINARY] [--program INTERPRETER] [CASE...]

Cases are the files of tests/scenario/cases; docs/testing.md explains them. Cases that ask for nothing special share one
run of the profiler. Prints PASS, FAIL or SKIP for each and closes with "N passed, N failed, N skipped".

Shares are measured on a machine that others use too, and this many cases never all come out right by chance. What does
not hold beside others is measured once more at the end, alone on the machine; that counts, and both are printed.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/support", f"{ROOT}/tests/workloads"]
from agent import AgentRun
from build import build
from case import CaseError, nearest
from instance import instances_of, read_cases
from interpreters import interpreters
from matrix import Matrix

SHORT_SECONDS, SHORT_HZ = 8, 499
PRECISE_SECONDS, PRECISE_HZ = 20, 997
WORKLOADS_PER_CPU = 4  # of one run: enough samples each, few runs
BEGIN = 1.5  # seconds that those in containers take to get there; some never show the name they go by
AGAIN = 12  # cases at the most that are measured again: more are no chance


class Runner:
    def __init__(self, arguments, scratch):
        self.arguments, self.scratch = arguments, scratch
        self.passed = self.failed = self.skipped = 0
        self.runs = 0
        self.again = []  # instances to measure again
        self.alone = False
        self.matrix = Matrix()

    def report(self, word, name, why="", lines=()):
        print(f"{word} {name}{': ' + why if why else ''}")
        for line in lines:
            print(f"  {line}")
        sys.stdout.flush()
        if word == "PASS":
            self.passed += 1
        elif word == "FAIL":
            self.failed += 1
        elif word == "SKIP":
            self.skipped += 1

    def settings(self, case):
        """(agent arguments, seconds, hz) a case runs with: equal settings may share a run."""
        if self.arguments.full and case.precise:
            seconds, hz = PRECISE_SECONDS, PRECISE_HZ
        else:
            seconds, hz = SHORT_SECONDS, SHORT_HZ
        return case.agent or "", int(case.seconds or seconds), int(case.hz or hz)

    def batches(self, instances):
        """Lists of instances that run at the same time."""
        shared = {}
        for instance in instances:
            if instance.case.alone or instance.case.command or "$" in (instance.case.agent or ""):
                yield [instance]
            else:
                shared.setdefault(self.settings(instance.case), []).append(instance)
        for (_, _, hz), group in shared.items():
            size = (os.cpu_count() or 1) * (1 if hz == PRECISE_HZ else WORKLOADS_PER_CPU)
            for i in range(0, len(group), size):
                yield group[i:i + size]

    def run_batch(self, batch):
        agent_arguments, seconds, hz = self.settings(batch[0].case)
        environments = {instance: instance.prepare(self.scratch, seconds) for instance in batch}
        self.runs += 1
        try:
            run = self.run_agent(batch, environments, agent_arguments, seconds, hz)
        finally:
            for instance in batch:
                instance.stop()
        within = min(float(instance.case.within or 8) for instance in batch)
        for instance in batch:
            faults = list(run.run_faults)
            if not instance.case.command and run.seconds > seconds + within:
                faults.append(f"the profiler took {run.seconds:.1f} s for a window of {seconds} s")
            if instance.case.memory and run.memory_mib > float(instance.case.memory):
                faults.append(f"the profiler held {run.memory_mib:.0f} MiB, not {instance.case.memory} at the most")
            if run.profile is not None:
                faults += instance.case.faults(run.profile, instance.comm, hz == PRECISE_HZ, told=instance.told())
            faults += run.dump_faults.get(instance.name, [])
            self.report_instance(instance, run, faults)
            shutil.rmtree(instance.folder, ignore_errors=True)

    def run_agent(self, batch, environments, agent_arguments, seconds, hz):
        command = batch[0].case.command
        out_dir = f"{self.scratch}/run-{self.runs}"
        for instance in batch:
            if not instance.case.late and not command:
                instance.start(seconds + 6, environments[instance])
        begun = time.monotonic()
        while not all(instance.pid() for instance in batch if instance.child) and time.monotonic() < begun + BEGIN:
            time.sleep(0.02)
        if "$PID" in agent_arguments:
            time.sleep(0.5)
            agent_arguments = agent_arguments.replace("$PID", str(batch[0].child.pid))
        run = AgentRun(self.arguments.agent, out_dir, agent_arguments, seconds, hz, command)
        run.start(environments[batch[0]])
        if any(instance.case.late for instance in batch):
            time.sleep(1.5)
            for instance in batch:
                if instance.case.late:
                    instance.start(seconds - 3, environments[instance])
        if any(instance.case.dump for instance in batch):
            time.sleep(1)
        dump_faults = {instance.name: instance.case.dump_faults(instance.dump(self.arguments.agent))
                       for instance in batch if instance.case.dump}
        run.finish()
        run.run_faults = run.faults(int(batch[0].case.exit or 0))
        run.dump_faults = dump_faults
        return run

    def report_instance(self, instance, run, faults):
        lines = list(faults)
        show = run.profile is not None and (faults or self.arguments.verbose)
        if show:
            lines += ["  most frequent stacks:", *nearest(run.profile, instance.comm, 20 if self.arguments.verbose else 6)]
            lines.append(f"  data quality: {run.profile.header.get('data_quality')}")
        if faults and instance.folder and os.path.exists(f"{instance.folder}/output"):
            with open(f"{instance.folder}/output", encoding="utf-8", errors="replace") as file:
                said = file.read().strip()[-600:]
            lines += ["  the workload said: " + said] if said else []
        count = sum(run.profile.of(instance.comm).values()) if run.profile else 0
        detail = f"{count} samples" + (f", {run.memory_mib:.0f} MiB" if self.arguments.verbose else "")
        word = "FAIL" if faults else "PASS"
        if faults and not self.alone and len(self.again) < AGAIN:
            self.again.append(instance)
            self.report("AGAIN", instance.name, detail, lines)
            return
        self.report(word, instance.name + (" measured again" if self.alone else ""), detail, lines)
        self.matrix.add(instance, word)

    def run_again(self):
        self.alone = True
        for instance in self.again:
            self.run_batch([instance])


def check_the_checker(runner):
    result = subprocess.run([sys.executable, f"{ROOT}/tests/support/support_test.py"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    runner.report("FAIL" if result.returncode else "PASS", "the checker's own tests", "",
                  result.stdout.splitlines() if result.returncode else ())


def run_all(runner, arguments, cases):
    wanted = [case for case in cases
              if arguments.names or ((arguments.full or not case.full) and (arguments.matrix or not case.table))]
    instances = list(instances_of(wanted, arguments.full, arguments.matrix, arguments.program))
    built = build(sorted({need for instance in instances for need in instance.needs}), interpreters())
    ready = []
    for instance in instances:
        reason = "only root may load BPF programs" if os.geteuid() != 0 else instance.missing(built)
        if reason:
            runner.report("SKIP", instance.name, reason)
            runner.matrix.add(instance, "SKIP")
        else:
            ready.append(instance)
    for batch in runner.batches(ready):
        runner.run_batch(batch)
    runner.run_again()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--full", action="store_true", help="every case, every interpreter, precise shares")
    parser.add_argument("--matrix", action="store_true", help="the cases of the table of runtimes and versions, and the table")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the stacks of cases that pass too")
    parser.add_argument("--agent", default=f"{ROOT}/build/gprofiler", help="the binary under test")
    parser.add_argument("--program", help="an interpreter of this machine, instead of those of suites and built ones")
    parser.add_argument("names", nargs="*", metavar="CASE", help="part of a case's name")
    arguments = parser.parse_args()
    try:
        cases = read_cases(arguments.names)
    except CaseError as error:
        print(f"{error}\n0 passed, 1 failed, 0 skipped")
        return 1
    if arguments.matrix:
        arguments.full = True
        cases = [case for case in cases if case.shows or case.suites]
    if arguments.list:
        for case in cases:
            print(f"{case.name:<28} {'full  ' if case.full else ''}{case.about or ''}")
        return 0
    if not cases or not os.access(arguments.agent, os.X_OK):
        print(f"{'no such case' if not cases else 'there is no ' + arguments.agent}\n0 passed, 1 failed, 0 skipped")
        return 1
    with tempfile.TemporaryDirectory(prefix="gprofiler-scenario-") as scratch:
        runner = Runner(arguments, scratch)
        check_the_checker(runner)
        run_all(runner, arguments, cases)
    if arguments.full:
        print(runner.matrix.text())
    print(f"{runner.passed} passed, {runner.failed} failed, {runner.skipped} skipped")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
