#include "managed/managed_process.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/check.h"
#include "managed/child_pipes.h"
#include "managed/process_group.h"
#include "os/event_fd.h"
#include "os/spawn.h"

namespace gp::managed {
namespace {

using Clock = ManagedProcess::Clock;

// After SIGKILL. What is not gone by then waits in the kernel (a dead disk or server), where no signal reaches it.
constexpr std::chrono::milliseconds kKillPatience{5000};
// A child that was told to end is looked at this often: somebody may become impatient meanwhile.
constexpr std::chrono::milliseconds kLookInterval{50};

// How often the OOM killer has struck on this host: the line "oom_kill N" of /proc/vmstat (Linux 4.13).
uint64_t oom_kills() {
  constexpr std::string_view kKey = "\noom_kill ";
  const auto text = os::read_file("/proc/vmstat", 64U << 10U);
  const size_t at = text ? text->find(kKey) : std::string::npos;
  uint64_t count = 0;
  if (at != std::string::npos) std::from_chars(text->data() + at + kKey.size(), text->data() + text->size(), count);
  return count;
}

// Our own resident memory, in bytes: field 2 of /proc/self/statm, in pages.
uint64_t resident_bytes() {
  const auto text = os::read_file("/proc/self/statm", 256);
  const size_t at = text ? text->find(' ') : std::string::npos;
  uint64_t pages = 0;
  if (at != std::string::npos) std::from_chars(text->data() + at + 1, text->data() + text->size(), pages);
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::chrono::nanoseconds to_ns(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

Result<os::UniqueFd> open_namespace(const std::string& path) {
  if (path.empty()) return os::UniqueFd();
  return os::open_file(path);
}

}  // namespace

struct ManagedProcess::State {
  enum class Phase : uint8_t { kRunning, kTerminating, kKilled, kEnded };

  State(ProcessSpec wanted, ProcessCounts& counted, const std::atomic<bool>& hurried)
      : spec(std::move(wanted)), counts(counted), hurry(hurried) {
    result.name = spec.name;
  }

  Result<void> start(const std::string& parent_cgroup, uint64_t number);
  Result<void> give_birth(const os::SpawnSpec& birth);
  void escalate(Clock::time_point now);
  [[nodiscard]] Clock::time_point next_step() const;
  void end(Clock::time_point now);
  void judge(const os::ChildEnd& end);

  ProcessSpec spec;
  ProcessCounts& counts;
  const std::atomic<bool>& hurry;
  ProcessGroup group;
  InputPipe input;
  OutputPipe output;
  OutputPipe errors;
  std::unique_ptr<os::GatedChild> child;
  Gauged running;
  Gauged pidfd;
  Phase phase = Phase::kRunning;
  bool cancelled = false;
  bool late = false;
  Clock::time_point born;
  Clock::time_point phase_began;
  uint64_t oom_kills_before = 0;
  uint64_t parent_rss_bytes = 0;
  ProcessResult result;
};

Result<void> ManagedProcess::State::give_birth(const os::SpawnSpec& birth) {
  GP_ASSIGN(os::GatedChild born_now, os::GatedChild::prepare(birth));
  child = std::make_unique<os::GatedChild>(std::move(born_now));
  pidfd = Gauged(counts.fds_open);
  group.led_by(child->pid());
  return {};
}

Result<void> ManagedProcess::State::start(const std::string& parent_cgroup, uint64_t number) {
  std::array<os::UniqueFd, 3> theirs;
  GP_ASSIGN(input, InputPipe::make(std::move(spec.input), theirs[0], counts));
  GP_ASSIGN(output, OutputPipe::make(std::move(spec.output), theirs[1], counts));
  GP_ASSIGN(errors, OutputPipe::make(std::move(spec.errors), theirs[2], counts));
  GP_ASSIGN(const os::UniqueFd mount_namespace, open_namespace(spec.mount_namespace));
  GP_ASSIGN(const os::UniqueFd pid_namespace, open_namespace(spec.pid_namespace));
  oom_kills_before = oom_kills();
  parent_rss_bytes = resident_bytes();
  os::SpawnSpec birth{.arguments = std::move(spec.arguments),
                      .environment = std::move(spec.environment),
                      .standard = {theirs[0].get(), theirs[1].get(), theirs[2].get()},
                      .user = {},
                      .managed = true,
                      .cgroup = -1,
                      .mount_namespace = mount_namespace.get(),
                      .pid_namespace = pid_namespace.get(),
                      .limits = std::move(spec.limits),
                      .nice = spec.nice};
  if (!parent_cgroup.empty()) group.make_cgroup(parent_cgroup, fmt::format("{}", number), counts);
  birth.cgroup = group.cgroup_fd();
  auto birth_result = give_birth(birth);
  if (!birth_result && group.has_cgroup()) {
    group.drop_cgroup();  // an older kernel, or a hierarchy that takes no processes here
    birth.cgroup = -1;
    birth_result = give_birth(birth);
  }
  if (!birth_result) return birth_result;
  running = Gauged(counts.running);
  born = phase_began = Clock::now();
  return child->start();
}

// When the child is to be asked, then made, to end, then given up.
Clock::time_point ManagedProcess::State::next_step() const {
  const bool soon = hurry.load();
  if (phase == Phase::kRunning) return soon ? std::min(spec.deadline, born + kHurriedLife) : spec.deadline;
  const auto patience = phase == Phase::kTerminating ? spec.patience : kKillPatience;
  return phase_began + (soon ? std::min(patience, kHurriedPatience) : patience);
}

void ManagedProcess::State::escalate(Clock::time_point now) {
  const bool due = now >= next_step();
  if (phase == Phase::kRunning && (cancelled || due)) {
    late = !cancelled;
    phase = Phase::kTerminating;
    phase_began = now;
    ++counts.killed;
    group.terminate();
  } else if (phase == Phase::kTerminating && due) {
    phase = Phase::kKilled;
    phase_began = now;
    group.kill();
  } else if (phase == Phase::kKilled && due) {
    ++counts.stuck;
    result.ending = Ending::kStuck;
    end(now);
  }
}

// The pipes and the child's other traces; the child itself is a zombie or stuck.
void ManagedProcess::State::end(Clock::time_point now) {
  result.elapsed = now - born;
  output.finish();
  errors.finish();
  input.close();
  result.output = output.text();
  result.errors = errors.text();
  result.dropped_output_bytes = output.dropped_bytes();
  result.dropped_error_bytes = errors.dropped_bytes();
  child.reset();
  pidfd = Gauged();
  running = Gauged();
  group.drop_cgroup();
  phase = Phase::kEnded;
}

void ManagedProcess::State::judge(const os::ChildEnd& end) {
  result.exit_code = end.exit_code;
  result.signal = end.signal;
  result.cpu = to_ns(end.usage.ru_utime) + to_ns(end.usage.ru_stime);
  const uint64_t peak = static_cast<uint64_t>(end.usage.ru_maxrss) * 1024;
  if (peak > parent_rss_bytes) result.peak_rss_bytes = peak;
  if (late) {
    result.ending = Ending::kTimedOut;
  } else if (cancelled && phase != Phase::kRunning) {
    result.ending = Ending::kCancelled;
  } else if (end.signal == SIGKILL && oom_kills() > oom_kills_before) {
    result.ending = Ending::kOutOfMemory;
  } else if (end.signal != 0) {
    result.ending = Ending::kSignalled;
  }
}

ManagedProcess::ManagedProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
ManagedProcess::ManagedProcess(ManagedProcess&&) noexcept = default;

Result<ManagedProcess> ManagedProcess::start(ProcessSpec spec, const std::string& parent_cgroup, uint64_t number,
                                             ProcessCounts& counts, const std::atomic<bool>& hurry) {
  GP_CHECK(!spec.arguments.empty());
  ManagedProcess process(std::make_unique<State>(std::move(spec), counts, hurry));
  State& state = *process.state_;
  if (auto started = state.start(parent_cgroup, number); !started) {
    ++counts.failed;
    state.spec.patience = std::chrono::milliseconds(0);  // it has done nothing that it could want to tidy up
    return std::unexpected(std::move(started).error().context(state.spec.name));
  }
  ++counts.started;
  return process;
}

ManagedProcess::~ManagedProcess() {
  if (state_ == nullptr || state_->phase == State::Phase::kEnded) return;
  if (!state_->child) return;
  cancel();
  (void)run({});
}

pid_t ManagedProcess::pid() const { return state_->child ? state_->child->pid() : -1; }

bool ManagedProcess::has_cgroup() const { return state_->group.has_cgroup(); }

void ManagedProcess::watch(std::vector<pollfd>& fds) const {
  if (state_->child) fds.push_back({state_->child->pidfd(), POLLIN, 0});
  if (state_->output.fd() >= 0) fds.push_back({state_->output.fd(), POLLIN, 0});
  if (state_->errors.fd() >= 0) fds.push_back({state_->errors.fd(), POLLIN, 0});
  if (state_->input.fd() >= 0) fds.push_back({state_->input.fd(), POLLOUT, 0});
}

Clock::time_point ManagedProcess::due() const {
  if (state_->phase == State::Phase::kRunning)
    return state_->cancelled ? Clock::time_point::min() : state_->next_step();
  return std::min(state_->next_step(), Clock::now() + kLookInterval);
}

void ManagedProcess::cancel() { state_->cancelled = true; }

bool ManagedProcess::advance() {
  State& state = *state_;
  if (state.phase == State::Phase::kEnded) return true;
  state.input.feed();
  state.output.drain();
  state.errors.drain();
  pollfd ended{state.child->pidfd(), POLLIN, 0};
  if (::poll(&ended, 1, 0) > 0) {
    // Before it is reaped: a zombie keeps its number, so that the signal cannot meet a stranger.
    state.result.had_descendants = state.group.has_others();
    state.group.kill();
    auto end = state.child->reap();
    if (!end || *end) {
      if (end) {
        ++state.counts.reaped;
        state.judge(**end);
      }
      state.end(Clock::now());
      return true;
    }
  }
  state.escalate(Clock::now());
  return state.phase == State::Phase::kEnded;
}

const ProcessResult& ManagedProcess::result() const {
  GP_CHECK(state_->phase == State::Phase::kEnded);
  return state_->result;
}

ProcessResult ManagedProcess::run(const std::stop_token& cancel) {
  ManagedProcess* const self = this;
  run_to_end({&self, 1}, cancel);
  return state_->result;
}

void run_to_end(std::span<ManagedProcess* const> processes, const std::stop_token& cancel) {
  const auto wake = os::make_eventfd();
  // Without a descriptor to wake us (EMFILE) we look every now and then.
  const std::chrono::milliseconds longest(wake ? 60'000 : 250);
  const std::stop_callback on_stop(cancel, [&] {
    if (wake) (void)os::signal_eventfd(wake->get());
  });
  std::vector<pollfd> fds;
  for (;;) {
    if (cancel.stop_requested()) std::ranges::for_each(processes, &ManagedProcess::cancel);
    fds.assign(1, {wake ? wake->get() : -1, POLLIN, 0});
    auto due = Clock::now() + longest;
    bool all_ended = true;
    for (ManagedProcess* process : processes) {
      if (process->advance()) continue;
      all_ended = false;
      process->watch(fds);
      due = std::min(due, process->due());
    }
    if (all_ended) return;
    if (cancel.stop_requested()) fds.front().fd = -1;  // it has said its word
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    ::poll(fds.data(), fds.size(), static_cast<int>(std::max<int64_t>(0, wait.count())));
  }
}

}  // namespace gp::managed
