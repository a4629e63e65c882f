#include "os/scheduling.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace gp::os {
namespace {

// struct sched_attr as of Linux 3.14 (SCHED_ATTR_SIZE_VER0); glibc has it only from 2.41 on.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // of SCHED_OTHER: the slice; ignored before 6.12
  uint64_t deadline = 0;
  uint64_t period = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void run_soon(int nice, uint64_t slice_ns) {
  SchedulingAttributes attributes;
  attributes.nice = nice;
  attributes.runtime = slice_ns;
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0U) == 0) return;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice));
}

Haste::Haste(int nice) {
  errno = 0;
  before_ = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
  if (errno != 0) before_ = 0;
  run_soon(nice, 0);  // slices as everybody's
}

Haste::~Haste() { run_soon(before_, 0); }

}  // namespace gp::os
