// How soon the calling thread gets a CPU. Facts: sched_setattr(2), include/uapi/linux/sched/types.h.
#pragma once

#include <cstdint>

namespace gp::os {

// Gives the calling thread a nice value and, where the kernel has such (6.12 and later), short slices: of those who wait
// for a CPU the one with the nearest end of slice is next, so that it runs soon after it wakes, for as short a time. Does
// what it may; a thread without the right to it stays as it is.
void run_soon(int nice, uint64_t slice_ns);

// The same for a stretch of work others wait for, until the end of the scope. Threads started meanwhile keep the nice value.
class Haste {
 public:
  explicit Haste(int nice);
  Haste(const Haste&) = delete;
  Haste& operator=(const Haste&) = delete;
  ~Haste();

 private:
  int before_ = 0;
};

}  // namespace gp::os
