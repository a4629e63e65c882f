#include "session/thread_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "os/procfs.h"
#include "sampling/thread_states.h"

namespace gp::session {
namespace {

constexpr uint64_t kRunningNs = 400'000'000;    // so long threads that run may be caught waiting, or sampled
constexpr uint64_t kLoadingNs = 2'000'000'000;  // and files be opened that a stack needs
constexpr uint64_t kWalkNs = 1'000'000'000;     // for one walk of all threads
constexpr auto kRoundPause = std::chrono::milliseconds(10);
constexpr auto kPoll = std::chrono::milliseconds(1);

// What was missing will be there in a moment.
bool is_passing(const targets::LiveDone& done) {
  const auto unprepared = [](const gp_frame& frame) {
    return frame.kind == GP_FRAME_END && frame.value == GP_END_RUNTIME_NOT_LOADED;
  };
  return done.end == GP_END_NO_MAPPING || done.end == GP_END_PAGE_MISSING || done.end == GP_END_NO_PROCESS ||
         std::ranges::any_of(done.frames, unprepared);
}

}  // namespace

class ThreadDumper::Keep final : public ProfileSink {
 public:
  Result<void> take(profile::Profile profile, const WindowInfo& /*window*/) override {
    profile_ = std::move(profile);
    return {};
  }
  // The most frequent stack of each thread.
  [[nodiscard]] std::map<int32_t, const profile::SampleGroup*> stacks() const {
    std::map<int32_t, const profile::SampleGroup*> best;
    for (const profile::SampleGroup& group : profile_.samples) {
      auto& known = best[profile_.threads[group.thread].tid];
      if (known == nullptr || known->count < group.count) known = &group;
    }
    return best;
  }
  [[nodiscard]] const std::string& thread_name(const profile::SampleGroup& group) const {
    return profile_.threads[group.thread].name;
  }
  [[nodiscard]] std::vector<profile::Function> frames(const profile::SampleGroup& group) const {
    std::vector<profile::Function> frames;
    for (uint32_t node = group.stack; node != 0; node = profile_.nodes[node].parent)
      frames.push_back(profile_.functions[profile_.nodes[node].function]);
    return frames;
  }

 private:
  profile::Profile profile_;  // the closer's until the session has ended
};

// What is known of the threads so far, by tid.
struct ThreadDumper::Round {
  sampling::ThreadStates& states;
  ProcessKey process;
  uint64_t begun_ns = monotonic_ns();
  std::map<int32_t, ThreadDump::Thread> threads;  // of the last look
  std::map<int32_t, WalkedThread> settled;        // walked where they waited
  std::map<int32_t, WalkedThread> others;         // walked, but they moved, or something is missing
  std::map<int32_t, char> still;                  // of those: waited all the time
  bool loading = false;                           // something is missing
};

ThreadDumper::ThreadDumper(Reader& reader, int32_t pid)
    : reader_(reader), pid_(pid), sampled_(std::make_shared<Keep>()), walked_(std::make_shared<Keep>()) {}
ThreadDumper::~ThreadDumper() = default;

std::shared_ptr<ProfileSink> ThreadDumper::sampled_sink() const { return sampled_; }
std::shared_ptr<ProfileSink> ThreadDumper::walked_sink() const { return walked_; }

// Looks at all threads, walks those that wait and are not settled, and looks again whether they have moved.
Result<void> ThreadDumper::round(Round& now) {
  GP_ASSIGN(const std::vector<gp_thread_state> before, now.states.read());
  if (before.empty()) {
    const bool lives = os::process_key(pid_).has_value();
    return fail(lives ? ErrorCode::kUnsupported : ErrorCode::kNotFound,
                lives ? fmt::format("the kernel shows no thread of process {} here", pid_)
                      : fmt::format("process {} has ended", pid_));
  }
  now.threads.clear();
  now.loading = false;
  std::map<int32_t, gp_thread_state> waiting;
  for (const gp_thread_state& state : before) {
    const auto tid = static_cast<int32_t>(state.tid);
    const auto stat = os::read_stat(tid);
    now.threads[tid] = {.tid = tid,
                        .name = std::string(state.comm, ::strnlen(state.comm, sizeof(state.comm))),
                        .state = stat ? stat->state : '?',
                        .source = {},
                        .frames = {}};
    if ((state.flags & GP_THREAD_ON_CPU) != 0 || now.settled.contains(tid)) continue;
    if ((state.flags & (GP_THREAD_NO_USER | GP_THREAD_COMPAT32)) != 0) {
      targets::LiveDone none{.process = now.process, .tid = tid, .frames = {}, .symbols = {}};
      none.end = (state.flags & GP_THREAD_COMPAT32) != 0 ? GP_END_COMPAT32 : GP_END_KERNEL_THREAD;
      now.settled[tid] = {.state = state, .done = std::move(none)};
      continue;
    }
    waiting[tid] = state;
  }
  if (waiting.empty()) return {};
  std::vector<gp_thread_state> wanted;
  wanted.reserve(waiting.size());
  for (const auto& [tid, state] : waiting) wanted.push_back(state);
  GP_TRY(reader_.walk_threads(now.process, wanted));
  std::vector<targets::LiveDone> walked;
  for (const uint64_t end = monotonic_ns() + kWalkNs; walked.size() < wanted.size() && monotonic_ns() < end;) {
    std::ranges::move(reader_.take_walked(), std::back_inserter(walked));
    std::this_thread::sleep_for(kPoll);
  }
  GP_ASSIGN(const std::vector<gp_thread_state> after, now.states.read());
  for (targets::LiveDone& done : walked) {
    const auto known = waiting.find(done.tid);
    const auto later = std::ranges::find(after, static_cast<uint32_t>(done.tid), &gp_thread_state::tid);
    if (known == waiting.end() || later == after.end() || done.switches != known->second.switches) continue;
    const bool still = (later->flags & GP_THREAD_ON_CPU) == 0 && later->switches == known->second.switches;
    const bool passing = is_passing(done);
    now.loading |= passing;
    const int32_t tid = done.tid;
    if (still) now.still[tid] = 1;
    (still && !passing ? now.settled : now.others)[tid] = {.state = known->second, .done = std::move(done)};
  }
  return {};
}

Result<void> ThreadDumper::gather(const std::shared_ptr<SessionState>& walked) {
  GP_ASSIGN(const ProcessKey process, os::process_key(pid_));
  GP_ASSIGN(const auto states, sampling::ThreadStates::load(pid_));
  Round now{.states = *states, .process = process, .threads = {}, .settled = {}, .others = {}, .still = {}};
  for (;;) {
    GP_TRY(round(now));
    const auto caught = [&](const auto& thread) { return now.settled.contains(thread.first); };
    const uint64_t age = monotonic_ns() - now.begun_ns;
    if (std::ranges::all_of(now.threads, caught) || age > (now.loading ? kLoadingNs : kRunningNs)) break;
    std::this_thread::sleep_for(kRoundPause);
  }
  std::vector<WalkedThread> stacks;
  for (auto& [tid, thread] : now.threads) {
    const bool settled = now.settled.contains(tid);
    auto& known = settled ? now.settled : now.others;
    const auto stack = known.find(tid);
    if (stack == known.end()) continue;
    using Source = ThreadDump::Thread::Source;
    thread.source = settled || now.still.contains(tid) ? Source::kWaiting : Source::kMoved;
    stacks.push_back(std::move(stack->second));
  }
  GP_ASSIGN(dump_.process, reader_.describe(process));
  for (auto& [tid, thread] : now.threads) dump_.threads.push_back(std::move(thread));
  reader_.hand_over_threads(walked, stacks);
  return {};
}

ThreadDump ThreadDumper::finish() {
  using Source = ThreadDump::Thread::Source;
  const auto walked = walked_->stacks();
  const auto sampled = sampled_->stacks();
  for (ThreadDump::Thread& thread : dump_.threads) {
    const auto waiting = walked.find(thread.tid);
    const auto running = sampled.find(thread.tid);
    if (running != sampled.end() && thread.source != Source::kWaiting) {
      thread.source = Source::kSampled;
      thread.state = 'R';
      thread.name = sampled_->thread_name(*running->second);
      thread.frames = sampled_->frames(*running->second);
    } else if (waiting != walked.end()) {
      thread.name = walked_->thread_name(*waiting->second);
      thread.frames = walked_->frames(*waiting->second);
    } else {
      thread.source = Source::kNone;
    }
  }
  return std::move(dump_);
}

}  // namespace gp::session
