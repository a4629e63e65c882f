// A stopped Lua.
#pragma once

#include "runtimes/lua/lua_runtime.h"
#include "runtimes/lua/offsets.h"
#include "runtimes/lua/testing/walk.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::lua {

struct Recording final : RecordingOf<Recording> {
  uint32_t version = 0;
  std::vector<uint64_t> coroutines;  // their lua_State, innermost first

  // What detection would have made of its program, with registers as the tests have them.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    auto lua = offsets_of(version);
    file.supported = lua.has_value();
    if (lua) lua->state = {.offset = 0, .reg = kStateRegister, .in_memory = 0, .reserved = 0};
    file.entry = targets::entry_with(GP_RUNTIME_LUA, lua.value_or(gp_lua{}));
    return file;
  }

  bool parse_value(const std::string& key, std::istringstream& in) {
    if (key == "version") return static_cast<bool>(in >> version);
    uint64_t address = 0;
    if (key != "state" || !(in >> std::hex >> address)) return false;
    coroutines.push_back(address);
    return true;
  }
  [[nodiscard]] std::string head() const {
    std::string text = fmt::format("version\t{}\n", version);
    for (const uint64_t address : coroutines) text += fmt::format("state\t{:x}\n", address);
    return text;
  }
};

}  // namespace gp::runtimes::lua
