// The Perl walker over hostile memory. Inputs are recordings of interpreters (see recording.h); any other bytes are
// memory by themselves: every address can be read and shows some of them.
#include "runtimes/perl/offsets.h"
#include "runtimes/perl/perl_runtime.h"
#include "runtimes/perl/testing/recording.h"
#include "runtimes/perl/testing/walk.h"
#include "runtimes/testing/endless_memory.h"
#include "walk_check.h"

namespace {

using namespace gp;
using namespace gp::runtimes::perl;

// What is not memory.
struct Surroundings {
  uint64_t interpreter = 0;  // in the loop's register
  uint64_t thread_pointer = 0;
  std::vector<uint64_t> stack;
  gp_drain drain = GP_DRAIN_NOT;
};

void walk(const targets::MemoryReader& memory, const gp_runtime_entry& entry, const Surroundings& around) {
  auto world = fuzz::hostile_world(memory, entry);
  const auto walked = std::make_unique<PerlWalk>();
  walked->state.registers.valid = GP_REGS_ALL;
  walked->state.thread_pointer = around.thread_pointer;
  walked->set_register(Recording::kRegister, around.interpreter);
  walked->stack = around.stack;
  walked->run(world, around.drain);
  // A turn reads a context, a subroutine, its names and file, and some JMPENVs at the most.
  fuzz::check_walk<PerlRuntime>(*walked, world, 300000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 32) return 0;
  const auto word_from_end = [&](size_t back) { return read_at<uint64_t>({data, size}, size - back).value_or(0); };
  Surroundings around{.interpreter = word_from_end(8),
                      .thread_pointer = word_from_end(16),
                      .stack = {word_from_end(24), word_from_end(32)},
                      .drain = fuzz::drain_of(data[size - 1] & 1U)};
  if (const auto recording = Recording::parse({data, size})) {
    const auto entry = PerlRuntime().attach(recording->file(), *recording, 0);
    around.thread_pointer = recording->thread_pointer;
    if (entry) walk(*recording, *entry, around);
    return 0;
  }
  gp::runtimes::EndlessMemory memory;
  memory.bytes = {data + 1, size - 1};
  constexpr uint8_t kVersions[] = {kPerl32, kPerl36, kPerl38, kPerl42};
  auto perl = offsets_of(kVersions[data[0] % 4]).value_or(gp_perl{});
  perl.loop_register[0] = Recording::kRegister;
  perl.key = word_from_end(16) ^ word_from_end(8);
  if ((data[0] & 64U) != 0) perl.only = around.interpreter;  // built without threads
  // Whatever the interpreter says it runs is a loop.
  std::array<uint8_t, 8> loop{};
  static_cast<void>(memory.read(Pc{around.interpreter + static_cast<uint64_t>(perl.runops)}, loop));
  perl.loop[0] = read_at<uint64_t>(loop, 0).value_or(0);
  walk(memory, targets::entry_with(GP_RUNTIME_PERL, perl), around);
  return 0;
}
