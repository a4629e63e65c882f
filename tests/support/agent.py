"""Runs the profiler under test once and watches it: exit code, output, how long it took, its own memory at the most."""
import os
import shlex
import subprocess
import threading
import time

from collapsed import Profile


class AgentRun:
    """One run of the profiler. `exit_code`, `output` (its stdout and stderr), `seconds`, `memory_mib`, `profile`."""

    def __init__(self, binary, out_dir, arguments, seconds, hz, command=None):
        os.makedirs(out_dir, exist_ok=True)
        self.out_dir = out_dir
        self.arguments = [binary, "-o", out_dir, "-d", str(seconds), "-f", str(hz), *shlex.split(arguments or "")]
        if command is not None:
            self.arguments += ["--as-root", "--", "sh", "-c", command]
        self.deadline = seconds + 60
        self.memory_mib = 0.0
        self.profile = None
        self.output = ""
        self.exit_code = None
        self.seconds = 0.0
        self.started = None

    def start(self, environment=None):
        self.started = time.monotonic()
        self.log = open(f"{self.out_dir}/agent.log", "w+", encoding="utf-8", errors="replace")
        self.child = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      env=environment)
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        """Anonymous and shared memory are the agent's own; mapped files are clean pages the kernel can drop."""
        while self.child.poll() is None:
            try:
                with open(f"/proc/{self.child.pid}/status", encoding="utf-8") as file:
                    kib = sum(int(line.split()[1]) for line in file if line.startswith(("RssAnon:", "RssShmem:")))
                self.memory_mib = max(self.memory_mib, kib / 1024)
            except (OSError, ProcessLookupError):
                return
            time.sleep(0.1)

    def finish(self):
        try:
            self.exit_code = self.child.wait(max(1.0, self.started + self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            self.exit_code = -1
        self.seconds = time.monotonic() - self.started
        self.watcher.join()
        self.log.seek(0)
        self.output = self.log.read()
        self.log.close()

    def faults(self, exit_code=0):
        """What is wrong with the run as such; reads the profile if there is one."""
        if self.exit_code == -1:
            return [f"the profiler did not end within {self.deadline:.0f} s", *self.last_lines()]
        found = []
        if self.exit_code != exit_code:
            found += [f"the profiler ended with {self.exit_code}, not {exit_code}", *self.last_lines()]
        try:
            with open(f"{self.out_dir}/last_profile.col", encoding="utf-8") as file:
                self.profile = Profile(file.read())
        except (OSError, ValueError) as error:
            return [*found, f"no profile: {error}", *self.last_lines()]
        return found + self.profile.quality_faults()

    def last_lines(self):
        return ["    " + line for line in self.output.strip().splitlines()[-8:]]
