#include "runtimes/php/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace gp::runtimes::php {
namespace {

constexpr std::string_view kHeader = "X-Powered-By: PHP/";

struct Found {
  std::optional<Symbol> loop;
  std::optional<Symbol> loop_cold;
  std::optional<Symbol> frameless;
  std::optional<Symbol> globals;
  std::optional<Symbol> globals_offset;
  std::optional<Symbol> is_executing;
};

void note(Found& found, std::string_view name, const Symbol& symbol) {
  // GCC splits a function into NAME and NAME.cold. Of two symbols of one name the first is kept: .dynsym comes first.
  if (name == "execute_ex") {
    if (!found.loop) found.loop = symbol;
  } else if (name.starts_with("execute_ex.cold")) {
    if (!found.loop_cold || found.loop_cold->size < symbol.size) found.loop_cold = symbol;
  } else if (name == "zend_flf_functions") {
    if (!found.frameless) found.frameless = symbol;
  } else if (name == "executor_globals") {
    if (!found.globals) found.globals = symbol;
  } else if (name == "executor_globals_offset") {
    if (!found.globals_offset) found.globals_offset = symbol;
  } else if (name == "zend_is_executing") {
    if (!found.is_executing) found.is_executing = symbol;
  }
}

void read(const elf::Image& image, SymbolSection section, Found& found) {
  constexpr std::array<std::string_view, 2> kStarts = {"exec", "zend"};
  each_symbol(image, section, kStarts,
              [&found](std::string_view name, const Symbol& symbol) { note(found, name, symbol); });
}

}  // namespace

std::optional<Engine> find_engine(const elf::Image& image) {
  Found found;
  read(image, SymbolSection::kDynamic, found);
  if (!found.loop || found.loop->size == 0) return std::nullopt;
  read(image, SymbolSection::kFull, found);
  return Engine{*found.loop, found.loop_cold, found.frameless, found.globals, found.globals_offset, found.is_executing};
}

std::string Version::text() const { return number == 0 ? "?" : fmt::format("{}.{}", number >> 8U, number & 0xffU); }

Version parse_version(Bytes header) {
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  if (!text.starts_with(kHeader)) return {};
  const char* end = text.data() + text.size();
  uint8_t major = 0;
  uint8_t minor = 0;
  const auto first = std::from_chars(text.data() + kHeader.size(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return {};
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc()) return {};
  return {static_cast<uint16_t>(major << 8U | minor)};
}

Version find_version(const elf::Image& image) {
  const auto* constants = image.section(".rodata");
  if (constants == nullptr) return {};
  const Bytes bytes = image.raw(*constants);
  const auto found = std::ranges::search(bytes, kHeader);
  return parse_version(bytes.subspan(static_cast<size_t>(found.begin() - bytes.begin())));
}

}  // namespace gp::runtimes::php
