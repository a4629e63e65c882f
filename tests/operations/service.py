"""The systemd unit: what systemd thinks of it, what the profiler tells its manager, and that its capabilities do."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from daemon import AGENT, ROOT, Daemon, Skip, run

UNIT = f"{ROOT}/packaging/systemd/gprofiler.service"


def service_unit_is_valid():
    """systemd-analyze verify has nothing to say about the unit."""
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze here")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(AGENT, f"{folder}/gprofiler")  # verify wants the program to be there
        with open(UNIT, encoding="utf-8") as file:
            text = file.read()
        with open(f"{folder}/gprofiler.service", "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/bin/gprofiler", f"{folder}/gprofiler"))
        verified = run(f"systemd-analyze verify {folder}/gprofiler.service")
        if verified.returncode != 0 or verified.stdout.strip():
            yield f"exit code {verified.returncode}: {verified.stdout}"
        broken = text.replace("WatchdogSec=30", "WatchdogSec=soon")
        with open(f"{folder}/gprofiler.service", "w", encoding="utf-8") as file:
            file.write(broken)
        if not run(f"systemd-analyze verify {folder}/gprofiler.service").stdout.strip():
            yield "it has nothing to say about a broken one either"


def service_tells_its_manager():
    """READY once sampling runs, WATCHDOG twice in its time, STOPPING at the end."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{folder}/notify")
        manager.setblocking(False)

        def told():
            lines = []
            try:
                while True:
                    lines.append(manager.recv(4096).decode())
            except BlockingIOError:
                return lines

        with Daemon(environment={"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "4000000"}) as daemon:
            daemon.wait_for_profiles(1, 30)
            start = told()
            if not start or start[0] != "READY=1":
                yield f"the first words are {start[:3]}"
            time.sleep(6.5)
            alive = told().count("WATCHDOG=1")
            if not 2 <= alive <= 4:
                yield f"alive {alive} times in 6.5 s, every 2 s was asked for"
            run(f"kill -STOP {daemon.pid}")
            time.sleep(0.5)
            told()
            time.sleep(4)
            if told():
                yield "a loop that stands still says that it is alive"
            run(f"kill -CONT {daemon.pid}; kill -TERM {daemon.pid}")
            daemon.child.wait(10)
            if "STOPPING=1" not in told():
                yield "it ended without a word"


def service_needs_no_root():
    """With the unit's capabilities alone, as a user without rights, a profile of the whole host comes out."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        raise Skip("needs root and setpriv")
    with open(UNIT, encoding="utf-8") as file:
        names = re.search(r"^AmbientCapabilities=(.*)$", file.read(), re.M).group(1).split()
    known = run("setpriv --list-caps").stdout.split()  # in the order of their numbers
    capabilities = [name[4:].lower() for name in names]
    missing = [name for name in capabilities if name not in known]
    if missing:
        raise Skip(f"setpriv does not know {', '.join(missing)}")
    bounding = int(re.search(r"^CapBnd:\s*(\w+)", Daemon.read("/proc/self/status"), re.M).group(1), 16)
    ours = [name for name in capabilities if bounding >> known.index(name) & 1]
    # The one it can do without: raising a limit that kernels from 5.11 on do not charge.
    if set(capabilities) - set(ours) - {"sys_resource"}:
        raise Skip(f"we may not give {', '.join(set(capabilities) - set(ours))} ourselves")
    capabilities = ours
    granted = "".join(f",+{name}" for name in capabilities)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        program = f"{folder}/gprofiler"  # where such a user may go
        shutil.copy(AGENT, program)
        # Half of its time in the kernel: a loop of the shell alone may have no kernel frame in three seconds.
        burner = subprocess.Popen(["sh", "-c", "while read -r line < /proc/self/status; do :; done"])
        try:
            result = run(f"cd {folder} && setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "
                         f"--inh-caps=-all{granted} --ambient-caps=-all{granted} "
                         f"{program} -o {folder}/out -d 3 -f 99 --no-flamegraph")
        finally:
            burner.kill()
            burner.wait()
        if result.returncode != 0:
            yield f"exit code {result.returncode}: {result.stdout}"
            return
        profile = Daemon.read(f"{folder}/out/last_profile.col")
        for pattern, what in ((r"^0;;sh;", "another user's process"), (r"_\[k\]", "the kernel's names")):
            if not re.search(pattern, profile, re.M):
                yield f"the profile lacks {what}: {result.stdout[-1500:]}"


CASES = [service_unit_is_valid, service_tells_its_manager, service_needs_no_root]
