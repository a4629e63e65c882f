// Thousands of short children from several callers, half of them misbehaving: what is left afterwards?
//
// Usage: gp_soak [--children N] [--seconds N]     (10,000 children; with --seconds, rounds of them until the time is up)
//
// Prints a table for a stand-in that leaks as the old agent did, and for ours; closes with "N passed, N failed, N
// skipped". Fails unless descriptors, pipes, zombies, threads and children are as before the first child, and memory is
// within 1 MiB of what it was after the first 500.
#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "managed/launcher.h"
#include "os/procfs.h"
#include "tests/fault/host_figures.h"
#include "tests/fault/leaky_runner.h"

namespace gp::fault {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kCallers = 4;
constexpr uint64_t kWarmUp = 500;
constexpr uint64_t kLeaky = 300;  // three descriptors each; 1,024 are usual
constexpr std::array kMisbehaviours = {"hang",        "ignore-sigterm", "setsid",   "grandchild", "escaped", "flood",
                                       "close-early", "half-line",      "exit-137", "segfault",   "vanish",  "stop"};

struct Report {
  int passed = 0;
  int failed = 0;

  void check(bool good, const std::string& what) {
    ++(good ? passed : failed);
    fmt::print("{} {}\n", good ? "PASS" : "FAIL", what);
  }
};

std::string_view behaviour(uint64_t number) {
  return number % 2 == 0 ? "fine" : kMisbehaviours[number / 2 % kMisbehaviours.size()];
}

bool hangs(std::string_view how) {
  return how == "hang" || how == "ignore-sigterm" || how == "setsid" || how == "stop";
}

managed::ProcessSpec spec_of(uint64_t number) {
  managed::ProcessSpec spec;
  spec.name = "fake";
  spec.arguments = {GP_FAKE_TOOL, std::string(behaviour(number)), "300000"};
  spec.deadline = Clock::now() + (hangs(behaviour(number)) ? 25ms : 20'000ms);
  spec.patience = 10ms;
  if (number % 3 == 0) spec.output = managed::ToParser{[](std::string_view) { return true; }};
  return spec;
}

// What children came to, by behaviour; every one has to end in a way its misbehaviour allows.
class Endings {
 public:
  void add(uint64_t number, const managed::ProcessResult& result) {
    const std::scoped_lock lock(mutex_);
    ++by_ending_[result.ending];
    const std::string_view how = behaviour(number);
    auto wanted = managed::Ending::kExited;
    if (hangs(how)) wanted = managed::Ending::kTimedOut;
    if (how == "segfault" || how == "vanish") wanted = managed::Ending::kSignalled;
    if (result.ending != wanted) ++wrong_;
  }
  [[nodiscard]] uint64_t wrong() const { return wrong_; }
  [[nodiscard]] std::string text() {
    using enum managed::Ending;
    return fmt::format("{} exited, {} by signal, {} timed out, {} stuck", by_ending_[kExited],
                       by_ending_[kSignalled] + by_ending_[kOutOfMemory], by_ending_[kTimedOut], by_ending_[kStuck]);
  }

 private:
  std::mutex mutex_;
  std::map<managed::Ending, uint64_t> by_ending_;
  std::atomic<uint64_t> wrong_{0};
};

// Runs children [first, last) from kCallers threads; this thread, the control thread, gives birth to them.
void run_children(managed::Launcher& launcher, uint64_t first, uint64_t last, Endings& endings,
                  std::atomic<uint64_t>& refused) {
  std::atomic<uint64_t> next{first};
  std::atomic<uint64_t> busy{kCallers};
  std::vector<std::jthread> callers;
  callers.reserve(kCallers);
  for (uint64_t i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      for (uint64_t number = next++; number < last; number = next++) {
        auto process = launcher.start(spec_of(number));
        if (process) {
          endings.add(number, process->run({}));
        } else {
          ++refused;
        }
      }
      --busy;
    });
  }
  while (busy > 0) {
    pollfd asked{launcher.fd(), POLLIN, 0};
    ::poll(&asked, 1, 20);
    launcher.serve();
  }
}

HostFigures settled() {
  ::malloc_trim(0);
  return host_figures();
}

void print_row(std::string_view what, const HostFigures& figures) {
  fmt::print("{:<34} {:>8} {:>9} {:>11} {:>8} {:>13} {:>8}\n", what, figures.pipe_fds, figures.fds, figures.memory_kib,
             figures.zombies, figures.children, figures.threads);
}

// What the stand-in left behind, whatever session it is in: with a subreaper all of it becomes our child.
void end_descendants() {
  while (::waitpid(-1, nullptr, WNOHANG) >= 0) {
    const auto processes = os::list_processes();
    for (const int32_t pid : processes ? *processes : std::vector<int32_t>()) {
      const auto stat = os::read_stat(pid);
      if (stat && stat->ppid == ::getpid()) ::kill(pid, SIGKILL);
    }
    std::this_thread::sleep_for(1ms);
  }
}

void soak_leaky(Report& report) {
  const HostFigures before = settled();
  print_row("leaking stand-in, before", before);
  LeakyRunner runner;
  uint64_t started = 0;
  while (started < kLeaky && runner.start(GP_FAKE_TOOL, std::string(behaviour(started)))) ++started;
  std::this_thread::sleep_for(1s);
  const HostFigures after = settled();
  print_row(fmt::format("leaking stand-in, {} children", started), after);
  // The measure is only worth something if it sees a leak.
  report.check(after.pipe_fds >= before.pipe_fds + 3 * started && after.zombies > 0 && after.children > 0,
               "the leaking stand-in is seen to leak");
}

bool same(const HostFigures& a, const HostFigures& b) {
  return a.pipe_fds == b.pipe_fds && a.fds == b.fds && a.zombies == b.zombies && a.children == b.children &&
         a.threads == b.threads;
}

void soak_ours(uint64_t children, std::chrono::seconds length, Report& report) {
  const HostFigures before = settled();
  print_row("ours, before", before);
  auto launcher = managed::Launcher::make();
  Endings endings;
  std::atomic<uint64_t> refused{0};
  run_children(**launcher, 0, kWarmUp, endings, refused);
  const HostFigures warm = settled();
  print_row(fmt::format("ours, {} children", kWarmUp), warm);
  const auto begin = Clock::now();
  const auto end = begin + length;
  uint64_t done = kWarmUp;
  do {
    run_children(**launcher, done, done - done % children + children, endings, refused);
    done += children - done % children;
    print_row(fmt::format("ours, {} children", done), settled());
  } while (Clock::now() < end);
  const std::chrono::duration<double> took = Clock::now() - begin;
  const managed::ProcessCounts& counts = (*launcher)->counts();
  const bool cgroups = (*launcher)->has_cgroups();
  const auto started = counts.started.load();
  const auto reaped = counts.reaped.load();
  report.check(counts.running == 0 && counts.fds_open == 0 && counts.pipes_open == 0, "the registry is at rest");
  launcher->reset();
  const HostFigures after = settled();
  print_row("ours, after", after);
  fmt::print("{}; {} cgroups; {:.1f} s\n", endings.text(), cgroups ? "with" : "without", took.count());
  report.check(same(before, after), "descriptors, pipes, zombies, children and threads are as before the first child");
  report.check(after.memory_kib <= warm.memory_kib + 1024,
               fmt::format("memory is within 1 MiB of that after {} children", kWarmUp));
  report.check(refused == 0 && started == done && reaped == done,
               fmt::format("{} children started, {} reaped, {} refused", started, reaped, refused.load()));
  report.check(endings.wrong() == 0, fmt::format("{} children ended otherwise than they should", endings.wrong()));
}

uint64_t number_after(std::string_view flag, int argc, char** argv, uint64_t otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string_view value = argv[i + 1];
    if (flag == argv[i]) std::from_chars(value.data(), value.data() + value.size(), otherwise);
  }
  return otherwise;
}

}  // namespace
}  // namespace gp::fault

int main(int argc, char** argv) {
  using namespace gp::fault;
  const uint64_t children = std::max(number_after("--children", argc, argv, 10'000), 2 * kWarmUp);
  const std::chrono::seconds length(number_after("--seconds", argc, argv, 0));
  ::setvbuf(stdout, nullptr, _IOLBF, 0);
  Report report;
  fmt::print("{:<34} {:>8} {:>9} {:>11} {:>8} {:>13} {:>8}\n", "", "pipe fds", "total fds", "memory KiB", "zombies",
             "live children", "threads");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  soak_leaky(report);
  end_descendants();
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);  // ours does without
  soak_ours(children, length, report);
  fmt::print("{} passed, {} failed, 0 skipped\n", report.passed, report.failed);
  return report.failed == 0 ? 0 : 1;
}
