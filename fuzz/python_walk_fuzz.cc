// The Python walker over hostile memory. Inputs are recordings of interpreters (see recording.h); any other bytes are
// memory by themselves: every address can be read and shows some of them.
#include "base/check.h"
#include "runtimes/python/offsets.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/testing/recording.h"
#include "runtimes/python/testing/walk.h"
#include "runtimes/testing/endless_memory.h"
#include "walk_check.h"

namespace {

using namespace gp;
using namespace gp::runtimes::python;

void walk(const targets::MemoryReader& memory, const gp_runtime_entry& entry, uint64_t thread, const gp_rule& rule,
          gp_drain drain) {
  auto world = fuzz::hostile_world(memory, entry);
  const auto walked = std::make_unique<PythonWalk>();
  walked->state.found.rule = rule;
  walked->state.registers.valid = GP_REGS_ALL;
  walked->run(world, thread, drain);
  // Every turn makes a frame, hands over, or is one of the few that find the thread.
  fuzz::check_walk<PythonRuntime>(*walked, world, 200000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 16) return 0;
  gp_rule rule{};
  rule.cfa_op = GP_CFA_REG;
  rule.cfa_reg = data[size - 1] % 20;
  rule.cfa_offset = 16;
  if (const auto recording = Recording::parse({data, size})) {
    const auto entry = PythonRuntime().attach(recording->file, *recording, recording->bias);
    if (entry) walk(*recording, *entry, recording->thread, rule, fuzz::drain_of(data[size - 2] & 1U));
    return 0;
  }
  gp::runtimes::EndlessMemory memory;
  memory.bytes = {data + 1, size - 1};
  const auto table = offsets_of((data[0] & 1) != 0 ? kPython311 : kPython312);
  GP_CHECK(table.has_value());
  gp_python python = table.value_or(gp_python{});
  python.code_type = (data[0] & 2) != 0 ? read_at<uint64_t>(memory.bytes, 0).value_or(0) : 0;
  walk(memory, targets::entry_with(GP_RUNTIME_PYTHON, python), read_at<uint64_t>(memory.bytes, 4).value_or(0), rule,
       fuzz::drain_of(data[0] & 4U));
  return 0;
}
