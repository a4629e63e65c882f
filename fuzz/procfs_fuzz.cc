// Every parser of a /proc text over the same bytes; the maps parser also cut in two anywhere.
#include "base/check.h"
#include "os/host.h"
#include "os/proc_maps.h"
#include "os/proc_text.h"

namespace {

gp::os::MapsScan scan_in_two(std::string_view text, size_t cut) {
  uint64_t entries = 0;
  gp::os::MapsParser parser([&](const gp::os::MapsEntry& entry) {
    GP_CHECK(entry.start < entry.end);
    GP_CHECK(entry.path.find('\n') == std::string_view::npos);
    ++entries;
    return true;
  });
  parser.feed(text.substr(0, cut));
  parser.feed(text.substr(cut));
  GP_CHECK(entries == parser.scan().entries);
  return parser.scan();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto stat = gp::os::parse_stat(text)) GP_CHECK(stat->comm.size() < size);
  if (const auto status = gp::os::parse_status(text)) GP_CHECK(status->namespace_pids.size() <= 33);
  const std::string container = gp::os::parse_container_id(text);
  GP_CHECK(container.empty() || container.size() == 64);
  if (const auto cpus = gp::os::parse_cpu_list(text)) GP_CHECK(cpus->size() <= 65536);
  GP_CHECK(gp::os::parse_cpu_idle(text).size() <= size);
  if (const auto release = gp::os::parse_kernel_release(text)) GP_CHECK(release->suffix.size() < size);
  GP_CHECK(gp::os::parse_lockdown(text).size() <= size + 4);
  const auto whole = scan_in_two(text, 0);
  const auto halves = scan_in_two(text, size == 0 ? 0 : data[0] % size);
  GP_CHECK(whole.entries == halves.entries && whole.malformed == halves.malformed);
  return 0;
}
