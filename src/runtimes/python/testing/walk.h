// The Python walker of bpf/walk built natively, over any memory. Included by one source file of a program: it defines
// the walker's surroundings.
#pragma once

#include <memory>
#include <vector>

#include "bpf/abi/sample.h"
#include "targets/runtime.h"

namespace gp::runtimes::python {
gp_symbol_record* scratch_record();
uint64_t* seen_slot(uint32_t index);
int ship(const void* record, size_t size);
unsigned long long* cached_thread();
}  // namespace gp::runtimes::python

// NOLINTBEGIN(readability-identifier-naming) the walker names its hooks like its functions
#define GP_SYMBOLS_SEEN 8192u
#define gp_symbol_record_of(w) (gp::runtimes::python::scratch_record())
#define gp_symbol_seen_slot(index) (reinterpret_cast<__u64*>(gp::runtimes::python::seen_slot(index)))
#define gp_symbol_output(w, record, size) gp::runtimes::python::ship(record, size)
#define gp_thread_cache(w, runtime) (gp::runtimes::python::cached_thread())
// NOLINTEND(readability-identifier-naming)

// The walker is C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "bpf/walk/python.h"
#pragma GCC diagnostic pop

namespace gp::runtimes::python {

// What the walker sees. Owner thread: the one that walks; one walk at a time.
struct WalkWorld {
  const targets::MemoryReader* memory = nullptr;
  gp_runtime_entry entry{};              // its layout is a gp_python
  unsigned long long cached_thread = 0;  // __u64, of every thread
  std::vector<uint64_t> seen = std::vector<uint64_t>(GP_SYMBOLS_SEEN);
  std::vector<std::vector<uint8_t>> shipped;  // symbol records
  size_t shipped_limit = SIZE_MAX;            // there is no room for more
  gp_symbol_record scratch{};
  uint32_t reads = 0;
  uint32_t failing_read = UINT32_MAX;  // number of the read that is refused
};

inline thread_local WalkWorld* current_world = nullptr;

inline gp_symbol_record* scratch_record() {
  return current_world->shipped.size() < current_world->shipped_limit ? &current_world->scratch : nullptr;
}
inline unsigned long long* cached_thread() { return &current_world->cached_thread; }
inline uint64_t* seen_slot(uint32_t index) { return &current_world->seen.at(index); }
inline int ship(const void* record, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(record);
  current_world->shipped.emplace_back(bytes, bytes + size);
  return 0;
}

inline constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;  // as the kernel's driver

// One walk of a thread's Python frames. Where the walker hands over to native code, that is taken as walked.
struct PythonWalk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on

  // `drain`: after a miss, nothing is handed over and the end that is set stays.
  void run(WalkWorld& world, uint64_t thread, bool drain = false) {
    current_world = &world;
    state.runtime[GP_RUNTIME_PYTHON] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    state.thread_pointer = thread;
    state.unwinder = GP_RUNTIME_PYTHON;
    state.drain = drain ? 1 : 0;
    if (drain) {
      state.unwinder = GP_RUNTIME_NONE;
      static_cast<void>(gp_drain_next(&state));
    }
    while (turns < kMaxTurns) {
      ++turns;
      if (gp_python_step(&state) != 0 || gp_is_done(&state, GP_RUNTIME_PYTHON)) break;
      if (state.unwinder == GP_RUNTIME_NONE) handed_over.push_back(state.frames);
      state.unwinder = GP_RUNTIME_PYTHON;
    }
    current_world = nullptr;
  }

  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }
};

}  // namespace gp::runtimes::python

// NOLINTBEGIN(misc-definitions-in-headers) one source file of a program includes this
extern "C" {
long gp_env_read_user(struct gp_walk*, void* to, __u32 size, __u64 address) {
  auto* world = gp::runtimes::python::current_world;
  if (world->reads++ == world->failing_read) return -1;
  return world->memory->read(gp::Pc{address}, {static_cast<uint8_t*>(to), size}) ? 0 : -1;
}
const struct gp_runtime_entry* gp_env_runtime(__u32 index) {
  return index == 0 ? &gp::runtimes::python::current_world->entry : nullptr;
}
}
// NOLINTEND(misc-definitions-in-headers)
