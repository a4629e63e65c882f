#include "runtimes/pcre/pcre_runtime.h"

#include <algorithm>

#include "bpf/abi/pcre.h"
#include "runtimes/pcre/call_scan.h"

namespace gp::runtimes::pcre {

std::optional<targets::RuntimeFile> PcreRuntime::detect(const elf::Image& image, std::string_view /*path*/) const {
  const auto sites = find_sites(image);
  if (!sites) return std::nullopt;
  targets::RuntimeFile file;
  file.version = "2";
  file.supported = !sites->empty() && sites->size() <= GP_PCRE_SITES;  // else no call is known for what it is
  if (file.supported) std::ranges::copy(*sites, file.state.begin());
  return file;
}

Result<gp_runtime_entry> PcreRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& /*memory*/,
                                             uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, "pcre 2");
  gp_pcre layout{};
  for (size_t i = 0; i < GP_PCRE_SITES; ++i)
    if (file.state[i].value != 0) layout.sites[i] = file.state[i].value + bias;
  return targets::entry_with(kind(), layout);
}

}  // namespace gp::runtimes::pcre
