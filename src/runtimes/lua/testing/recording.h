// What a waiting Lua had in memory, and the stacks its coroutines had, so that the walker can be tested without it. Made
// by record_main.cc; memory_pieces.h says what the file looks like.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtimes/lua/lua_runtime.h"
#include "runtimes/lua/offsets.h"
#include "runtimes/lua/testing/told_frame.h"
#include "runtimes/lua/testing/walk.h"
#include "runtimes/testing/memory_pieces.h"

namespace gp::runtimes::lua {

// Owner thread: whoever made it.
struct Recording final : MemoryPieces {
  uint32_t version = 0;
  std::vector<uint64_t> coroutines;  // their lua_State, innermost first
  std::vector<ToldFrame> frames;     // innermost first

  // What detection would have made of its program, with registers as the tests have them.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    auto lua = offsets_of(version);
    file.supported = lua.has_value();
    if (lua) lua->state = {.offset = 0, .reg = kStateRegister, .in_memory = 0, .reserved = 0};
    file.entry = targets::entry_with(GP_RUNTIME_LUA, lua.value_or(gp_lua{}));
    return file;
  }

  // Lines of workload.lua; others are ours.
  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key;
    std::getline(in, key, '\t');
    if (key == "version") return static_cast<bool>(in >> version);
    if (key == "state") {
      uint64_t address = 0;
      in >> std::hex >> address;
      coroutines.push_back(address);
      return static_cast<bool>(in);
    }
    if (key != "frame") return false;
    frames.push_back(ToldFrame::parse(in));
    return true;
  }

  static std::optional<Recording> load(const std::string& path) { return parse(file_bytes(path)); }

  static std::optional<Recording> parse(Bytes bytes) {
    Recording recording;
    if (!recording.parse_file(bytes, [&](const std::string& line) { return recording.parse_line(line); }))
      return std::nullopt;
    return recording;
  }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << fmt::format("version\t{}\n", version);
    for (const uint64_t address : coroutines) out << fmt::format("state\t{:x}\n", address);
    for (const auto& frame : frames) out << frame.text();
    write_pieces(out);
    return static_cast<bool>(out);
  }
};

}  // namespace gp::runtimes::lua
