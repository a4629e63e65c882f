// The reader: what comes out of the ring.
#include <algorithm>
#include <cstring>

#include "session/reader.h"
#include "session/sample_record.h"

namespace gp::session {
namespace {

constexpr uint64_t kPerfMapNs = 500'000'000;                         // between two looks for a process' perf map
constexpr uint32_t kSessionBits = (1U << GP_SAMPLE_BANK_SHIFT) - 1;  // of gp_sample.sessions

ProcessKey key_of(const gp_sample& header) {
  return {.pid = static_cast<int32_t>(header.pid), .start_ticks = header.start_ticks};
}

}  // namespace

void Reader::on_record(Bytes record) {
  const auto header = read_at<gp_record_header>(record, 0);
  if (!header || header->size > record.size()) {
    ++unreadable_;
    return;
  }
  switch (header->type) {
    case GP_RECORD_SAMPLE: on_sample(record); break;
    case GP_RECORD_STACK_COPY: on_copy(record); break;
    case GP_RECORD_SYMBOL: on_symbol(record); break;
    default: ++unreadable_;
  }
}

void Reader::on_copy(Bytes record) {
  const auto header = read_at<gp_stack_copy>(record, 0);
  if (!header || sizeof(*header) + header->bytes > record.size()) return;
  Copy& copy = copies_[header->cpu];
  if (!copy.stack.empty() && copy.sequence == header->sequence) {
    copy.other.assign(record.begin(), record.end());
    return;
  }
  copy.sequence = header->sequence;
  copy.stack.assign(record.begin(), record.end());
  copy.other.clear();
}

void Reader::on_symbol(Bytes record) {
  const auto header = read_at<gp_symbol>(record, 0);
  if (!header) return;
  const ProcessKey process{.pid = static_cast<int32_t>(header->pid), .start_ticks = header->start_ticks};
  for (const targets::Runtime* runtime : runtimes_) {
    if (runtime->kind() != header->runtime) continue;
    if (auto symbol = runtime->decode(record, nullptr)) {
      symbol->kind = header->runtime;
      if (wants_packages_) find_package(process, *runtime, *symbol);
      code_.add({.process = process, .runtime = header->runtime, .cookie = header->cookie, .object = header->object},
                std::move(*symbol));
    }
  }
}

void Reader::find_package(ProcessKey process, const targets::Runtime& runtime, targets::CodeSymbol& symbol) {
  const targets::Process* known = targets_.find(process);
  if (known != nullptr) symbol.packages = packages_.names_of(*known->program, runtime, symbol.file);
}

void Reader::on_sample(Bytes record) {
  const auto sample = parse_sample(record);
  if (!sample) {
    ++unreadable_;
    return;
  }
  const gp_sample& header = sample->header;
  // What its process did before it was taken has to be known: fork, exec, mappings.
  if (header.time_ns > heard_ns_) drain_sideband();
  const uint32_t sessions = wanted_sessions(header);
  if (sessions == 0) return;
  gp_sample accepted = header;
  accepted.sessions = sessions;
  if (header.miss != 0 && defer(accepted, record)) return;
  add_walked(accepted, as_mapped_then(header, sample->frames), sample->kernel,
             {.end = static_cast<gp_walk_end>(header.end),
              .guessed = (header.flags & GP_SAMPLE_GUESSED) != 0,
              .program = program_of(header)});
}

// The frames of a sample, corrected where the walker's table was behind what the process had mapped.
std::span<const gp_frame> Reader::as_mapped_then(const gp_sample& header, std::span<const gp_frame> frames) {
  const targets::Process* process = targets_.find(key_of(header));
  if (process == nullptr || !process->replaced.concern(header.time_ns)) return frames;
  corrected_.assign(frames.begin(), frames.end());
  process->replaced.correct(header.time_ns, corrected_);
  return corrected_;
}

uint32_t Reader::wanted_sessions(const gp_sample& header) {
  // The kernel samples a process until its table says that nobody wants it.
  const uint32_t wanted = targets_.sessions_of(key_of(header));
  uint32_t sessions = header.sessions;
  for (const auto& session : sessions_) {
    const uint32_t bit = 1U << session->slot();
    if ((sessions & bit) == 0) continue;
    if ((wanted & bit) != 0) {
      session->state().samples.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    sessions &= ~bit;
    if (Window* window = session->window_of(header.sessions, header.time_ns, false)) ++window->unwanted;
  }
  return (sessions & kSessionBits) == 0 ? 0 : sessions;
}

bool Reader::defer(const gp_sample& header, Bytes record) {
  const targets::Process* process = header.end == GP_END_PAGE_MISSING
                                        ? targets_.find(key_of(header))
                                        : targets_.look_again(key_of(header), header.miss, header.time_ns);
  const auto run = process != nullptr ? process->run_at(header.time_ns) : nullptr;
  if (!run) return false;
  const auto copy = copies_.find(header.cpu);
  if ((header.flags & GP_SAMPLE_HAS_COPY) == 0 || copy == copies_.end() || copy->second.stack.empty() ||
      copy->second.sequence != header.sequence) {
    request_missing(header);
    return false;
  }
  const bool past = process->past_at(header.time_ns) != nullptr;  // of a program it does not run any more
  std::vector<uint8_t> sample(record.begin(), record.end());
  std::memcpy(sample.data(), &header, sizeof(header));
  process->replaced.correct(header.time_ns,
                            {reinterpret_cast<gp_frame*>(sample.data() + sizeof(header)), size_t{header.user_frames}});
  if (!loader_->post(
          targets::DeferredSample{.sample = std::move(sample),
                                  .copy = std::exchange(copy->second.stack, {}),
                                  .other = std::exchange(copy->second.other, {}),
                                  .run = run,
                                  .files = targets_.files_of(*run),
                                  .runtimes = past ? std::vector<gp_runtime_entry>() : targets_.entries_of(*process),
                                  .program = process->program_at(header.time_ns)})) {
    return false;
  }
  for (const auto& session : sessions_) {
    if ((header.sessions >> session->slot() & 1U) == 0) continue;
    if (Window* window = session->window_of(header.sessions, header.time_ns, false)) ++window->waiting;
  }
  return true;
}

// Has the page of a miss loaded for the samples to come; this one cannot be finished.
void Reader::request_missing(const gp_sample& header) {
  const targets::Process* process = targets_.find(key_of(header));
  if (process == nullptr) return;
  const auto after = process->mappings.upper_bound(header.miss);
  if (after == process->mappings.begin()) return;
  const targets::Mapping& mapping = std::prev(after)->second;
  if (header.miss >= mapping.end || !mapping.file) return;
  loader_->post(targets::PageRequest{.file = mapping.file,
                                     .page = (header.miss - mapping.start + mapping.offset) >> GP_PAGE_SHIFT});
}

std::shared_ptr<const targets::Program> Reader::program_of(const gp_sample& header) {
  if (const targets::Process* process = targets_.find(key_of(header))) return process->program_at(header.time_ns);
  // It came and went unseen: what the sample itself says is all there is.
  auto program = std::make_shared<targets::Program>();
  program->key = key_of(header);
  program->comm.assign(header.comm, ::strnlen(header.comm, sizeof(header.comm)));
  return program;
}

void Reader::add_walked(const gp_sample& header, std::span<const gp_frame> frames, std::span<const uint64_t> kernel,
                        Walk walk) {
  touch_pages(frames, header.time_ns);
  WalkedSample sample{.header = &header,
                      .frames = frames,
                      .kernel = kernel,
                      .end = walk_end(walk.end),
                      .guessed = walk.guessed,
                      .deferred = walk.deferred,
                      .program = std::move(walk.program),
                      .code = &code_,
                      .budget_bytes = recording_budget_};
  for (const auto& session : sessions_) {
    if ((header.sessions >> session->slot() & 1U) == 0) continue;
    Window* window = session->window_of(header.sessions, header.time_ns, walk.deferred);
    if (window == nullptr) continue;
    if (walk.deferred && window->waiting > 0) --window->waiting;
    sample.weight_ns = std::max<uint64_t>(session->period_ns(), header.tick_ns);
    window->recording.add(sample, [this](uint32_t slot) -> const std::shared_ptr<targets::CodeFile>& {
      return targets_.file_in_slot(slot);
    });
  }
  ask_for_name(header);
  ask_for_more(header, frames);
}

// Its runtimes may have a name for the sample's thread.
void Reader::ask_for_name(const gp_sample& header) {
  const targets::Process* process = targets_.find(key_of(header));
  const auto knows = [process](const targets::Runtime* runtime) {
    return runtime->names_threads() && process->runtimes[runtime->kind() % GP_RUNTIME_SLOTS] != 0;
  };
  if (process == nullptr || std::ranges::none_of(runtimes_, knows)) return;
  auto request =
      thread_names_.meet(process->key, static_cast<int32_t>(header.tid), header.thread_pointer, header.time_ns);
  if (!request) return;
  request->runtimes = targets_.entries_of(*process);
  loader_->post(std::move(*request));
}

// What this stack lacked, for the next ones.
void Reader::ask_for_more(const gp_sample& header, std::span<const gp_frame> frames) {
  const auto unprepared = [](const gp_frame& frame) {
    return frame.kind == GP_FRAME_END && frame.value == GP_END_RUNTIME_NOT_LOADED;
  };
  const auto generated = [](const gp_frame& frame) { return frame.kind == GP_FRAME_JIT; };
  const bool attach = std::ranges::any_of(frames, unprepared);
  const bool jit = std::ranges::any_of(frames, generated);
  if (!attach && !jit) return;
  targets::Process* process = targets_.find(key_of(header));
  if (process == nullptr) return;
  if (attach) targets_.retry_attach(*process, header.time_ns);
  if (jit && header.time_ns > process->perf_map_ns + kPerfMapNs && process->perf_map_ns != UINT64_MAX) {
    process->perf_map_ns = header.time_ns;
    loader_->post(targets::PerfMapRequest{.process = process->key});
  }
}

// Tells the row pool which pages are in use.
void Reader::touch_pages(std::span<const gp_frame> frames, uint64_t time_ns) {
  auto& tables = sampler_->tables();
  const auto now_ms = static_cast<uint32_t>(time_ns / 1'000'000);
  for (const gp_frame& frame : frames) {
    if (frame.kind != GP_FRAME_NATIVE || frame.extra >= tables.files.size()) continue;
    const gp_file& file = tables.files[frame.extra];
    const uint64_t page = (frame.value >> GP_PAGE_SHIFT) - file.page_base;
    if (page >= file.page_count || file.page_first + page >= tables.page_used_ms.size()) continue;
    tables.page_used_ms[file.page_first + page].store(now_ms, std::memory_order_relaxed);
  }
}

}  // namespace gp::session
