// A waiting LuaJIT, or one that runs compiled code.
#pragma once

#include <memory>

#include "runtimes/lua/luajit_offsets.h"
#include "runtimes/lua/luajit_runtime.h"
#include "runtimes/lua/testing/luajit_walk.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::lua {

struct LuajitRecording final : RecordingOf<LuajitRecording> {
  uint16_t wide = 0;  // as in gp_luajit
  uint16_t vmstate = 0;
  uint16_t main = 0;
  int32_t dispatch = 0;
  int32_t traces = 0;
  // Of one that runs compiled code: its pc and r14; 0: it waits in C.
  uint64_t pc = 0;
  uint64_t r14 = 0;
  std::vector<uint64_t> coroutines;   // their lua_State, innermost first; not the main one
  std::vector<uint64_t> activations;  // their C frames, innermost first; of compiled code the stack pointer

  [[nodiscard]] gp_luajit layout() const {
    gp_luajit lj = wide != 0 ? luajit_offsets_64() : luajit_offsets_32();
    lj.global_vmstate = vmstate;
    lj.global_main = main;
    lj.dispatch = dispatch;
    lj.traces = traces;
    lj.vm = 0x400000;  // nowhere near what is recorded
    lj.loop = lj.vm + 0x1000;
    return lj;
  }
  void take(const gp_luajit& lj) {
    wide = lj.wide;
    vmstate = lj.global_vmstate;
    main = lj.global_main;
    dispatch = lj.dispatch;
    traces = lj.traces;
  }
  [[nodiscard]] gp_runtime_entry entry() const { return targets::entry_with(GP_RUNTIME_LUAJIT, layout()); }

  bool parse_value(const std::string& key, std::istringstream& in) {
    if (key == "layout") return static_cast<bool>(in >> wide >> vmstate >> main >> dispatch >> traces);
    if (key == "compiled") return static_cast<bool>(in >> std::hex >> pc >> r14);
    uint64_t address = 0;
    if ((key != "state" && key != "activation") || !(in >> std::hex >> address)) return false;
    (key == "state" ? coroutines : activations).push_back(address);
    return true;
  }
  [[nodiscard]] std::string head() const {
    std::string text = fmt::format("layout\t{}\t{}\t{}\t{}\t{}\n", wide, vmstate, main, dispatch, traces);
    if (pc != 0) text += fmt::format("compiled\t{:x} {:x}\n", pc, r14);
    for (const uint64_t address : coroutines) text += fmt::format("state\t{:x}\n", address);
    for (const uint64_t address : activations) text += fmt::format("activation\t{:x}\n", address);
    return text;
  }

  // A walk that begins where it was.
  [[nodiscard]] std::unique_ptr<LuajitWalk> walk() const {
    auto walk = std::make_unique<LuajitWalk>();
    walk->state.found.file = pc != 0 ? GP_NO_FILE : 1;
    walk->state.found.pc = pc;
    walk->state.registers.is_return = pc != 0 ? 0 : 1;
    if (pc != 0) {
      walk->set_register(GP_REG_RIP, pc);
      walk->set_register(GP_LUAJIT_REG_DISPATCH, r14);
    }
    return walk;
  }
};

}  // namespace gp::runtimes::lua
