// Records of the kernel's ring into a recording: samples of any counts, kinds and ends.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "session/recording.h"
#include "session/sample_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const auto program = std::make_shared<gp::targets::Program>();
  std::shared_ptr<gp::targets::CodeFile> none;
  const auto some = std::make_shared<gp::targets::CodeFile>();
  const auto find = [&](uint32_t slot) -> const std::shared_ptr<gp::targets::CodeFile>& {
    return slot % 2 == 0 ? none : some;
  };
  gp::session::CodeTable code;
  gp::session::Recording recording;
  uint64_t samples = 0;
  // The first byte cuts the rest into records; each lies in memory of its own, as aligned as in the ring.
  const size_t step = std::max<size_t>(data[0], 1) * 8;
  for (size_t at = 1; at < size; at += step) {
    const std::vector<uint8_t> record(data + at, data + std::min(at + step, size));
    const auto parsed = gp::session::parse_sample(record);
    if (!parsed) continue;
    const auto end = parsed->header.end % static_cast<unsigned>(gp::profile::WalkEnd::kCount);
    gp::session::WalkedSample sample;
    sample.header = &parsed->header;
    sample.frames = parsed->frames;
    sample.kernel = parsed->kernel;
    sample.end = static_cast<gp::profile::WalkEnd>(end);
    sample.program = program;
    sample.code = &code;
    recording.add(sample, find);
    ++samples;
    for (const gp_frame& frame : parsed->pending) {
      code.add({.process = {}, .runtime = frame.extra, .cookie = frame.cookie, .object = GP_CODE_OBJECT(frame.value)},
               {});
    }
  }
  GP_CHECK(recording.quality().reported() == samples);
  return 0;
}
