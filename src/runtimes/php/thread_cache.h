// Where each thread of an engine built with thread safety (ZTS) has what is its own. Owner thread: any.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "elf/image.h"

namespace gp::runtimes::php {

// _tsrm_ls_cache, a pointer of each thread's own, lies so far from its thread pointer.
struct ThreadCache {
  Vaddr slot;             // where the dynamic linker puts the distance: libraries; 0: it is the one below
  uint64_t distance = 0;  // of a program's own, in bytes, two's complement: it lies before the thread pointer
};

// From the code of tsrm_get_ls_cache_tcb_offset(), which returns the distance for opcache's compiler (TSRM/TSRM.c).
// Nothing where it has no fixed one (musl).
std::optional<ThreadCache> find_thread_cache(const elf::Image& image, Vaddr function);

}  // namespace gp::runtimes::php
