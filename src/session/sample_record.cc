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

}  // namespace gp::session
