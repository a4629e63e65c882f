#include "runtimes/php/thread_cache.h"

#include "runtimes/code.h"

namespace gp::runtimes::php {

std::optional<ThreadCache> find_thread_cache(const elf::Image& image, Vaddr function) {
  // The initial exec model, mov _tsrm_ls_cache@gottpoff(%rip), %rax (x86-64 psABI; ELF Handling For Thread-Local Storage,
  // 4.4.5); linkers make mov $distance, %rax of it in a program (5.5).
  if (const auto slot = returned_variable(image, function)) return ThreadCache{*slot, 0};
  const auto distance = returned_number(image, function);
  if (!distance || *distance >= 0 || *distance % int64_t{sizeof(uint64_t)} != 0) return std::nullopt;
  return ThreadCache{Vaddr{0}, static_cast<uint64_t>(*distance)};
}

}  // namespace gp::runtimes::php
