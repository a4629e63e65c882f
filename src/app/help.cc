#include "app/options.h"

namespace gp::app {

std::string_view help_text() {
  return R"(gprofiler samples every CPU of this host and writes a flame graph of where the time went:
kernel, native and Python code of every process in one picture.

Usage
  gprofiler -o DIR [options]                  the whole host
  gprofiler -o DIR [options] -p PID,...       some processes
  gprofiler -o DIR [options] -- COMMAND ...   a command and all that it starts
  gprofiler -c -o DIR [options]               in the background: one profile after the other
  gprofiler status | snapshot | session ...   ask the one in the background
  gprofiler dump PID [--inlines] [--json]     the stacks of all threads of a process now
  gprofiler doctor                            what this host allows, and what to do about the rest

Examples
  sudo gprofiler -o /tmp/profile -d 30              the whole host for 30 seconds
  sudo gprofiler -o /tmp/profile -d 10 -f 99 -p 1234 --children
  sudo gprofiler -o /tmp/profile -f 99 -- make -j4  until make ends; make runs as you, not as root
  sudo gprofiler -o /tmp/profile --format pprof     one more file, for `go tool pprof`

What to profile
  -d, --profiling-duration SECONDS   how long (default 60; with COMMAND: until it ends)
  -f, --profiling-frequency HZ       samples per second and CPU, 1 to 1000 (default 11)
  -p, --pids PID,...                 only these processes
      --children                     with -p: what they start, too
      --as-root                      with COMMAND under sudo: run it as root

What to write
  -o, --output-dir DIR               where to; made if missing. last_flamegraph.html and
                                     last_profile.col there point at the newest files
      --format pprof                 also write NAME; collapsed stacks and HTML are always written
      --no-flamegraph                leave the HTML out
      --rotating-output              keep only the newest files
      --inlines                      show inlined functions and source lines (slower to write)
      --no-python-versions           leave packages and their versions out of Python frames

External profilers, each in the place of our own walk of such processes if it is installed
      --python-mode pyspy            --ruby-mode rbspy            --dotnet-mode dotnet-trace
      --php-mode phpspy              processes that match --php-proc-filter PATTERN (default php-fpm)
      --java-mode ap                 async-profiler; --java-async-profiler-mode cpu, itimer, wall,
                                     alloc or lock says what it counts
      --perf-mode fp|dwarf|smart     sample with perf where the kernel refuses eBPF

In the background
  -c, --continuous                   a profile each -d SECONDS, until SIGTERM
      --control-socket PATH          where it is asked (default /run/gprofiler/control.sock)
      --pid-file FILE                its process id (default /var/run/gprofiler.pid)
      --controller-pid PID           end when that process does
      --max-workers N                external profilers at a time (default 4)
      --profiler-timeout SECONDS     they get after a profile's end (default 30; half a profile at most)
      --memory-limit SIZE            it gives up caches, detail, rate beyond it (default 5 % of what
                                     is available, 64M to 256M; five eighths of a cgroup's limit)
      --memory-cleanup-threshold-mb N  caches are trimmed from N MB (default 80 % of the limit)
      --log-file FILE                (default /var/log/gprofiler/gprofiler.log)
      --log-rotate-max-size BYTES    (default 5242880)    --log-rotate-backup-count N  (default 1)
      --metrics-listen HOST:PORT     its own figures for Prometheus, on loopback; or --metrics-port PORT
      --state-dir DIR                hourly figures of itself (default /var/lib/gprofiler)
      --config FILE                  options as `option = value` (default /etc/gprofiler/config.ini);
                                     GPROFILER_OPTION variables count more, the command line most

Asking it (all with --json)
  gprofiler status                   what runs, what it holds; --history: its figures of past weeks
  gprofiler snapshot                 write the open profile now; with -d SECONDS [-f -p -o]: one of its own
  gprofiler session list
  gprofiler session start [NAME] [-f HZ] [-p PID,... --children] [-d SECONDS] [--windows N] [-o DIR]
  gprofiler session stop ID

Other
      --force                        run even on a kernel known to freeze under profilers
  -v, --verbose                      say more on standard error
  -h, --help                         this text
      --version                      the version

Ctrl-C ends a profile early and writes what was gathered. Exit code: the COMMAND's own if there is one
(127: not found, 126: cannot be executed); else 0, or 1 for an error, 2 for a wrong command line.
)";
}

}  // namespace gp::app
