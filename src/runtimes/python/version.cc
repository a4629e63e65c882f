#include "runtimes/python/version.h"

#include <fmt/format.h>

#include <charconv>

namespace gp::runtimes::python {

std::string Version::text() const { return number == 0 ? "?" : fmt::format("{}.{}", number >> 8U, number & 0xffU); }

Version version_in_name(std::string_view name) {
  constexpr std::string_view kPython = "python";
  const auto at = name.rfind(kPython);
  if (at == std::string_view::npos) return {};
  const char* end = name.data() + name.size();
  uint8_t major = 0;
  uint8_t minor = 0;
  const auto first = std::from_chars(name.data() + at + kPython.size(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return {};
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc()) return {};
  return {static_cast<uint16_t>(major << 8U | minor)};
}

Version find_version(const elf::Image& image, const Symbols& symbols, std::string_view path) {
  if (symbols.version) {
    // PY_VERSION_HEX: major, minor, micro, level (Include/patchlevel.h), as an unsigned long.
    const auto hex = read_at<uint64_t>(image.bytes_at(symbols.version->address), 0);
    if (hex && *hex >> 32U == 0) return {static_cast<uint16_t>(*hex >> 16U)};
  }
  const Version own = version_in_name(image.soname());
  return own.number != 0 ? own : version_in_name(path);
}

}  // namespace gp::runtimes::python
