// The LuaJIT walker over hostile memory. Inputs are recordings of interpreters (see luajit_recording.h); any other bytes
// are memory by themselves: every address can be read and shows some of them.
#include "runtimes/lua/testing/luajit_recording.h"
#include "runtimes/testing/endless_memory.h"
#include "walk_check.h"

namespace {

using namespace gp;
using namespace gp::runtimes::lua;

// `around`: registers, and whether the innermost activation runs compiled code, has called C, or neither.
void walk(const targets::MemoryReader& memory, const gp_runtime_entry& entry, std::span<const uint64_t> activations,
          Bytes around) {
  auto world = fuzz::hostile_world(memory, entry);
  const auto walked = std::make_unique<LuajitWalk>();
  const auto lj = targets::layout_of<gp_luajit>(entry);
  const uint8_t how = around[0];
  walked->state.found.file = (how & 1U) != 0 ? GP_NO_FILE : 1;
  walked->state.found.pc = read_at<uint64_t>(around, 0).value_or(0);
  walked->state.registers.is_return = (how & 2U) != 0 ? 1 : 0;
  walked->set_register(GP_LUAJIT_REG_PC, read_at<uint64_t>(around, 0).value_or(0));
  walked->set_register(GP_LUAJIT_REG_BASE, read_at<uint64_t>(around, 8).value_or(0));
  walked->set_register(GP_REG_RBP, read_at<uint64_t>(around, 4).value_or(0));
  walked->set_register(GP_LUAJIT_REG_DISPATCH, read_at<uint64_t>(around, 2).value_or(0));
  walked->set_register(GP_REG_RIP, lj.vm + around[1]);
  walked->run(world, activations);
  if ((how & 4U) != 0) walked->drain(world);
  // A turn reads two frames, some instructions, and the text of a few strings; meeting an activation, 70 places at most.
  fuzz::check_walk<LuajitRuntime>(*walked, world, 1000000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kAround = 16;
  if (size < 3 * kAround) return 0;
  const Bytes around{data + size - kAround, kAround};
  if (const auto recording = LuajitRecording::parse({data, size})) {
    runtimes::WalkWorld world;
    world.memory = &*recording;
    world.entry = recording->entry();
    recording->walk()->run(world, recording->activations);
    walk(*recording, recording->entry(), recording->activations, around);
    return 0;
  }
  gp::runtimes::EndlessMemory memory;
  memory.bytes = {data + 1, size - 1};
  LuajitRecording made_up;
  gp_luajit lj = (data[0] & 1U) != 0 ? luajit_offsets_64() : luajit_offsets_32();
  lj.enters[0] = 16;
  lj.leaves[0] = 32;
  made_up.take(lj);
  const std::array<uint64_t, 2> activations = {read_at<uint64_t>(memory.bytes, 4).value_or(0) & ~7ULL,
                                               read_at<uint64_t>(memory.bytes, 12).value_or(0) & ~7ULL};
  walk(memory, made_up.entry(), activations, around);
  return 0;
}
