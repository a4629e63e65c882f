#include "session/recording.h"

#include <fmt/format.h>

#include <cstring>

namespace gp::session {
namespace {

constexpr size_t kMapNodeBytes = 80;   // of std::map with small keys: links, key, value, the allocator's own
constexpr size_t kHashNodeBytes = 40;  // of std::unordered_map with small keys: a node and its part of the buckets
constexpr size_t kMaxPerfMaps = 256;   // descriptors held until the window closes

std::string runtime_text(uint32_t runtime, std::string_view what) {
  return fmt::format("[{}: {}]", frame_kind_name(frame_kind_of(runtime)), what);
}

}  // namespace

profile::FrameKind frame_kind_of(uint32_t runtime) {
  switch (runtime) {
    case GP_RUNTIME_PYTHON: return profile::FrameKind::kPython;
    case GP_RUNTIME_RUBY: return profile::FrameKind::kRuby;
    case GP_RUNTIME_PHP: return profile::FrameKind::kPhp;
    case GP_RUNTIME_PERL: return profile::FrameKind::kPerl;
    case GP_RUNTIME_LUA:
    case GP_RUNTIME_LUAJIT: return profile::FrameKind::kLua;
    default: return profile::FrameKind::kMarker;
  }
}

void Recording::take_late_names(const CodeTable& code) {
  for (const auto& [key, index] : code_ids_) {
    if (code_[index]->name_known) continue;
    if (auto symbol = code.find(key)) code_[index] = std::move(symbol);
  }
}

void Recording::seal() {
  trie_.seal();
  trails_ = {};
}

void Recording::keep_perf_map(ProcessKey process, int32_t namespace_pid, os::UniqueFd fd) {
  if (perf_maps_.size() < kMaxPerfMaps) perf_maps_[process] = {.namespace_pid = namespace_pid, .fd = std::move(fd)};
}

uint32_t Recording::program_index(const std::shared_ptr<const targets::Program>& program) {
  const auto [place, added] = program_ids_.try_emplace(program.get(), static_cast<uint32_t>(programs_.size()));
  if (added) programs_.push_back(program);
  return place->second;
}

uint32_t Recording::thread_index(uint32_t program, const gp_sample& header) {
  const auto tid = static_cast<int32_t>(header.tid);
  const auto [place, added] = thread_ids_.try_emplace({program, tid}, static_cast<uint32_t>(threads_.size()));
  if (added) threads_.push_back({.program = program, .tid = tid, .name = {}});
  // A thread may be renamed: the last name is the one it is known by.
  Thread& thread = threads_[place->second];
  const std::string_view name(header.comm, ::strnlen(header.comm, sizeof(header.comm)));
  if (thread.name != name) thread.name = name;
  return place->second;
}

uint32_t Recording::file_index(const std::shared_ptr<targets::CodeFile>& file) {
  const auto [place, added] = file_ids_.try_emplace(file.get(), static_cast<uint32_t>(files_.size()));
  if (added) files_.push_back(file);
  return place->second;
}

// The same for all processes that share it, but for symbols without a name: each may still get one of its own.
uint32_t Recording::symbol_index(std::shared_ptr<const targets::CodeSymbol> symbol) {
  const auto index = static_cast<uint32_t>(code_.size());
  if (symbol->name_known) {
    const auto [known, added] = symbol_ids_.try_emplace(symbol.get(), index);
    if (!added) return known->second;
  }
  code_bytes_ += session::memory_bytes(*symbol);
  code_.push_back(std::move(symbol));
  return index;
}

uint32_t Recording::text_index(std::string_view text) {
  const auto known = text_ids_.find(text);
  if (known != text_ids_.end()) return known->second;
  texts_.emplace_back(text);
  const auto index = static_cast<uint32_t>(texts_.size() - 1);
  text_ids_.emplace(text, index);
  return index;
}

profile::RawFrame Recording::marker(std::string_view text) {
  return {.value = 0, .owner = text_index(text), .kind = profile::RawFrameKind::kMarker, .return_address = false};
}

Recording::Trail& Recording::trail_of(uint32_t thread, profile::WalkEnd end) {
  Trail& trail = trails_[thread % kTrails];
  if (trail.thread != thread || trail.end != end) {
    trail.thread = thread;
    trail.end = end;
    trail.steps.clear();
  }
  return trail;
}

profile::RawFrame Recording::raw_frame(const WalkedSample& sample, const gp_frame& frame, uint32_t program,
                                       const std::shared_ptr<targets::CodeFile>* file) {
  using profile::RawFrameKind;
  const bool is_return = (frame.flags & GP_FRAME_RETURN_ADDRESS) != 0;
  switch (frame.kind) {
    case GP_FRAME_NATIVE:
      if (file == nullptr || !*file) return marker("[unknown file]");
      return {
          .value = frame.value, .owner = file_index(*file), .kind = RawFrameKind::kFile, .return_address = is_return};
    case GP_FRAME_JIT:
      return {.value = frame.value, .owner = program, .kind = RawFrameKind::kJit, .return_address = is_return};
    case GP_FRAME_END: return gap(sample, frame);
    case GP_FRAME_NOTE: return note(frame);
    default: return interpreted(sample, frame);
  }
}

profile::RawFrame Recording::interpreted(const WalkedSample& sample, const gp_frame& frame) {
  const CodeKey key{
      .process = {.pid = static_cast<int32_t>(sample.header->pid), .start_ticks = sample.header->start_ticks},
      .runtime = static_cast<uint32_t>(frame.kind) - GP_FRAME_CODE(GP_RUNTIME_NONE),
      .cookie = GP_CODE_COOKIE(frame.value, frame.cookie),
      .object = GP_CODE_OBJECT(frame.value)};
  auto known = code_ids_.find(key);
  if (known == code_ids_.end()) {
    auto symbol = sample.code == nullptr ? nullptr : sample.code->find(key);
    if (!symbol) return marker(runtime_text(key.runtime, "unnamed code"));
    known = code_ids_.emplace(key, symbol_index(std::move(symbol))).first;
  }
  return {.value = frame.extra, .owner = known->second, .kind = profile::RawFrameKind::kCode, .return_address = false};
}

std::string_view Recording::root_marker(const WalkedSample& sample) {
  const bool gap_inside = sample.end == profile::WalkEnd::kNoUnwindInfo && !sample.frames.empty() &&
                          sample.frames.back().kind != GP_FRAME_NATIVE && sample.frames.back().kind != GP_FRAME_JIT;
  return gap_inside ? std::string_view() : profile::walk_end_marker(sample.end);
}

// What a runtime is doing in its native frames.
profile::RawFrame Recording::note(const gp_frame& frame) {
  if (frame.value == GP_NOTE_COMPILED)
    return marker(frame.extra == GP_RUNTIME_PCRE ? std::string("[pcre: compiled pattern]")
                                                 : runtime_text(frame.extra, "compiled code"));
  return marker(runtime_text(frame.extra, frame.value == GP_NOTE_GARBAGE ? "collects garbage" : "busy"));
}

// A part of the stack that could not be walked.
profile::RawFrame Recording::gap(const WalkedSample& sample, const gp_frame& frame) {
  if (frame.value == GP_END_NO_RULE) return marker(walk_end_marker(profile::WalkEnd::kNoUnwindInfo));
  if (frame.value == GP_END_RUNTIME_READ) return marker(runtime_text(frame.extra, "unreadable"));
  const auto* runtime = sample.program->runtime(frame.extra);
  if (runtime != nullptr && !runtime->supported) return marker(fmt::format("[{}: not supported]", runtime->text));
  return marker(runtime_text(frame.extra, "not loaded yet"));
}

void Recording::count(const WalkedSample& sample) {
  if (sample.end == profile::WalkEnd::kRoot) {
    ++(sample.guessed ? quality_.guessed : quality_.whole);
  } else {
    ++(sample.frames.empty() ? quality_.unwalked : quality_.truncated);
    ++quality_.ends[static_cast<size_t>(sample.end)];
  }
  if (sample.deferred) ++quality_.deferred;
}

size_t Recording::memory_bytes() const {
  return trie_.memory_bytes() + weights_.size() * kHashNodeBytes + threads_.size() * (sizeof(Thread) + kMapNodeBytes) +
         code_ids_.size() * kMapNodeBytes + symbol_ids_.size() * kHashNodeBytes + code_bytes_;
}

}  // namespace gp::session
