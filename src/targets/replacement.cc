#include "targets/replacement.h"

#include <algorithm>

namespace gp::targets {
namespace {

bool concerns(const Replacement& one, uint64_t time_ns) {
  return time_ns >= one.begun_ns && (one.shown_ns == 0 || time_ns <= one.shown_ns);
}

}  // namespace

void Replacements::note(const MappingTable& table, const Mapping& mapping, uint64_t time_ns) {
  if (!mapping.file) return;
  auto under = table.upper_bound(mapping.start);
  if (under != table.begin()) --under;
  for (; under != table.end() && under->second.start < mapping.end; ++under) {
    const Mapping& old = under->second;
    if (old.end <= mapping.start || !old.file || old.file == mapping.file) continue;
    const uint64_t start = std::max(old.start, mapping.start);
    if (list_.size() >= kKept) list_.erase(list_.begin());
    list_.push_back({.begun_ns = time_ns,
                     .shown_ns = 0,
                     .start = start,
                     .size = std::min(old.end, mapping.end) - start,
                     .old_file = old.file->slot,
                     .old_offset = old.offset + (start - old.start),
                     .new_file = mapping.file->slot,
                     .new_offset = mapping.offset + (start - mapping.start)});
  }
}

void Replacements::shown(uint64_t now_ns) {
  for (Replacement& one : list_) {
    if (one.shown_ns == 0) one.shown_ns = now_ns;
  }
}

bool Replacements::concern(uint64_t time_ns) const {
  return std::ranges::any_of(list_, [time_ns](const Replacement& one) { return concerns(one, time_ns); });
}

// In the order they came: what took the place of a mapping may itself have been replaced before the table showed either.
void Replacements::correct(uint64_t time_ns, std::span<gp_frame> frames) const {
  for (gp_frame& frame : frames) {
    if (frame.kind != GP_FRAME_NATIVE) continue;
    const uint64_t back = (frame.flags & GP_FRAME_RETURN_ADDRESS) != 0 ? 1 : 0;
    for (const Replacement& one : list_) {
      if (!concerns(one, time_ns) || frame.extra != one.old_file || frame.value - back - one.old_offset >= one.size) {
        continue;
      }
      frame.extra = one.new_file;
      frame.value += one.new_offset - one.old_offset;
    }
  }
}

std::optional<std::vector<gp_mapping>> Replacements::before(uint64_t time_ns, std::span<const gp_mapping> now) const {
  if (list_.empty() || list_.back().begun_ns <= time_ns) return std::nullopt;
  std::vector<gp_mapping> then(now.begin(), now.end());
  for (auto one = list_.rbegin(); one != list_.rend() && one->begun_ns > time_ns; ++one) {
    for (gp_mapping& mapping : then) {
      if (mapping.file != one->new_file || mapping.start < one->start || mapping.end > one->start + one->size) continue;
      mapping.file = one->old_file;
      mapping.offset = one->old_offset + (mapping.start - one->start);
    }
  }
  return then;
}

}  // namespace gp::targets
