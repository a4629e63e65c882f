#include "session/sample_record.h"

namespace gp::session {

std::optional<SampleRecord> parse_sample(Bytes record) {
  const auto header = read_at<gp_sample>(record, 0);
  if (!header || header->pending_frames > header->user_frames) return std::nullopt;
  const size_t frame_bytes = header->user_frames * sizeof(gp_frame);
  if (!slice(record, sizeof(*header), frame_bytes + header->kernel_frames * sizeof(uint64_t))) return std::nullopt;
  const auto* frames = reinterpret_cast<const gp_frame*>(record.data() + sizeof(*header));
  const auto* kernel = reinterpret_cast<const uint64_t*>(record.data() + sizeof(*header) + frame_bytes);
  const size_t in_order = header->user_frames - header->pending_frames;
  return SampleRecord{.header = *header,
                      .frames = {frames, in_order},
                      .pending = {frames + in_order, header->pending_frames},
                      .kernel = {kernel, header->kernel_frames}};
}

profile::WalkEnd walk_end(gp_walk_end end) {
  using profile::WalkEnd;
  switch (end) {
    case GP_END_ROOT:
    case GP_END_KERNEL_THREAD: return WalkEnd::kRoot;
    case GP_END_DEPTH: return WalkEnd::kTruncated;
    case GP_END_STACK_READ:
    case GP_END_RUNTIME_READ: return WalkEnd::kUnreadable;
    case GP_END_NO_MAPPING: return WalkEnd::kNoMapping;
    case GP_END_NO_PROCESS: return WalkEnd::kProcessGone;
    case GP_END_IN_EXEC: return WalkEnd::kInExec;
    case GP_END_COMPAT32: return WalkEnd::kCompat32;
    case GP_END_PAGE_MISSING: return WalkEnd::kNotLoaded;
    case GP_END_RUNTIME_NOT_LOADED: return WalkEnd::kRuntimeNotLoaded;
    default: return WalkEnd::kNoUnwindInfo;
  }
}

}  // namespace gp::session
