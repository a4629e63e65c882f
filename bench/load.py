"""The load that everything is measured under: the same programs in the same shape each time, ended by a deadline of
their own or by stop(), whichever comes first."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, f"{ROOT}/tests/workloads")
from build import OUT as WORKLOADS, build
from interpreters import interpreters

PROCESSES = 100  # the memory budget is stated for a host with so many
PYTHONS = 2      # more would crowd out the rest
SHORT_COMM = "bench-short"

# A shell loop of processes that live 20 to 100 ms, always in the same order, half of the time asleep between two.
SHORT_LOOP = """
end=$(($(date +%s) + SECONDS_TO_RUN))
while [ "$(date +%s)" -lt $end ]; do
  for life in 0.02 0.05 0.1 0.03 0.08; do ./bench-short $life; sleep 0.05; done
done
"""
COMPILE_LOOP = """
end=$(($(date +%s) + SECONDS_TO_RUN))
while [ "$(date +%s)" -lt $end ]; do $COMPILER -std=c++17 -O2 -c "$HERE/load_compile.cc" -o compiled.o; done
"""


class Load:
    """Started by `with`; `names` says what of it this machine can run."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.children = []
        self.folder = None
        self.names = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="gp-bench-load-")
        try:
            self.start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start_all(self):
        built = build(["c_chain", "c_deep", "c_syscalls", "c_short", "rust_abort"], {})
        for program, comm, arguments in (("c_chain", "bench-chain", []), ("c_deep", "bench-deep", ["300"]),
                                         ("c_syscalls", "bench-syscalls", []), ("rust_abort", "bench-rust", [])):
            if not built[program]:
                os.symlink(f"{WORKLOADS}/{program}", f"{self.folder}/{comm}")
                self.start(comm, [f"{self.folder}/{comm}", str(self.seconds), *arguments])
        if not built["c_short"]:
            os.symlink(f"{WORKLOADS}/c_short", f"{self.folder}/{SHORT_COMM}")
            self.start("short-lived", ["sh", "-c", SHORT_LOOP])
        for label, python in list(interpreters().items())[:PYTHONS]:
            self.start(f"python {label}", [python, f"{HERE}/load_python.py", str(self.seconds)])
        if shutil.which("node"):
            self.start("node", ["node", f"{HERE}/load_node.js", str(self.seconds)])
        if shutil.which("java"):
            self.start("java", ["java", "-XX:+UseSerialGC", "-Xmx64m", f"{HERE}/LoadJava.java", str(self.seconds)])
        compiler = next((name for name in ("clang++-19", "clang++", "g++") if shutil.which(name)), None)
        if compiler:
            self.start(compiler, ["sh", "-c", COMPILE_LOOP], COMPILER=compiler)
        present = sum(name.isdigit() for name in os.listdir("/proc"))
        for _ in range(max(0, PROCESSES - present)):
            self.start(None, ["sleep", str(self.seconds)])

    def start(self, name, command, **environment):
        child = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True,
                                 env={**os.environ, "SECONDS_TO_RUN": str(self.seconds), "HERE": HERE, **environment})
        self.children.append(child)
        if name:
            self.names.append(name)

    def signal(self, number):
        for child in self.children:
            try:
                os.killpg(child.pid, number)
            except ProcessLookupError:
                pass

    @contextlib.contextmanager
    def paused(self):
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def stop(self):
        self.signal(signal.SIGKILL)
        for child in self.children:
            child.wait()
        self.children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
