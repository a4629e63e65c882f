"""A scenario case as it runs: with one interpreter, under one comm, in one folder."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from build import HERE as SOURCES, OUT as WORKLOADS
from built import built
from case import Case
from chroot import chroot_of
from interpreters import MATRIX_WANTED, OLD_WANTED, WANTED, interpreters
from matrix import natural

CONTAINER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "container.py")
DAILY_SUITE = "trixie"  # where cases with SUITES run in a short run: not the host's own, whatever that is
CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenario", "cases")


class Instance:
    """`name` for people, `comm` its samples go by, `needs` the workloads it is made of; one run, then stop()."""

    def __init__(self, case, label=None, python=None):
        self.case, self.label, self.python, self.no_python = case, label, python, None
        if label and not python:
            self.python, self.no_python = built(label)
        self.name = f"{case.name}[{label}]" if label else case.name
        plain = re.sub(r"\W", "_", case.name)
        # Linux keeps 15 bytes of a comm; the end stays so that instances differ.
        tag = (label or "").replace(".", "").replace("-static", "a").replace("-shared", "so")
        tag = re.sub(r"-([a-z])[a-z]*", r"\1", tag)
        self.comm = case.comm or plain[:15 - len(tag)] + tag
        self.needs = [need.replace("$PYTHON", label or "") for need in (case.needs or "").split()]
        if label and label.endswith("t") and "py_crossing.so" in self.needs:
            self.needs = [f"py_crossing.cpython-{label.replace('.', '')}-x86_64-linux-gnu.so"]
        self.folder = None
        self.child = None

    def command(self):
        return ["sh", "-c", self.case.workload]

    def missing(self, workloads):
        """Why this cannot run here, or None."""
        if self.no_python:
            return self.no_python
        return self.missing_parts(workloads)

    def missing_parts(self, workloads):
        for need in self.needs:
            if workloads.get(need):
                return f"{need}: {workloads[need]}"
        for requirement in self.case.requires:
            reason = missing_requirement(requirement)
            if reason:
                return reason
        return None

    def version(self):
        return self.label or "host"

    def environment(self, seconds):
        target = self.python if self.python and not self.needs_program() else f"{WORKLOADS}/{(self.needs or [''])[0]}"
        return {**os.environ, "D": self.folder, "W": WORKLOADS, "S": SOURCES, "SECONDS": str(seconds),
                "COMM": self.comm, "EXE": f"{self.folder}/{self.comm}", "TARGET": target, "GP_WORKLOADS": WORKLOADS,
                "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}

    def needs_program(self):
        return any(not need.endswith(".so") for need in self.needs)

    def prepare(self, scratch, seconds):
        self.folder = tempfile.mkdtemp(prefix="case-", dir=scratch)
        environment = self.environment(seconds)
        # A program's comm is the last part of the path it was started by, so a link gives it a name of its own.
        os.symlink(environment["TARGET"], environment["EXE"])
        return environment

    def start(self, seconds, environment):
        with open(f"{self.folder}/output", "wb") as output:
            self.child = subprocess.Popen(self.command(), env={**environment, "SECONDS": str(seconds)},
                                          cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          start_new_session=True)

    def told(self):
        """What the workload has counted of itself, line by line (TRUTH)."""
        try:
            with open(f"{self.folder}/truth", encoding="utf-8") as file:
                return file.read().splitlines()
        except OSError:
            return []

    def pid(self):
        """Of a process that has this case's comm, as text; None: there is none (yet)."""
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/comm", encoding="utf-8", errors="replace") as file:
                    if file.read().strip() == self.comm:
                        return entry
            except OSError:
                pass
        return None

    def dump(self, agent):
        """What `gprofiler dump` says of the process that has this case's comm."""
        pid = self.pid()
        if pid is None:
            return "there is no such process"
        return subprocess.run([agent, "dump", pid], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60).stdout

    def stop(self):
        """Ends what this instance started: the whole group, by its id."""
        if self.child is None:
            return
        try:
            os.killpg(self.child.pid, signal.SIGCONT)
            os.killpg(self.child.pid, signal.SIGTERM)
            self.child.wait(3)
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.child = None


class ContainedInstance(Instance):
    """A case inside a Debian of another suite, in namespaces of its own; `program` is the one PROGRAM names there."""

    def __init__(self, case, suite):
        super().__init__(case, suite[:3])
        self.suite, self.name = suite, f"{case.name}[{suite}]"
        self.root = self.program = None

    def missing(self, workloads):
        self.root, reason = chroot_of(self.suite, self.case.packages)
        if reason:
            return reason
        found = sorted(glob.glob(self.root + self.case.program), key=natural)
        if not found:
            return f"{self.suite} has no {self.case.program}"
        self.program = found[-1][len(self.root):]  # of several the newest
        return self.missing_parts(workloads)

    def version(self):
        """By the name of the program, as in ruby3.1."""
        found = re.search(r"\d+(\.\d+)*", os.path.basename(os.path.realpath(self.root + self.program)) if self.root else "")
        return found.group() if found else self.suite

    def environment(self, seconds):
        return {**super().environment(seconds), "TARGET": self.program, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}

    def command(self):
        return [shutil.which("unshare"), "--mount", "--pid", "--fork", "--kill-child", sys.executable, CONTAINER, self.root,
                self.folder, WORKLOADS, SOURCES, "--", *super().command()]


def missing_requirement(requirement):
    kind, _, what = requirement.partition(" ")
    if kind == "command":
        return None if shutil.which(what) else f"{what} is not installed"
    if kind == "file":
        return None if os.path.exists(what) else f"there is no {what}"
    if kind == "try":
        ok = subprocess.run(["sh", "-c", what], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL).returncode == 0
        return None if ok else f"this machine cannot: {what}"
    return f"unknown requirement {requirement!r}"


def instances_of(cases, full, matrix, program=None):
    """The cases with the interpreters and suites they ask for: one of each; in a full run every interpreter that is
    wanted; for the table every suite and every one that is built from its source, too. With a `program` those that ask
    for either get it instead."""
    pythons = interpreters()
    for case in cases:
        if program and (case.suites or case.built):
            yield Instance(case, "own", program)
            continue
        if case.suites:
            suites = case.suites.split()
            for suite in suites if matrix else [DAILY_SUITE if DAILY_SUITE in suites else suites[0]]:
                yield ContainedInstance(case, suite)
        if case.built and (matrix or not case.suites):
            for label in case.built.split():
                yield Instance(case, label)
        if case.suites or case.built:
            continue
        if not case.pythons and not case.old_pythons:
            yield Instance(case)
        else:
            labels = OLD_WANTED if case.old_pythons else MATRIX_WANTED if matrix else WANTED
            if case.with_lock:
                labels = [label for label in labels if not label.endswith("t")]
            here = [label for label in labels if label in pythons] or labels
            for label in labels if full else here[:1]:
                yield Instance(case, label, pythons.get(label))


def read_cases(names):
    cases = []
    for path in sorted(glob.glob(f"{CASES}/*.case")):
        name = os.path.basename(path)[:-len(".case")]
        if not names or any(wanted in name for wanted in names):
            with open(path, encoding="utf-8") as file:
                cases.append(Case(name, file.read()))
    return cases
