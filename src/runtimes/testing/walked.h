// What tests of walkers ask of what was walked. Owner thread: whoever calls.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "runtimes/testing/memory_pieces.h"
#include "runtimes/testing/walk.h"

namespace gp::runtimes {

// The symbol that was shipped for a frame.
inline std::optional<targets::CodeSymbol> shipped_for(const WalkWorld& world, const gp_frame& frame,
                                                      const targets::Runtime& runtime,
                                                      const targets::MemoryReader& memory) {
  for (const auto& record : world.shipped) {
    const auto head = read_at<gp_symbol>(record, 0);
    if (head && head->object == GP_CODE_OBJECT(frame.value) &&
        head->cookie == GP_CODE_COOKIE(frame.value, frame.cookie))
      return runtime.decode(record, &memory);
  }
  return std::nullopt;
}

inline bool is_same(const gp_frame& a, const gp_frame& b) {
  return a.kind == b.kind && a.value == b.value && a.cookie == b.cookie && a.extra == b.extra;
}

inline uint64_t word_at(const targets::MemoryReader& memory, uint64_t address) {
  std::array<uint8_t, sizeof(uint64_t)> bytes{};
  if (!memory.read(Pc{address}, bytes)) return 0;
  return read_at<uint64_t>(bytes, 0).value_or(0);
}

// Changes recorded memory: all pieces that overlap the word.
inline void set_word_at(MemoryPieces& memory, uint64_t address, uint64_t value) {
  for (auto& [start, bytes] : memory.pieces)
    for (size_t i = 0; i < sizeof(value); ++i)
      if (address + i >= start && address + i - start < bytes.size())
        bytes[address + i - start] = static_cast<uint8_t>(value >> (8 * i));
}

// How many pieces of code the frames are of.
inline size_t distinct_code(const std::vector<gp_frame>& frames) {
  std::set<std::pair<uint64_t, uint16_t>> code;
  for (const auto& frame : frames) code.emplace(frame.value, frame.cookie);
  return code.size();
}

// Calls `walk(number)` once for each of the `reads` of a walk, which is refused; nothing is remembered between.
template <class WalkAgain>
void refuse_each_read(WalkWorld& world, uint32_t reads, WalkAgain walk) {
  for (uint32_t failing = 0; failing < reads; ++failing) {
    world.reads = 0;
    world.failing_read = failing;
    world.cached_thread = 0;
    std::ranges::fill(world.seen, 0);
    walk(failing);
  }
}

// The first turn of a walk in a process that was not looked at yet.
template <class AWalk>
std::vector<gp_frame> first_turn_unloaded(WalkWorld& world, int (*step)(gp_walk*)) {
  AWalk walked;
  current_world = &world;
  static_cast<void>(step(&walked.state));
  current_world = nullptr;
  return walked.frames();
}

// The name of a recording as part of a test's.
constexpr auto kVersionName = [](const auto& param) {
  std::string name = param.param;
  std::ranges::replace_if(name, [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
};

}  // namespace gp::runtimes
