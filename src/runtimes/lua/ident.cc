#include "runtimes/lua/ident.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtimes/symbols.h"

namespace gp::runtimes::lua {
namespace {

constexpr std::array<std::string_view, 2> kNotices = {"$LuaVersion: Lua ", "$Lua: Lua "};
constexpr uint64_t kMaxConstants = 8U << 20U;  // of programs that are searched for the notice

}  // namespace

std::optional<Version> parse_ident(Bytes ident) {
  const std::string_view text(reinterpret_cast<const char*>(ident.data()), ident.size());
  for (const auto notice : kNotices) {
    if (!text.starts_with(notice)) continue;
    const std::string_view release = text.substr(notice.size(), 5);  // "5.4.4"
    if (release.size() != 5 || release[1] != '.' || release[3] != '.') return Version{0, 0, "?"};
    const std::string_view digits{"0123456789"};
    for (const size_t at : {0U, 2U, 4U})
      if (digits.find(release[at]) == std::string_view::npos) return Version{0, 0, "?"};
    const auto number = static_cast<uint16_t>((release[0] - '0') << 8U | (release[2] - '0'));
    // Before 5.3.3 a call from C is not marked as later (lstate.h: CIST_REENTRY, CIST_FRESH).
    // Of 5.2 the last one was looked at.
    const bool is_alike = number == 0x503 ? release[4] >= '3' : number != 0x502 || release[4] == '4';
    if (!is_alike) return Version{0, release[4], std::string(release)};
    return Version{number, release[4], std::string(release.substr(0, 3))};
  }
  return std::nullopt;
}

bool defines_any(const elf::Image& image, std::span<const std::string_view> names) {
  constexpr std::array<std::string_view, 1> kStarts = {"lua"};
  bool found = false;
  for (const auto section : {SymbolSection::kDynamic, SymbolSection::kFull})
    each_symbol(image, section, kStarts, [&](std::string_view name, const Symbol&) {
      found = found || std::ranges::find(names, name) != names.end();
    });
  return found;
}

std::optional<Version> find_version(const elf::Image& image) {
  const auto* constants = image.section(".rodata");
  if (constants == nullptr) return std::nullopt;
  constexpr std::array<std::string_view, 3> kInterface = {"lua_ident", "lua_pcallk", "lua_pcall"};
  const bool known = defines_any(image, kInterface);
  const bool is_program = !image.interpreter().empty() || image.is_static();
  if (!known && (!is_program || constants->size > kMaxConstants)) return std::nullopt;
  const Bytes bytes = image.raw(*constants);
  for (const auto notice : kNotices) {
    const auto found = std::ranges::search(bytes, notice);
    if (found.empty()) continue;
    auto version = parse_ident(bytes.subspan(static_cast<size_t>(found.begin() - bytes.begin())));
    // A program that only speaks of Lua, as this one does, has the words and no version.
    if (known || (version && version->text != "?")) return version;
  }
  return std::nullopt;
}

}  // namespace gp::runtimes::lua
