// Bytes of a perf ring: positions from the first two bytes, then the data area, then records one by one.
#include <bit>
#include <vector>

#include "base/check.h"
#include "os/perf_record.h"

namespace {

// A text must lie within bytes that are still there: touching all of it lets the sanitizer say.
size_t touch(std::string_view text) {
  size_t sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  return sum;
}

void look_at(const gp::os::SidebandEvent& event) {
  size_t sum = 0;
  if (const auto* mmap = std::get_if<gp::os::MmapEvent>(&event.body)) sum += touch(mmap->path);
  if (const auto* comm = std::get_if<gp::os::CommEvent>(&event.body)) sum += touch(comm->name);
  GP_CHECK(sum < SIZE_MAX);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint64_t tail = uint64_t{data[0]} * 8;
  const uint64_t pending = uint64_t{data[1]} * 8;
  const gp::Bytes rest(data + 2, size - 2);
  if (const auto event = gp::os::decode_sideband(rest)) look_at(*event);
  std::vector<uint8_t> ring(rest.begin(), rest.end());
  ring.resize(std::bit_ceil(ring.size()));
  const auto count = gp::os::drain_records(ring, tail, tail + pending, look_at);
  GP_CHECK(count.events + count.ignored <= pending / 8);
  return 0;
}
