// The Ruby walker over hostile memory. Inputs are recordings of interpreters (see recording.h); any other bytes are
// memory by themselves: every address can be read and shows some of them.
#include "runtimes/ruby/offsets.h"
#include "runtimes/ruby/ruby_runtime.h"
#include "runtimes/ruby/testing/recording.h"
#include "runtimes/ruby/testing/walk.h"
#include "runtimes/testing/endless_memory.h"
#include "walk_check.h"

namespace {

using namespace gp;
using namespace gp::runtimes::ruby;

void walk(const targets::MemoryReader& memory, const gp_runtime_entry& entry, uint64_t thread, uint64_t loop_frame,
          gp_drain drain) {
  auto world = fuzz::hostile_world(memory, entry);
  const auto walked = std::make_unique<RubyWalk>();
  walked->state.registers.valid = GP_REGS_ALL;
  walked->state.registers.value[GP_RUBY_REG_FRAME] = loop_frame;
  walked->run(world, thread, drain);
  // Every turn makes a frame, hands over, or passes over a control frame without one; names take some reads more.
  fuzz::check_walk<RubyRuntime>(*walked, world, 200000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 24) return 0;
  const uint64_t loop_frame = read_at<uint64_t>({data, size}, size - 8).value_or(0);
  if (const auto recording = Recording::parse({data, size})) {
    const auto entry = recording->entry();
    if (entry) walk(*recording, *entry, recording->thread, loop_frame, fuzz::drain_of(data[size - 9] & 1U));
    return 0;
  }
  gp::runtimes::EndlessMemory memory;
  memory.bytes = {data + 1, size - 1};
  constexpr const char* kVersions[] = {"2.7.8", "3.1.2", "3.2.0", "3.3.8", "4.0.0"};
  auto ruby = offsets_of(kVersions[data[0] % 5]).value_or(gp_ruby{});
  const uint64_t place = read_at<uint64_t>(memory.bytes, 4).value_or(0);
  if (ruby.thread_id == 0)
    ruby.context = {.slot = place, .offset = 0, .model = 1U + (data[1] & 3U), .is_musl = data[1] >> 2U & 1U};
  ruby.current = ruby.vm = place;
  ruby.symbols = (data[0] & 8) != 0 ? place + 64 : 0;
  walk(memory, targets::entry_with(GP_RUNTIME_RUBY, ruby), place, loop_frame, fuzz::drain_of(data[0] & 4U));
  return 0;
}
