// What the reader does for a dump of a process' threads.
#include <algorithm>
#include <set>

#include "base/clock.h"
#include "session/reader.h"
#include "session/sample_record.h"

namespace gp::session {

Result<void> Reader::walk_threads(ProcessKey process, std::span<const gp_thread_state> threads) {
  Result<void> result;
  call([&] {
    drain_sideband();
    const targets::Process* known = targets_.find(process);
    if (known == nullptr || !known->run) {
      result = fail(ErrorCode::kNotFound, fmt::format("process {} is not known", process.pid));
      return;
    }
    walked_.clear();
    const auto files = targets_.files_of(*known->run);
    const auto runtimes = targets_.entries_of(*known);
    // First, so that names are there when the last stack is.
    for (const gp_thread_state& thread : threads)
      thread_names_.meet(process, static_cast<int32_t>(thread.tid), thread.thread_pointer, monotonic_ns());
    auto names = thread_names_.question(process);
    names.runtimes = runtimes;
    loader_->post(std::move(names));
    for (const gp_thread_state& thread : threads) {
      loader_->post(targets::LiveThread{.process = {.pid = process.pid, .start_ticks = thread.start_ticks},
                                        .tid = static_cast<int32_t>(thread.tid),
                                        .switches = thread.switches,
                                        .registers = thread.registers,
                                        .thread_pointer = thread.thread_pointer,
                                        .run = known->run,
                                        .files = files,
                                        .runtimes = runtimes});
    }
  });
  return result;
}

void Reader::take(targets::LiveDone& done) {
  for (const auto& symbol : done.symbols) on_symbol(symbol);
  const auto unprepared = [](const gp_frame& frame) {
    return frame.kind == GP_FRAME_END && frame.value == GP_END_RUNTIME_NOT_LOADED;
  };
  targets::Process* process = targets_.find(done.process);
  if (process != nullptr && std::ranges::any_of(done.frames, unprepared))
    targets_.retry_attach(*process, monotonic_ns());
  walked_.push_back(std::move(done));
}

std::vector<targets::LiveDone> Reader::take_walked() {
  std::vector<targets::LiveDone> walked;
  call([&] { walked.swap(walked_); });
  return walked;
}

Result<ProcessDescription> Reader::describe(ProcessKey process) {
  Result<ProcessDescription> result = fail(ErrorCode::kNotFound, fmt::format("process {} is not known", process.pid));
  call([&] {
    const targets::Process* known = targets_.find(process);
    if (known == nullptr) return;
    ProcessDescription description{.pid = process.pid,
                                   .comm = known->program->comm,
                                   .executable = known->program->executable,
                                   .container_id = known->program->container_id,
                                   .runtimes = {},
                                   .hindrances = {}};
    std::set<const targets::CodeFile*> seen;
    for (const auto& [start, mapping] : known->mappings) {
      const targets::CodeFile* file = mapping.file.get();
      if (file == nullptr || !seen.insert(file).second) continue;
      if (const auto state = file->state.load();
          state == targets::CodeFile::State::kUnreadable || state == targets::CodeFile::State::kGone)
        description.hindrances.push_back(file->path + " cannot be read: its frames have no names");
      if (file->state.load() != targets::CodeFile::State::kReady) continue;
      for (const auto& runtime : file->runtimes) description.runtimes.push_back(describe(*known, *file, runtime));
    }
    result = std::move(description);
  });
  return result;
}

std::string Reader::describe(const targets::Process& process, const targets::CodeFile& file,
                             const targets::RuntimeFile& runtime) const {
  std::string text = fmt::format("{} {} in {}", runtime.name,
                                 runtime.full_version.empty() ? runtime.version : runtime.full_version, file.path);
  for (const targets::Runtime* known : runtimes_) {
    if (known->kind() == runtime.kind && !known->found_by().empty())
      text += fmt::format(", found by {}", known->found_by());
  }
  if (!runtime.supported) return text + "; this version cannot be walked";
  return process.runtimes[runtime.kind % GP_RUNTIME_SLOTS] != 0 ? text
                                                                : text + "; its memory could not be prepared for";
}

void Reader::hand_over_threads(const std::shared_ptr<SessionState>& state, std::span<const WalkedThread> threads) {
  call([&] {
    auto window = std::make_unique<Window>();
    window->start_ns = window->end_ns = monotonic_ns();
    window->last = true;
    for (const WalkedThread& thread : threads) add_thread(*window, thread);
    window->recording.seal();
    window->settle_quality(unreadable_);
    window->recording.take_late_names(code_);
    perf_maps_.give_to(window->recording);
    thread_names_.give_to(window->recording);
    const int64_t now = wall_ns();
    ++state->closing;
    hooks_.closed({.session = state, .window = std::move(window), .start_unix_ns = now, .end_unix_ns = now});
  });
}

void Reader::add_thread(Window& window, const WalkedThread& thread) {
  const targets::LiveDone& done = thread.done;
  gp_sample header{};
  header.time_ns = window.start_ns;
  header.start_ticks = done.process.start_ticks;
  header.pid = static_cast<uint32_t>(done.process.pid);
  header.tid = static_cast<uint32_t>(done.tid);
  header.thread_pointer = thread.state.thread_pointer;
  std::ranges::copy(thread.state.comm, header.comm);
  const size_t kernel = std::min<size_t>(thread.state.kernel_frames, GP_MAX_KERNEL_FRAMES);
  ++window.counts.taken;
  window.recording.add(
      {.header = &header,
       .weight_ns = 1,
       .frames = done.frames,
       .kernel = {reinterpret_cast<const uint64_t*>(thread.state.kernel), kernel},
       .end = walk_end(done.end),
       .guessed = done.guessed,
       .program = program_of(header),
       .code = &code_},
      [this](uint32_t slot) -> const std::shared_ptr<targets::CodeFile>& { return targets_.file_in_slot(slot); });
}

}  // namespace gp::session
