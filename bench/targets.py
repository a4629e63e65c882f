"""Programs of each language that do a fixed amount of work when told to, so that what a profiler adds shows."""
import collections
import contextlib
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [f"{ROOT}/tests/support", f"{ROOT}/tests/workloads"]
import agent
from chroot import chroot_of
from interpreters import interpreters

CONTAINER = f"{ROOT}/tests/support/container.py"
SUITE = "bookworm"  # of what this machine lacks

# What the work took: without the time it waited for a CPU, which other programs had; on a CPU; and neither of them. The
# program never waits for anything, so that it was stopped then.
Work = collections.namedtuple("Work", "own_ns cpu_ns stopped_ns")


def python():
    pythons = interpreters()
    label = next((name for name in ("3.11-shared", "3.11-static") if name in pythons), None) or next(iter(pythons), None)
    return ([pythons[label]], f"Python {label.replace('-', ', ')}") if label else (None, "there is no Python 3 here")


def command_or_package(command, package, name):
    """([command], name) from the host, else from a folder with Debian's package; (None, why not)."""
    if shutil.which(command):
        return [shutil.which(command)], name
    root, why = chroot_of(SUITE, package)
    if not root:
        return None, why
    program = next((f"/usr/bin/{entry}" for entry in sorted(os.listdir(f"{root}/usr/bin"), reverse=True)
                    if entry.startswith(command) and not entry[len(command):].strip("0123456789.")), None)
    if not program:
        return None, f"{package} of {SUITE} has no {command}"
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, CONTAINER, root, f"{HERE}/languages", "--",
            program], f"{name}, Debian's {SUITE}"


# By language: how the interpreter is had, its options, and the script.
LANGUAGES = {
    "Python": (python, [], "work.py"),
    "Ruby": (lambda: command_or_package("ruby", "ruby", "Ruby"), [], "work.rb"),
    "PHP": (lambda: command_or_package("php", "php-cli", "PHP"), ["-n"], "work.php"),
    "Perl": (lambda: command_or_package("perl", "perl", "Perl"), [], "work.pl"),
    "Lua": (lambda: command_or_package("lua5.4", "lua5.1 lua5.3 lua5.4 luajit", "Lua 5.4"), [], "work.lua"),
}


@contextlib.contextmanager
def awake():
    """Lets this process run as soon as a target has answered, whatever else does: the time until then is not the target's."""
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Target:
    """One such program, by `with`. `unavailable` says why it cannot run here, else None."""

    def __init__(self, language):
        interpreter, options, script = LANGUAGES[language]
        command, self.name = interpreter()
        self.unavailable = None if command else self.name
        self.command = [*(command or []), *options, f"{HERE}/languages/{script}"]
        self.child = None

    def __enter__(self):
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        try:
            self.expect("ready")
            self.pid = self.find_pid()
            units, took = 100, self.do(100).cpu_ns
            while took < 3e8:  # caches are warm then, and the figure is good to a few percent
                units *= 2
                took = self.do(units).cpu_ns
            self.units_a_second = units / took * 1e9
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def expect(self, word):
        line = self.child.stdout.readline()
        if line.strip() != word:
            raise RuntimeError(f"{' '.join(self.command)}: {line or 'ended'}")

    def find_pid(self):
        """The interpreter: the child, or in a container the child's child."""
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if self.command[0] == "unshare" else self.child.pid

    def times(self):
        with open(f"/proc/{self.pid}/schedstat", encoding="ascii") as file:  # of the main thread: on a CPU, waiting for one
            waited = int(file.read().split()[1])
        return time.monotonic_ns(), agent.cpu_ns(self.pid), waited

    def do(self, units):
        before = self.times()
        self.child.stdin.write(f"{round(units)}\n")
        self.expect("done")
        wall, cpu, waited = (after - start for after, start in zip(self.times(), before))
        return Work(wall - waited, cpu, max(0, wall - waited - cpu))
