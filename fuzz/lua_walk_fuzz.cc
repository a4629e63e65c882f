// The Lua walker over hostile memory. Inputs are recordings of interpreters (see recording.h); any other bytes are
// memory by themselves: every address can be read and shows some of them.
#include "runtimes/lua/testing/recording.h"
#include "runtimes/testing/endless_memory.h"
#include "walk_check.h"

namespace {

using namespace gp;
using namespace gp::runtimes::lua;

void walk(const targets::MemoryReader& memory, const gp_runtime_entry& entry, std::span<const uint64_t> coroutines,
          Bytes around) {
  auto world = fuzz::hostile_world(memory, entry);
  const auto walked = std::make_unique<LuaWalk>();
  walked->set_register(kPcRegister, read_at<uint64_t>(around, 0).value_or(0));
  walked->set_register(kAtRegister, read_at<uint64_t>(around, 8).value_or(0));
  walked->run(world, coroutines);
  if ((around[0] & 1U) != 0) walked->drain(world);
  // A turn reads a call, two functions, some instructions, 64 variables and the text of three strings at the most.
  fuzz::check_walk<LuaRuntime>(*walked, world, 1000000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kAround = 16;
  if (size < 3 * kAround) return 0;
  const Bytes around{data + size - kAround, kAround};
  if (const auto recording = Recording::parse({data, size})) {
    const auto entry = LuaRuntime().attach(recording->file(), *recording, 0);
    if (entry) walk(*recording, *entry, recording->coroutines, around);
    return 0;
  }
  gp::runtimes::EndlessMemory memory;
  memory.bytes = {data + 1, size - 1};
  Recording made_up;
  constexpr std::array<uint32_t, 5> kVersions = {GP_LUA_51, GP_LUA_52, GP_LUA_53, GP_LUA_54, GP_LUA_55};
  made_up.version = kVersions[data[0] % kVersions.size()];
  auto lua = targets::layout_of<gp_lua>(made_up.file().entry);
  if ((data[0] & 0x10U) != 0) lua.at = {.offset = 0, .reg = kAtRegister, .in_memory = 0, .reserved = 0};
  lua.pc = {.offset = 0, .reg = kPcRegister, .in_memory = 0, .reserved = 0};
  const std::array<uint64_t, 2> coroutines = {read_at<uint64_t>(memory.bytes, 4).value_or(0) & ~7ULL,
                                              read_at<uint64_t>(memory.bytes, 12).value_or(0) & ~7ULL};
  walk(memory, targets::entry_with(GP_RUNTIME_LUA, lua), coroutines, around);
  return 0;
}
