// The surroundings of a runtime's unwinder (bpf/walk) built natively: any memory, one process, shipped symbols kept.
// Included before the unwinder's header, by LANGUAGE/testing/walk.h.
#pragma once

#include <memory>
#include <vector>

#include "bpf/abi/sample.h"
#include "bpf/walk/platform.h"
#include "targets/runtime.h"

// Around headers of the walker, which are C.
#define GP_C_BEGIN                                                                                               \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wold-style-cast\"")                          \
      _Pragma("GCC diagnostic ignored \"-Wconversion\"") _Pragma("GCC diagnostic ignored \"-Wsign-conversion\"") \
          _Pragma("GCC diagnostic ignored \"-Wunused-function\"")                                                \
              _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define GP_C_END _Pragma("GCC diagnostic pop")

namespace gp::runtimes {

constexpr uint32_t kSymbolsSeen = 8192;

// What the walker sees. Owner thread: the one that walks; one walk at a time.
struct WalkWorld {
  const targets::MemoryReader* memory = nullptr;
  gp_runtime_entry entry{};
  unsigned long long cached_thread = 0;  // __u64, of every thread
  std::vector<uint64_t> seen = std::vector<uint64_t>(kSymbolsSeen);
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

}  // namespace gp::runtimes

// NOLINTBEGIN(readability-identifier-naming) the walker names its hooks like its functions
#define GP_SYMBOLS_SEEN (gp::runtimes::kSymbolsSeen)
#define gp_symbol_record_of(w) (gp::runtimes::scratch_record())
#define gp_symbol_seen_slot(index) (reinterpret_cast<__u64*>(gp::runtimes::seen_slot(index)))
#define gp_symbol_output(w, record, size) gp::runtimes::ship(record, size)
#define gp_thread_cache(w, runtime) (gp::runtimes::cached_thread())
// NOLINTEND(readability-identifier-naming)

// NOLINTBEGIN(misc-definitions-in-headers) weak: each runtime's test of one program has the same
extern "C" {
__attribute__((weak)) long gp_env_read_user(struct gp_walk*, void* to, __u32 size, __u64 address) {
  auto* world = gp::runtimes::current_world;
  if (world->reads++ == world->failing_read) return -1;
  return world->memory->read(gp::Pc{address}, {static_cast<uint8_t*>(to), size}) ? 0 : -1;
}
__attribute__((weak)) const struct gp_runtime_entry* gp_env_runtime(__u32 index) {
  return index == 0 ? &gp::runtimes::current_world->entry : nullptr;
}
}
// NOLINTEND(misc-definitions-in-headers)
