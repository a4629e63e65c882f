// What a waiting LuaJIT had in memory, and the stacks its coroutines had, so that the walker can be tested without it. Made
// by record_luajit_main.cc; memory_pieces.h says what the file looks like.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtimes/lua/luajit_offsets.h"
#include "runtimes/lua/luajit_runtime.h"
#include "runtimes/lua/testing/luajit_walk.h"
#include "runtimes/lua/testing/told_frame.h"
#include "runtimes/testing/memory_pieces.h"

namespace gp::runtimes::lua {

// Owner thread: whoever made it.
struct LuajitRecording final : MemoryPieces {
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
  std::vector<ToldFrame> frames;      // innermost first

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

  // Lines of workload.lua; others are ours.
  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key;
    std::getline(in, key, '\t');
    if (key == "layout") return static_cast<bool>(in >> wide >> vmstate >> main >> dispatch >> traces);
    if (key == "compiled") return static_cast<bool>(in >> std::hex >> pc >> r14);
    if (key == "state" || key == "activation") {
      uint64_t address = 0;
      in >> std::hex >> address;
      (key == "state" ? coroutines : activations).push_back(address);
      return static_cast<bool>(in);
    }
    if (key != "frame") return false;
    frames.push_back(ToldFrame::parse(in));
    return true;
  }

  // A walk that begins where it was.
  [[nodiscard]] std::unique_ptr<LuajitWalk> walk() const {
    auto walk = std::make_unique<LuajitWalk>();
    walk->state.found.file = pc != 0 ? GP_NO_FILE : 1;
    walk->state.found.pc = pc;
    walk->state.registers.is_return = pc != 0 ? 0 : 1;
    if (pc != 0) {
      walk->set(GP_REG_RIP, pc);
      walk->set(GP_LUAJIT_REG_DISPATCH, r14);
    }
    return walk;
  }

  static std::optional<LuajitRecording> load(const std::string& path) { return parse(file_bytes(path)); }

  static std::optional<LuajitRecording> parse(Bytes bytes) {
    LuajitRecording recording;
    if (!recording.parse_file(bytes, [&](const std::string& line) { return recording.parse_line(line); }))
      return std::nullopt;
    return recording;
  }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << fmt::format("layout\t{}\t{}\t{}\t{}\t{}\n", wide, vmstate, main, dispatch, traces);
    if (pc != 0) out << fmt::format("compiled\t{:x} {:x}\n", pc, r14);
    for (const uint64_t address : coroutines) out << fmt::format("state\t{:x}\n", address);
    for (const uint64_t address : activations) out << fmt::format("activation\t{:x}\n", address);
    for (const auto& frame : frames) out << frame.text();
    write_pieces(out);
    return static_cast<bool>(out);
  }
};

}  // namespace gp::runtimes::lua
