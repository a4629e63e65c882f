#include "runtimes/python/version.h"

#include <fmt/format.h>

#include <algorithm>
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

namespace {

// PY_VERSION_HEX (Include/patchlevel.h): major, minor, micro, level and serial, as an unsigned long.
std::string version_text(uint64_t hex) {
  std::string text = fmt::format("{}.{}.{}", hex >> 24U & 0xffU, hex >> 16U & 0xffU, hex >> 8U & 0xffU);
  const uint64_t level = hex >> 4U & 0xfU;
  if (level == 0xa) text += fmt::format("a{}", hex & 0xfU);
  if (level == 0xb) text += fmt::format("b{}", hex & 0xfU);
  if (level == 0xc) text += fmt::format("rc{}", hex & 0xfU);
  return text;
}

// The strings of `data` that are, or end in, `prefix` and the rest of a version (digits, letters, "+"): linkers lay a short
// string into the end of a longer one. Empty when they do not agree.
std::string version_in(std::string_view data, const std::string& prefix) {
  constexpr size_t kLongest = 16;
  const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '+'; };
  std::string found;
  for (size_t at = data.find(prefix); at != std::string_view::npos; at = data.find(prefix, at + 1)) {
    const size_t end = data.find('\0', at);
    if (end == std::string_view::npos || end - at > kLongest || end - at <= prefix.size()) continue;
    const std::string_view rest = data.substr(at + prefix.size(), end - at - prefix.size());
    const char before = at > 0 ? data[at - 1] : '\0';
    if (before == '.' || (before >= '0' && before <= '9') || rest[0] < '0' || rest[0] > '9') continue;
    if (!std::ranges::all_of(rest, fits)) continue;
    if (!found.empty() && found != data.substr(at, end - at)) return {};
    found = data.substr(at, end - at);
  }
  return found;
}

}  // namespace

std::string find_full_version(const elf::Image& image, const Symbols& symbols, Version version) {
  if (symbols.version) {
    const auto hex = read_at<uint64_t>(image.bytes_at(symbols.version->address), 0);
    if (hex && *hex >> 32U == 0) return version_text(*hex);
  }
  const auto* constants = image.section(".rodata");
  if (version.number == 0 || constants == nullptr) return {};
  const Bytes bytes = image.raw(*constants);
  return version_in({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, version.text() + ".");
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
