#!/usr/bin/env python3
"""Tests of the gprofiler in the background: windows, sessions, signals, its socket. Usage: tests/daemon/run.py [PART-OF-A-NAME...]

Prints PASS, FAIL or SKIP for each and closes with "N passed, N failed, N skipped".
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from background import ROOT, Background, Fault, check, read_reply, wait_for

sys.path[:0] = [f"{ROOT}/tests/workloads", f"{ROOT}/tests/support"]
import twice
from build import OUT as WORKLOADS, build

AGENT = os.environ.get("GP", f"{ROOT}/build/gprofiler")
ROW_SEGMENTS = 8  # of 1 MiB each, the row pool's budget
END_LIMIT = 2.0  # seconds a signal may take


class Case:
    """Starts what a test needs and ends it."""

    def __init__(self, folder):
        self.folder, self.children, self.backgrounds = folder, [], []

    def burner(self, seconds=120):
        child = subprocess.Popen([f"{WORKLOADS}/c_chain", str(seconds)], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def background(self, *arguments, **options):
        self.backgrounds.append(Background(AGENT, self.folder, *arguments, **options))
        return self.backgrounds[-1].ready()

    def stop(self):
        for background in self.backgrounds:
            background.kill()
        for child in self.children:
            child.kill()
            child.wait()


def reported(profiles):
    return sum(profile.header["data_quality"]["reported"] for profile in profiles)


def windows_add_up(case):
    """Every tick of a process that burns one CPU is in one window, and windows follow each other on the grid."""
    burner = case.burner()
    background = case.background("-d", "2", "-f", "99", "-p", str(burner.pid))
    before = cpu_seconds(burner)
    wait_for(lambda: len(background.profiles()) >= 4, "four windows")
    used = cpu_seconds(burner) - before
    background.end()
    profiles = background.profiles()
    for before, after in zip(profiles, profiles[1:]):
        check(before.header["metadata"]["end_time"] == after.header["metadata"]["start_time"], "windows leave a gap")
    whole = profiles[:-1]  # the last was cut short
    check(all(profile.header["metadata"]["period_ns"] == 1_000_000_000 // 99 for profile in whole), "nominal period")
    for profile in whole:
        check(set(profile.stacks) <= {"c_chain"}, f"foreign processes: {set(profile.stacks)}")
    check_seen("all windows", profiles, used)
    taken = sum(profile.header["data_quality"]["taken"] for profile in profiles)
    check(taken == reported(profiles) + sum(profile.header["data_quality"]["lost"] for profile in profiles), "sums")
    check(os.readlink(f"{background.out}/last_profile.col").startswith("profile_"), "last_profile.col")
    check("merged" not in background.said(), background.said())


def cpu_seconds(child):
    """CPU time the child has had so far."""
    with open(f"/proc/{child.pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seen_seconds(profiles):
    """CPU time the samples stand for."""
    return sum(profile.header["data_quality"]["taken"] * profile.header["metadata"]["period_ns"] / 1e9
               for profile in profiles)


def check_seen(what, profiles, used):
    seen = seen_seconds(profiles)
    check(abs(seen - used) < 0.15 + 0.25 * used, f"{what}: samples of {seen:.2f} s for {used:.2f} s of CPU time")


def two_sessions(case):
    """Two processes, two rates, one sampler; the second session comes and goes without a trace in the first."""
    one, other = case.burner(), case.burner()
    background = case.background("-d", "3", "-f", "49", "-p", str(one.pid), "--no-flamegraph")
    one_before, other_before = cpu_seconds(one), cpu_seconds(other)
    started = background.ask(command="start", name="fast", frequency=199, seconds=2, pids=[other.pid])
    check(started.get("ok"), started)
    status = background.ask(command="status")
    check(status["sampling_hz"] == 199, f"the sampler ticks at {status['sampling_hz']} Hz")
    wait_for(lambda: len(background.profiles(f"{background.out}/fast")) >= 3, "three windows of the second")
    stopped = background.ask(command="stop", id=started["id"])
    other_used = cpu_seconds(other) - other_before
    check(stopped.get("ok") and stopped["files"], stopped)
    wait_for(lambda: background.ask(command="status")["sampling_hz"] == 49, "the rate came down again")
    wait_for(lambda: len(background.profiles()) >= 4, "the first went on")
    one_used = cpu_seconds(one) - one_before
    background.end()
    slow, fast = background.profiles(), background.profiles(f"{background.out}/fast")
    check_seen("the first", slow, one_used)
    check_seen("the second", fast, other_used)
    check({profile.header["metadata"]["frequency"] for profile in slow} == {49}, "nominal rate of the first")
    check({profile.header["metadata"]["frequency"] for profile in fast} == {199}, "nominal rate of the second")
    check(sum(map(len, (profile.of("c_chain") for profile in fast))) > 0, "stacks of the second")


def same_process_twice(case):
    """Two sessions that watch one process see the same CPU time, each at its own rate."""
    burner = case.burner()
    background = case.background("-d", "60", "-f", "199", "-p", str(burner.pid), "--no-flamegraph")
    slow = background.ask(command="start", name="slow", frequency=50, pids=[burner.pid])
    fast = background.ask(command="start", name="fast", frequency=199, pids=[burner.pid])
    time.sleep(8)
    seen = {}
    for name, session in (("slow", slow), ("fast", fast)):
        check(background.ask(command="stop", id=session["id"])["ok"], "stop")
        header = background.profiles(f"{background.out}/{name}")[0].header
        seen[name] = header["data_quality"]["taken"] * header["metadata"]["period_ns"] / 1e9
    background.end()
    check(abs(seen["slow"] / seen["fast"] - 1) < 0.1, f"CPU seconds seen: {seen}")


def snapshots(case):
    """The open window at once, by command and signal; and one of its own beside it."""
    case.burner()
    background = case.background("-d", "600", "-f", "99", "--no-flamegraph")
    time.sleep(1)
    now = background.run("snapshot", "--json")
    check(now.returncode == 0 and json.loads(now.stdout)["files"], now)
    check(len(background.profiles()) == 1, "the open window was written")
    background.child.send_signal(signal.SIGUSR1)
    wait_for(lambda: len(background.profiles()) == 2, "a window by SIGUSR1")
    own = background.run("snapshot", "-d", "1", "-f", "199", "-o", f"{case.folder}/own")
    check(own.returncode == 0 and "wrote " in own.stdout, own)
    check(len(background.profiles(f"{case.folder}/own")) == 1, "one of its own")
    check(len(background.profiles()) == 2, "which is none of the other's")
    status = background.run("status")
    check("continuous" in status.stdout and re.search(r"^memory [0-9.]+MB: ", status.stdout, re.M), status.stdout)
    check("continuous" in background.run("session", "list").stdout, "session list")
    background.end()


def single_run_beside_it(case):
    """A run of its own goes through the one in the background, and ends with its caller."""
    burner = case.burner()
    background = case.background("-d", "600", "-f", "11", "--no-flamegraph")
    own = f"{case.folder}/own"
    arguments = [AGENT, "-o", own, "-f", "199", "-p", str(burner.pid), "--control-socket", background.socket]
    run = subprocess.Popen([*arguments, "-d", "3"], stdout=subprocess.PIPE, text=True)
    wait_for(lambda: len(background.ask(command="list")["sessions"]) == 2, "a second session")
    output = run.communicate()[0]
    check(run.returncode == 0 and "chain_10" in output and "wrote " in output, output)
    profile = background.profiles(own)[0]
    check(set(profile.stacks) == {"c_chain"} and profile.total() > 10, f"{profile.stacks.keys()} {profile.total()}")
    command = subprocess.run([AGENT, "-o", f"{case.folder}/command", "-f", "199", "--control-socket", background.socket,
                              "--", f"{WORKLOADS}/c_chain", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(command.returncode == 0, command.stderr)
    check(sum(background.profiles(f"{case.folder}/command")[0].of("c_chain").values()) > 10, "the command's samples")
    killed = subprocess.Popen([*arguments, "-d", "600"], stdout=subprocess.DEVNULL)
    wait_for(lambda: len(background.ask(command="list")["sessions"]) == 2, "a third run")
    killed.kill()
    killed.wait()
    wait_for(lambda: len(background.ask(command="list")["sessions"]) == 1, "its session ended with it")
    background.end()


def signals_end_it(case):
    """SIGTERM and SIGINT write what is open and end it within two seconds."""
    for number in (signal.SIGTERM, signal.SIGINT):
        background = case.background("-d", "600", "-f", "99")
        background.ask(command="start", name="more", frequency=199)
        time.sleep(1)
        before = len(background.profiles())
        with open(background.pid_file, encoding="utf-8") as file:
            check(int(file.read()) == background.child.pid, "the pid file")
        took = background.end(number)
        check(took < END_LIMIT, f"it took {took:.1f} s")
        check(len(background.profiles()) == before + 1, "the open window was written")
        check(background.profiles(f"{background.out}/more"), "the other session's, too")
        check(not os.path.exists(background.socket) and not os.path.exists(background.pid_file), "socket or pid file left")


def controller(case):
    """It ends with its controller, and does not start without one."""
    owner = subprocess.Popen(["sleep", "600"])
    case.children.append(owner)
    background = case.background("-d", "600", "--controller-pid", str(owner.pid))
    owner.kill()
    owner.wait()
    check(background.child.wait(30) == 0, background.said())
    refused = subprocess.run([AGENT, "-c", "-o", f"{case.folder}/x", "--control-socket", f"{case.folder}/y.sock",
                              "--pid-file", f"{case.folder}/z", "--controller-pid", str(owner.pid)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(refused.returncode == 1 and str(owner.pid) in refused.stderr, refused)


def reload(case):
    """SIGHUP takes over what the config file says now, and survives what it cannot read."""
    config = f"{case.folder}/config.ini"

    def write(text):
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)

    write("[any]\nprofiling-frequency = 20\nprofiling-duration = 600\nflamegraph = false\n")
    background = case.background("--config", config)
    first = background.ask(command="list")["sessions"][0]
    check(first["frequency"] == 20 and first["window_seconds"] == 600, first)
    write("profiling-frequency = 40\nprofiling-duration = 300\nflamegraph = false\n")
    background.child.send_signal(signal.SIGHUP)
    wait_for(lambda: any(session["frequency"] == 40 and session["window_seconds"] == 300
                         for session in background.ask(command="list")["sessions"]), "the new options")
    write("frequenzy = 1\n")
    background.child.send_signal(signal.SIGHUP)
    wait_for(lambda: "frequenzy" in background.said(), "the key it does not know")
    check(background.ask(command="status")["sampling_hz"] == 40, "it went on as before")
    background.end()


def config_precedence(case):
    """Command line, then variables, then the file."""
    config = f"{case.folder}/config.ini"
    with open(config, "w", encoding="utf-8") as file:
        file.write("profiling-frequency = 20\nprofiling-duration = 600\n")
    background = case.background("-f", "60", "--config", config, environment={"GPROFILER_PROFILING_FREQUENCY": "40",
                                                                             "GPROFILER_PROFILING_DURATION": "500"})
    session = background.ask(command="list")["sessions"][0]
    check((session["frequency"], session["window_seconds"]) == (60, 500), session)
    background.end()
    with open(config, "a", encoding="utf-8") as file:
        file.write("frequenzy = 1\n")
    refused = subprocess.run([AGENT, "-o", f"{case.folder}/x", "--config", config], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    check(refused.returncode == 2 and "frequenzy" in refused.stderr and refused.stderr.count("\n") == 1, refused)


def one_per_host(case):
    """A second one in the background is refused by the agents' common lock, whatever its socket."""
    background = case.background("-d", "600")
    second = subprocess.run([AGENT, "-c", "-o", f"{case.folder}/x", "--control-socket", f"{case.folder}/other.sock",
                             "--pid-file", f"{case.folder}/other.pid"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=60)
    check(second.returncode == 1, f"exit code {second.returncode}")
    check("Could not acquire gProfiler's lock. Is it already running? Try 'sudo netstat -xp | grep gprofiler' to see "
          "which process holds the lock." in second.stderr, second.stderr)
    background.end()


def shows_itself(case):
    """What operators look for."""
    background = case.background("-d", "600")
    found = subprocess.run(["pgrep", "-f", "gprofiler.*main"], stdout=subprocess.PIPE, text=True).stdout.split()
    check(str(background.child.pid) in found, f"pgrep -f 'gprofiler.*main' found {found}")
    with open(f"/proc/{background.child.pid}/cmdline", "rb") as file:
        check(file.read().startswith(b"gprofiler: main -c -o "), "the command line shown")
    background.end()


def socket_misuse(case):
    """Garbage, endless lines, a hundred clients, another user: refused, and nobody else notices."""
    background = case.background("-d", "600")
    with background.connect() as connection:
        for garbage in (b"\n", b"\x00\xff\n", b"[1]\n", b'{"command": "dance"}\n'):
            connection.sendall(garbage)
            check(read_reply(connection)["ok"] is False, garbage)
        connection.sendall(b'{"command": "list"}\n')
        check(read_reply(connection)["ok"], "a good request after bad ones")
    with background.connect() as connection:
        try:
            connection.sendall(b"x" * 1_000_000)
        except OSError:
            pass  # it closed before all was sent
        check("64 KiB" in read_reply(connection)["error"], "an endless line")
    crowd = [background.connect() for _ in range(100)]
    refused = read_reply(crowd[99])
    check("too many" in refused["error"], refused)
    for connection in crowd:
        connection.close()
    wait_for(lambda: try_list(background), "room again")
    os.chmod(background.socket, 0o777)  # as if somebody had opened it to all
    for folder in (case.folder, os.path.dirname(case.folder)):
        os.chmod(folder, 0o755)
    other = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c",
         f"import socket; s=socket.socket(socket.AF_UNIX); s.connect({background.socket!r}); print(s.recv(9999))"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    check("only root" in other.stdout, other)
    check(background.ask(command="list")["ok"], "it still answers")
    background.end()


def try_list(background):
    try:
        return background.ask(command="list").get("ok")
    except (Fault, OSError):
        return False


def full_disk_once(case):
    """A window that cannot be written is told, counted and held, and written as soon as there is room."""
    if subprocess.run(["unshare", "-m", "true"]).returncode != 0:
        return "this machine cannot: unshare -m"
    os.makedirs(f"{case.folder}/out", exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", f"{case.folder}/out"]).returncode != 0:
        return "this machine cannot: mount"
    try:
        background = case.background("-d", "2", "-f", "99", "--no-flamegraph")
        filler = f"{case.folder}/out/filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096) == 4096:
                    pass
            except OSError:
                pass
        wait_for(lambda: "No space left" in background.said(), "a window that could not be written")
        wait_for(lambda: background.ask(command="list")["sessions"][0]["failed"] >= 3, "three that could not")
        status = background.ask(command="status")
        check(status["held"]["profiles"] >= 3 and 0 < status["held"]["bytes"] < 8 << 20, status["held"])
        check("wait to be written" in background.run("status").stdout, "status tells people")
        os.remove(filler)
        wait_for(lambda: background.ask(command="status")["held"]["profiles"] == 0, "they were written with the next one")
        session = background.ask(command="list")["sessions"][0]
        check("No space" in session["last_error"], session)
        check(background.said().count("which had been held") == session["failed"], background.said())
        wait_for(lambda: len(background.profiles()) >= 4, "the one that was written with them")
        times = [profile.header["metadata"] for profile in background.profiles()]
        ends, starts = [one["end_time"] for one in times], [one["start_time"] for one in times]
        check(set(starts[1:]) <= set(ends) and len(ends) >= 4, f"no window is missing: {starts} {ends}")
        background.end()
    finally:
        case.stop()
        subprocess.run(["umount", f"{case.folder}/out"])
    return None


def rotating_output(case):
    """Only the newest files stay."""
    background = case.background("-d", "1", "-f", "11", "--rotating-output")
    wait_for(lambda: background.ask(command="list")["sessions"][0]["windows"] >= 3, "three windows")
    background.end()
    names = [name for name in os.listdir(background.out) if name.startswith("profile_")]
    check(len(names) == 2, f"files: {names}")
    check(os.path.exists(f"{background.out}/last_profile.col"), "the link points at what is there")


def sessions_leave_nothing(case):
    """Two hundred sessions later: threads, descriptors and sessions as before."""
    background = case.background("-d", "600", "-f", "11", "--no-flamegraph")
    folder = f"/proc/{background.child.pid}/fd"

    def held():
        """Descriptors without BPF maps, BPF maps, threads. Segments of unwind rows are maps, and come as code is hit."""
        links = []
        for name in os.listdir(folder):
            try:
                links.append(os.readlink(f"{folder}/{name}"))
            except FileNotFoundError:
                pass
        maps = links.count("anon_inode:bpf-map")
        return len(links) - maps, maps, background.threads(), sorted(links)

    before = None
    for turn in range(100):
        started = [background.ask(command="start", name="x", frequency=99, output_dir=f"{case.folder}/x")
                   for _ in range(2)]
        for session in started:
            check(background.ask(command="stop", id=session["id"])["ok"], "stop")
        if turn == 9:
            before = held()
    after = held()
    check(after[0] <= before[0] + 2 and after[1] <= before[1] + ROW_SEGMENTS and after[2] == before[2],
          f"descriptors, maps and threads: {before}, then {after}")
    many = [background.ask(command="start", name="x", output_dir=f"{case.folder}/x") for _ in range(16)]
    check([reply["ok"] for reply in many] == [True] * 15 + [False], "sixteen sessions at a time")
    check("16" in many[-1]["error"], many[-1])
    background.end()


def tool_folder(case, name, script):
    """A PATH with a program of that name first."""
    folder = f"{case.folder}/tools"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{script}\n")
    os.chmod(f"{folder}/{name}", 0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def python_burner(case):
    child = subprocess.Popen([sys.executable, "-c", "while True: sum(range(1000))"])
    case.children.append(child)
    return child


def deaf_tools(case):
    """A tool that ignores SIGTERM, and its child that holds its pipe, do not hold up the end: neither in the background
    nor of a single run; nothing of them stays."""
    burner = python_burner(case)
    environment = tool_folder(case, "py-spy", "trap '' TERM; sleep 987 & while :; do sleep 987; done")
    for number in (signal.SIGTERM, signal.SIGINT):
        background = case.background("-d", "600", "-f", "99", "-p", str(burner.pid), "--python-mode", "pyspy",
                                     environment=environment)
        wait_for(lambda: background.ask(command="status")["collectors_running"] == 1, "the tool")
        time.sleep(0.5)
        took = background.end(number)
        check(took < END_LIMIT, f"it took {took:.1f} s")
        profile = background.profiles()[-1]
        check(profile.header["external_profilers"][0]["failures"], profile.header)
        run = subprocess.Popen([AGENT, "-o", f"{case.folder}/own", "-d", "600", "-p", str(burner.pid), "--python-mode",
                                "pyspy", "--control-socket", f"{case.folder}/nobody"], env={**os.environ, **environment},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: "987" in subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True).stdout,
                 "the tool of a single run")
        time.sleep(0.5)
        begun = time.monotonic()
        run.send_signal(number)
        run.communicate(timeout=60)
        check(run.returncode == 0 and time.monotonic() - begun < END_LIMIT,
              f"code {run.returncode} after {time.monotonic() - begun:.1f} s")
        left = subprocess.run(["pgrep", "-f", "sleep 987"], stdout=subprocess.PIPE, text=True).stdout
        check(not left, f"left behind: {left}")


def tools_of_sessions(case):
    """A session has the tools of the background, unless it asks for its own; so has a single run beside it."""
    burner = python_burner(case)
    environment = tool_folder(case, "py-spy", "sleep 1; echo 'by_the_tool (x.py:1) 7'")
    background = case.background("-d", "600", "-f", "99", "--no-flamegraph", "--python-mode", "pyspy", "-p",
                                 str(burner.pid), environment=environment)

    def stacks(name, **request):
        started = background.ask(command="start", name=name, frequency=99, seconds=3, windows=1, pids=[burner.pid],
                                 **request)
        check(started["ok"], started)
        wait_for(lambda: background.profiles(f"{background.out}/{name}"), "its profile")
        return "\n".join(stack for of in background.profiles(f"{background.out}/{name}")[0].stacks.values() for stack in of)

    background.ask(command="start", name="three", frequency=99, seconds=3, windows=3, pids=[burner.pid])
    check("by_the_tool" in stacks("as-the-background"), "the background's tools")
    check("by_the_tool" not in stacks("walked", tools={}), "none")
    check("by_the_tool" in stacks("own", tools={"python-mode": "pyspy"}), "its own")
    wait_for(lambda: len(background.profiles(f"{background.out}/three")) == 3, "three windows")
    for profile in background.profiles(f"{background.out}/three"):
        check(any("by_the_tool" in stack for of in profile.stacks.values() for stack in of), f"in each window: {profile.header}")
    refused = background.ask(command="start", tools={"python-mode": "snake"})
    check(not refused["ok"] and "pyperf" in refused["error"], refused)
    for words, expected in ((["--python-mode", "pyspy"], True), ([], False)):
        own = f"{case.folder}/own{len(words)}"
        run = subprocess.run([AGENT, "-o", own, "-d", "3", "-f", "99", "-p", str(burner.pid), "--no-flamegraph",
                              "--control-socket", background.socket, "--ruby-mode", "rbspy", *words],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        check(run.returncode == 0, run)
        profile = background.profiles(own)[0]
        check(any("by_the_tool" in stack for of in profile.stacks.values() for stack in of) == expected, own)
        check(run.stderr.count("rbspy is not installed") == (0 if has("rbspy") else 1), run.stderr)
    background.end()


def has(program):
    return subprocess.run(["sh", "-c", f"command -v {program}"], stdout=subprocess.DEVNULL).returncode == 0


def background_dies(case):
    """A single run says at once that the one in the background, which samples for it, has gone; a command goes on."""
    burner = case.burner()
    background = case.background("-d", "600", "-f", "11", "--no-flamegraph")
    arguments = [AGENT, "-o", f"{case.folder}/own", "--control-socket", background.socket]
    run = subprocess.Popen([*arguments, "-d", "600", "-p", str(burner.pid)], stderr=subprocess.PIPE, text=True)
    command = subprocess.Popen([*arguments, "--", "sh", "-c", "sleep 4; exit 7"], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(background.ask(command="list")["sessions"]) == 3, "both")
    background.kill()
    begun = time.monotonic()
    error = run.communicate(timeout=60)[1]
    check(run.returncode == 1 and time.monotonic() - begun < 2, f"{run.returncode} {time.monotonic() - begun:.1f} s")
    check("has ended; there is no profile" in error and error.count("\n") == 1, error)
    error = command.communicate(timeout=60)[1]
    check(command.returncode == 1 and time.monotonic() - begun > 2, f"the command: {command.returncode}")
    check("there is no profile" in error, error)


CASES = [deaf_tools, tools_of_sessions, background_dies, windows_add_up, two_sessions, same_process_twice, snapshots, single_run_beside_it, signals_end_it, controller,
         reload, config_precedence, one_per_host, shows_itself, socket_misuse, full_disk_once, rotating_output,
         sessions_leave_nothing]


def run_case(test, scratch):
    """(word, lines) of one test."""
    case = Case(tempfile.mkdtemp(dir=scratch))
    try:
        reason = test(case)
        return ("SKIP", [reason]) if reason else ("PASS", [])
    except (Fault, OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as error:
        lines = [f"{type(error).__name__}: {error}"]
        for background in case.backgrounds:
            lines += [f"  {line}" for line in background.said().splitlines()[-12:]]
        return "FAIL", lines
    finally:
        case.stop()


def main():
    if not os.access(AGENT, os.X_OK):
        print(f"there is no {AGENT}\n0 passed, 1 failed, 0 skipped")
        return 1
    build(["c_chain"], {})
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for name in [name for name in os.environ if name.startswith(("SUDO_", "GPROFILER_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="gprofiler-daemon-") as scratch:
        for test in CASES:
            name = test.__name__.replace("_", " ")
            if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                continue
            begun = time.monotonic()
            word, lines = (twice.outcome(name, lambda: run_case(test, scratch)) if os.geteuid() == 0
                           else ("SKIP", ["needs root"]))
            counts[word] += 1
            print(f"{word} {name} ({time.monotonic() - begun:.0f} s)" + (f": {lines[0]}" if word == "SKIP" else ""))
            if word == "FAIL":
                print("".join(f"  {line}\n" for line in lines), end="")
            sys.stdout.flush()
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
