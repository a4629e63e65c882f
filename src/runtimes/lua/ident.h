// Whether a file has a Lua in it, and which: by lua_ident (lapi.c), which holds the notice of every release. Owner thread:
// loader.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "elf/image.h"

namespace gp::runtimes::lua {

struct Version {
  uint16_t number = 0;  // 0x504 for 5.4; 0: one whose releases are not alike, or not known
  char release = 0;     // '4' for 5.4.4
  std::string text;     // "5.4"; of those that are not walked the release: "5.3.2"
};

// From a copyright notice: "$LuaVersion: Lua 5.4.4  Copyright …", before 5.2 "$Lua: Lua 5.1.5 Copyright …" (lapi.c:
// lua_ident). Nothing when it is something else.
std::optional<Version> parse_ident(Bytes ident);

// Whether one of the file's symbols begins with "lua" and is one of `names`.
bool defines_any(const elf::Image& image, std::span<const std::string_view> names);

// By the symbols of its interface or, in a program that exports none, by the notice.
std::optional<Version> find_version(const elf::Image& image);

}  // namespace gp::runtimes::lua
