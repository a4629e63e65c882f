#include "targets/deferred_walk.h"

#include <algorithm>
#include <cstring>

namespace gp::targets {

DeferredWalk::DeferredWalk(const DeferredSample& request) {
  std::memcpy(&sample, request.sample.data(), sizeof(sample));
  std::memcpy(&copy, request.copy.data(), sizeof(copy));
  gp_stack_copy other{};
  if (request.other.size() >= sizeof(other)) std::memcpy(&other, request.other.data(), sizeof(other));
  const auto* frames = reinterpret_cast<const gp_frame*>(request.sample.data() + sizeof(sample));
  stack = {
      .registers = copy.registers,
      .thread_pointer = copy.thread_pointer,
      .base = copy.base,
      .stack = Bytes(request.copy).subspan(sizeof(copy), copy.bytes),
      .other_base = other.base,
      .other = other.bytes > 0 ? Bytes(request.other).subspan(sizeof(other), other.bytes) : Bytes(),
      .mappings = request.run->mappings,
      .pid = sample.pid,
      .runtimes = request.runtimes,
      .before = {frames, size_t{sample.user_frames} - sample.pending_frames},
      .pending = {frames + (sample.user_frames - sample.pending_frames), sample.pending_frames},
  };
}

DeferredDone DeferredWalk::done(const walk::WalkedStack& walked, DeferredSample request) const {
  // Past a full copy the stack goes on, it only was not taken.
  const bool copy_ended = walked.end == GP_END_STACK_READ && copy.bytes == GP_STACK_COPY_SIZE;
  return {.sample = std::move(request.sample),
          .frames = {walked.frames.begin(), walked.frames.end()},
          .end = copy_ended ? GP_END_DEPTH : walked.end,
          .guessed = walked.guessed || (sample.flags & GP_SAMPLE_GUESSED) != 0,
          .program = std::move(request.program)};
}

std::optional<FilePage> page_at(const MappingRun& run, std::span<const std::shared_ptr<CodeFile>> files,
                                uint64_t address) {
  const auto& mappings = run.mappings;
  const auto after = std::ranges::upper_bound(mappings, address, {}, &gp_mapping::start);
  if (after == mappings.begin()) return std::nullopt;
  const gp_mapping& mapping = *std::prev(after);
  if (address >= mapping.end || mapping.file == GP_NO_FILE) return std::nullopt;
  const auto file = std::ranges::find(files, mapping.file, &CodeFile::slot);
  if (file == files.end()) return std::nullopt;
  return FilePage{.file = *file, .page = (address - mapping.start + mapping.offset) >> GP_PAGE_SHIFT};
}

}  // namespace gp::targets
