// The PHP walker over hostile memory. Inputs are recordings of interpreters (see recording.h); any other bytes are
// memory by themselves: every address can be read and shows some of them.
#include "runtimes/php/offsets.h"
#include "runtimes/php/php_runtime.h"
#include "runtimes/php/testing/recording.h"
#include "runtimes/php/testing/walk.h"
#include "runtimes/testing/endless_memory.h"
#include "walk_check.h"

namespace {

using namespace gp;
using namespace gp::runtimes::php;

// What the loop's registers hold, and what else is not memory.
struct Surroundings {
  uint64_t live = 0;
  uint64_t opline = 0;
  gp_drain drain = GP_DRAIN_NOT;
  bool compiled = false;
};

void walk(const targets::MemoryReader& memory, const gp_runtime_entry& entry, const Surroundings& around) {
  auto world = fuzz::hostile_world(memory, entry);
  const auto walked = std::make_unique<PhpWalk>();
  walked->state.registers.valid = GP_REGS_ALL;
  walked->set_live(around.live, around.opline);
  walked->state.found.file = around.compiled ? GP_NO_FILE : 0;
  walked->run(world, around.drain);
  // A turn reads a call, its function, a line and three strings at the most, or some generators.
  fuzz::check_walk<PhpRuntime>(*walked, world, 100000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 24) return 0;
  const Surroundings around{.live = read_at<uint64_t>({data, size}, size - 8).value_or(0),
                            .opline = read_at<uint64_t>({data, size}, size - 16).value_or(0),
                            .drain = static_cast<gp_drain>((data[size - 17] >> 2U & 3U) % 3U),
                            .compiled = (data[size - 17] & 2) != 0};
  if (const auto recording = Recording::parse({data, size})) {
    const auto entry = PhpRuntime().attach(recording->file(), *recording, 0);
    if (entry) walk(*recording, *entry, around);
    return 0;
  }
  gp::runtimes::EndlessMemory memory;
  memory.bytes = {data + 1, size - 1};
  constexpr uint16_t kVersions[] = {kPhp74, kPhp80, kPhp82, kPhp84};
  auto php = offsets_of(kVersions[data[0] % 4]).value_or(gp_php{});
  const uint64_t address = read_at<uint64_t>(memory.bytes, 4).value_or(0);
  if ((data[0] & 64U) != 0) {  // each thread has its own
    php.globals_offset = address;
    php.cache = {
        .slot = address ^ around.live, .offset = 0, .model = 1U + (data[1] & 3U), .is_musl = data[1] >> 2U & 1U};
  } else {
    php.current = address;
  }
  walk(memory, targets::entry_with(GP_RUNTIME_PHP, php), around);
  return 0;
}
