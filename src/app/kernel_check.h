// Which kernels are new enough, and which are known to freeze under a profiler. Pure functions of version texts.
#pragma once

#include <string_view>

#include "app/preflight.h"
#include "os/proc_text.h"

namespace gp::app {

// The upstream version a kernel is made of. Distributions say it outside `uname -r`: Debian at the end of `uname -v`
// ("… Debian 6.1.140-1 (2025-05-22)"), Ubuntu as the last word of /proc/version_signature.
std::optional<os::KernelRelease> upstream_version(const HostFacts& facts);

Check check_kernel_age(const HostFacts& facts, bool force);

// Kernels whose copy_from_user_nofault() may deadlock in an interrupt: it checks the object's size, which may take a
// lock that the interrupted code holds, and the machine freezes. Came with 5.19, fixed upstream in 6.3, in 6.1 since
// 6.1.36. Sources: https://github.com/parca-dev/parca-agent/issues/1675 and /pull/2070, https://bugs.debian.org/1033398.
Check check_kernel_freeze(const HostFacts& facts, bool force);

}  // namespace gp::app
