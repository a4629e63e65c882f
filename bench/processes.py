"""Memory that one more process costs: the profiler before many Python services start, and when each has had samples."""
import shutil
import subprocess

import agent
import quality
import targets

PROCESSES = 200
SCRIPT = "load_python_service.py"
BUSY = 20            # of them; the others work once a second
BEFORE_SECONDS = 10  # without them
LAST_SECONDS = 60    # should they be forgotten


def start_services(seconds):
    command, why = targets.python()
    if command is None:
        raise RuntimeError(why)
    return [subprocess.Popen([*command, f"{targets.HERE}/{SCRIPT}", str(seconds),
                              "busy" if number < BUSY else "idle"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL) for number in range(PROCESSES)]


def measure(settings, hz):
    """What the profiler holds (agent.memory_kib) without the services and with them, and the samples it has of them."""
    run = agent.Run(settings.binary, hz)
    children = []
    try:
        run.await_first_sample()
        run.watch(BEFORE_SECONDS)
        before = agent.memory_kib(run.child.pid)
        children = start_services(settings.processes_seconds + LAST_SECONDS)
        run.watch(settings.processes_seconds)
        after = agent.memory_kib(run.child.pid)
        run.finish()
        samples = sum(count for _, frames, count in quality.stacks(run.lines) if any(SCRIPT in frame for frame in frames))
        return before, after, samples
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()
        run.end()
        shutil.rmtree(run.folder, ignore_errors=True)


def run(settings, hz, tell):
    """Prints the figure, or why there is none."""
    tell(f"{PROCESSES} Python services")
    try:
        with agent.BpfStats():
            before, after, samples = measure(settings, hz)
    except RuntimeError as error:
        print(f"\nSKIP {PROCESSES} processes: {error}")
        return
    more = {part: after[part] - before[part] for part in after}
    print(f"\n{PROCESSES} Python services more, {BUSY} of them busy, {samples} samples of them in "
          f"{settings.processes_seconds} s: {agent.total_kib(more) / PROCESSES:.0f} KiB each (budget 100); anonymous "
          f"{more['anon'] / PROCESSES:.0f}, BPF maps {more['maps'] / PROCESSES:.0f}; "
          f"{agent.total_kib(before) / 1024:.1f} MiB before, {agent.total_kib(after) / 1024:.1f} with them.")
