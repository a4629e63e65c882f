"""A gprofiler in the background, with folders and a socket of its own, and what tests ask of it."""
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/support"]
from collapsed import Profile

PATIENCE = 60  # seconds; the machine may be busy


class Fault(Exception):
    """What is not as it should be."""


def check(condition, what):
    if not condition:
        raise Fault(what)


def wait_for(condition, what, seconds=PATIENCE):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise Fault(f"in {seconds} s: {what}")


class Background:
    def __init__(self, agent, folder, *arguments, environment=None):
        self.agent, self.folder = agent, folder
        self.out, self.socket, self.log = f"{folder}/out", f"{folder}/c.sock", f"{folder}/log"
        self.pid_file = f"{folder}/pid"
        with open(self.log, "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(
                [agent, "-c", "-o", self.out, "--control-socket", self.socket, "--pid-file", self.pid_file, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(environment or {})})

    def ready(self):
        wait_for(lambda: self.child.poll() is not None or "profiling at" in self.said(), "no profiling began")
        check(self.child.poll() is None, f"it ended at once: {self.said()}")
        return self

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def run(self, *words):
        """A command that asks it."""
        return subprocess.run([self.agent, *words, "--control-socket", self.socket], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self.socket)  # waits where many do
        connection.settimeout(PATIENCE)
        return connection

    def ask(self, **request):
        with self.connect() as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            return read_reply(connection)

    def profiles(self, folder=None):
        """All profiles in a folder, oldest first."""
        found = []
        for path in sorted(glob.glob(f"{folder or self.out}/profile_*.col"), key=os.path.getmtime):
            with open(path, encoding="utf-8") as file:
                profile = Profile(file.read())
            faults = profile.quality_faults()
            check(not faults, f"{path}: {faults}")
            found.append(profile)
        return found

    def threads(self):
        return len(os.listdir(f"/proc/{self.child.pid}/task"))

    def end(self, number=signal.SIGTERM):
        """Seconds it took; the exit code is checked."""
        begun = time.monotonic()
        self.child.send_signal(number)
        self.child.wait(PATIENCE)
        seconds = time.monotonic() - begun
        check(self.child.returncode == 0, f"exit code {self.child.returncode}: {self.said()[-500:]}")
        return seconds

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


def read_reply(connection):
    data = b""
    while not data.endswith(b"\n"):
        part = connection.recv(65536)
        if not part:
            raise Fault(f"the connection ended after {data[:200]!r}")
        data += part
    return json.loads(data)
