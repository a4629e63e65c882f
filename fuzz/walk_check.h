// What holds of a walk whatever the memory it went through. Owner thread: the fuzzer's.
#pragma once

#include "base/check.h"
#include "runtimes/testing/walk.h"

namespace gp::fuzz {

inline runtimes::WalkWorld hostile_world(const targets::MemoryReader& memory, const gp_runtime_entry& entry) {
  runtimes::WalkWorld world;
  world.memory = &memory;
  world.entry = entry;
  world.shipped_limit = 16;
  return world;
}

inline gp_drain drain_of(uint32_t bit) { return bit != 0 ? GP_DRAIN_FOR_LATER : GP_DRAIN_NOT; }

// It ended, after no more than so many reads, and all it shipped can be taken apart.
template <class Runtime>
void check_walk(const runtimes::Walk& walked, const runtimes::WalkWorld& world, uint32_t max_reads) {
  GP_CHECK(walked.state.frames <= GP_MAX_FRAMES);
  GP_CHECK(world.reads < max_reads);
  GP_CHECK(walked.state.end == GP_END_NONE || walked.state.end == GP_END_DEPTH);
  const Runtime runtime;
  for (const auto& record : world.shipped) {
    const auto symbol = runtime.decode(record, world.memory);
    GP_CHECK(symbol.has_value());
    static_cast<void>(runtime.line(*symbol, walked.state.record.frames[0].extra));
  }
}

}  // namespace gp::fuzz
