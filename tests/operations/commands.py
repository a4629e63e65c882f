"""The commands of docs/operations.md, word for word, against a profiler in the background."""
import os
import re
import shutil

from daemon import Daemon, Skip, run


def needs(*commands):
    for command in commands:
        if not shutil.which(command):
            raise Skip(f"there is no {command} here")


def commands_find_the_process():
    """pgrep finds it, as "gprofiler" and as "gprofiler.*main"."""
    needs("pgrep")
    with Daemon() as daemon:
        for command in ("pgrep -f gprofiler", 'pgrep -f "gprofiler.*main"'):
            found = run(command).stdout.split()
            if str(daemon.pid) not in found:
                yield f"{command} finds {found}, not {daemon.pid}"
            first = run(f"{command} | head -1").stdout.strip()
            # Others on this machine may have the word in their command lines, and lower pids.
            if first != found[0]:
                yield f"{command} | head -1 says {first}"
        title = daemon.read(f"/proc/{daemon.pid}/cmdline").replace("\0", " ")
        if not title.startswith("gprofiler: main "):
            yield f"it calls itself {title!r}"


def commands_count_pipes():
    """Fewer than 10 pipes, after some windows as at the start."""
    needs("lsof")
    with Daemon() as daemon:
        daemon.wait_for_profiles(2, 30)
        pipes = int(run(f"lsof -p {daemon.pid} | grep pipe | wc -l").stdout.split()[-1])
        if pipes >= 10:
            yield f"{pipes} pipes"
        # `grep pipe` also counts what lsof cannot name; our own count must agree with it.
        own = daemon.self_report()["fds"]["by_kind"]["pipe"]
        if pipes != own:
            yield f"lsof counts {pipes} pipes, status {own}"


def commands_show_memory():
    """ps and the sum over pstree agree with what the profiler says of itself."""
    needs("ps", "pstree")
    with Daemon() as daemon:
        daemon.wait_for_profiles(2, 30)
        lines = run(f"ps -p {daemon.pid} -o pid,rss,vsz,%mem,cmd").stdout.splitlines()
        if not re.match(r"\s*PID\s+RSS\s+VSZ\s+%MEM\s+CMD", lines[0]) or "gprofiler: main" not in lines[1]:
            yield f"ps says {lines}"
        rss_kib = int(lines[1].split()[1])
        summed = run(f"pstree -p {daemon.pid} | grep -o '([0-9]\\+)' | tr -d '()' | xargs -I{{}} ps -o rss= -p {{}} "
                     "| awk '{sum+=$1} END {print sum}'").stdout.strip()
        memory = daemon.self_report()["memory"]
        resident = (memory["anonymous"] + memory["shared"] + memory["file_pages"]) / 1024
        for what, value in (("ps", rss_kib), ("the sum over pstree", int(summed))):
            if abs(value - resident) > 4096:
                yield f"{what} says {value} KiB, status {resident:.0f} KiB"
        if memory["bytes"] > 64 << 20:
            yield f"it holds {memory['bytes'] >> 20} MiB"


def commands_search_the_journal():
    """The journal has the lines about memory; where there is no journal, the log has them."""
    with Daemon() as daemon:
        found = run(f'grep -E "cleanup|Memory" {daemon.log}').stdout
        if not re.search(r"\] INFO: gprofiler: Memory limit \d+\.\dMB \(cleanup from \d+\.\dMB", found):
            yield f"the log says of memory: {found!r}"
    if not os.path.isdir("/run/systemd/system"):
        return
    if run('journalctl -u gprofiler | grep -E "cleanup|Memory"').returncode not in (0, 1):
        yield "journalctl cannot be searched"


def commands_dump_to_the_log():
    """SIGUSR2 writes the figures to the log; status shows them, and the history."""
    with Daemon() as daemon:
        run(f"kill -USR2 {daemon.pid}")
        daemon.wait_for(lambda: "descriptors" in daemon.log_text(), 5, "the figures in the log")
        text = daemon.ask("status").stdout
        for pattern in (r"memory \d+\.\dMB: .* private", r"sample ring +\d+\.\dMB", r"descriptors \d+: ", r"threads \d+"):
            if not re.search(pattern, text):
                yield f"status does not show {pattern!r}: {text}"
        history = run(f"{daemon.arguments[0]} status --history --state-dir {daemon.folder}/state")
        if history.returncode != 0 or "no history yet" not in history.stdout:
            yield f"the history says {history.stdout!r}"


def commands_scrape_metrics():
    """The metrics endpoint serves the exposition format on loopback."""
    with Daemon("--metrics-listen 127.0.0.1:0") as daemon:
        daemon.wait_for(lambda: "metrics on" in daemon.log_text(), 5, "the port")
        kind, text = daemon.metrics()
        if not kind.startswith("text/plain; version=0.0.4"):
            yield f"served as {kind}"
        for name in ("gprofiler_memory_bytes", "gprofiler_open_fds", "gprofiler_account_bytes", "gprofiler_threads"):
            if f"\n# TYPE {name} gauge\n" not in text:
                yield f"{name} is not there"
        if shutil.which("promtool"):
            checked = run("promtool check metrics", input=text)
            if checked.returncode != 0:
                yield checked.stdout


CASES = [commands_find_the_process, commands_count_pipes, commands_show_memory, commands_search_the_journal,
         commands_dump_to_the_log, commands_scrape_metrics]
