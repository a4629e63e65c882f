"""A scenario case as it runs: with one interpreter, under one comm, in one folder."""
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile

from build import HERE as SOURCES, OUT as WORKLOADS
from case import Case
from interpreters import WANTED, interpreters

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenario", "cases")


class Instance:
    """`name` for people, `comm` its samples go by, `needs` the workloads it is made of; one run, then stop()."""

    def __init__(self, case, label=None, python=None):
        self.case, self.label, self.python = case, label, python
        self.name = f"{case.name}[{label}]" if label else case.name
        plain = re.sub(r"\W", "_", case.name)
        # Linux keeps 15 bytes of a comm; the end stays so that instances differ.
        tag = (label or "").replace(".", "").replace("-static", "a").replace("-shared", "so")
        self.comm = case.comm or plain[:15 - len(tag)] + tag
        self.needs = [need.replace("$PYTHON", label or "") for need in (case.needs or "").split()]
        self.folder = None
        self.child = None

    def missing(self, built):
        """Why this cannot run here, or None."""
        if self.label and not self.python:
            return f"there is no Python {self.label.replace('-', ', ')} here"
        for need in self.needs:
            if built.get(need):
                return f"{need}: {built[need]}"
        for requirement in self.case.requires:
            reason = missing_requirement(requirement)
            if reason:
                return reason
        return None

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
            self.child = subprocess.Popen(["sh", "-c", self.case.workload], env={**environment, "SECONDS": str(seconds)},
                                          cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          start_new_session=True)

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


def instances_of(cases, full):
    """The cases with the interpreters they ask for: the first one here, or in a full run all that are wanted."""
    pythons = interpreters()
    for case in cases:
        if not case.pythons:
            yield Instance(case)
        elif full:
            for label in WANTED:
                yield Instance(case, label, pythons.get(label))
        else:
            label = next(iter(pythons), WANTED[0])
            yield Instance(case, label, pythons.get(label))


def read_cases(names):
    cases = []
    for path in sorted(glob.glob(f"{CASES}/*.case")):
        name = os.path.basename(path)[:-len(".case")]
        if not names or any(wanted in name for wanted in names):
            with open(path, encoding="utf-8") as file:
                cases.append(Case(name, file.read()))
    return cases
