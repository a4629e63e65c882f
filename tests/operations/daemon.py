"""A profiler in the background, started for one case and gone with it: its figures, its log, its profiles."""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/support"]
from collapsed import Profile

AGENT = os.environ.get("GP", f"{ROOT}/build/gprofiler")


class Skip(Exception):
    """This machine cannot; the text says why."""


def run(command, **options):
    """A shell command to its end; its output and exit code."""
    return subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60, **options)


class Daemon:
    """`with Daemon("-f 99") as daemon:`. Everything it makes lies in one folder of /tmp."""

    def __init__(self, options="", seconds=2, folder=None, environment=None, prefix=()):
        self.scratch = tempfile.TemporaryDirectory(prefix="gprofiler-operations-")
        self.folder = self.scratch.name
        os.chmod(self.folder, 0o755)
        self.out = folder or f"{self.folder}/out"
        self.log = f"{self.folder}/log/gprofiler.log"
        self.socket = f"{self.folder}/control.sock"
        self.arguments = [*prefix, AGENT, "-c", "-o", self.out, "-d", str(seconds), "--no-flamegraph", "--rotating-output",
                          "--control-socket", self.socket, "--pid-file", f"{self.folder}/pid", "--log-file", self.log,
                          "--state-dir", f"{self.folder}/state", *options.split()]
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("GPROFILER_")}
        self.environment.update(environment or {})

    def __enter__(self):
        self.errors = open(f"{self.folder}/stderr", "w+", encoding="utf-8", errors="replace")
        self.child = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
                                      env=self.environment)
        self.wait_for(lambda: self.read(f"{self.folder}/pid").endswith("\n"), 30, "the pid file, written last")
        self.pid = int(self.read(f"{self.folder}/pid"))
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.errors.close()
        self.scratch.cleanup()

    def wait_for(self, condition, seconds, what):
        """Waits until `condition()` is true; an error with the end of the log when it never is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            if self.child.poll() is not None:
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"{what}: not within {seconds} s; the log ends:\n{self.log_text()[-2000:]}")
        raise AssertionError(f"{what}: the profiler ended with {self.child.returncode}:\n"
                             f"{self.read(f'{self.folder}/stderr')[-2000:]}")

    @staticmethod
    def read(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_text(self):
        """All of the log, rotated parts first."""
        return "".join(self.read(path) for path in (f"{self.log}.1", self.log))

    def ask(self, words):
        return run(f"{AGENT} {words} --control-socket {self.socket}")

    def status(self):
        reply = self.ask("status --json")
        assert reply.returncode == 0, f"status: {reply.stdout}"
        return json.loads(reply.stdout)

    def self_report(self):
        return self.status()["self"]

    def profiles(self):
        return sorted(glob.glob(f"{self.out}/profile_*.col"))

    def wait_for_profiles(self, more, seconds):
        """Until so many more windows were written; the newest."""
        before = self.windows()
        self.wait_for(lambda: self.windows() >= before + more, seconds, f"{more} more profiles")
        return Profile(self.read(f"{self.out}/last_profile.col"))

    def windows(self):
        return sum(session["windows"] for session in self.status()["sessions"])

    def metrics(self):
        port = re.search(r"metrics on http://127\.0\.0\.1:(\d+)/metrics", self.log_text()).group(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.headers["Content-Type"], answer.read().decode()
