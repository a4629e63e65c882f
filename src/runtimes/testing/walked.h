// What tests of walkers ask of what was walked. Owner thread: whoever calls.
#pragma once

#include <optional>

#include "runtimes/testing/memory_pieces.h"
#include "runtimes/testing/walk_world.h"

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

}  // namespace gp::runtimes
