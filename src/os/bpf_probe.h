// Whether the kernel lets this process load BPF programs, found by loading the smallest one. Owner thread: any.
#pragma once

#include "base/result.h"

namespace gp::os {

// kUnsupported: the kernel has no BPF; kPermission: it refuses us (capabilities, seccomp or lockdown).
Result<void> probe_bpf_program();

}  // namespace gp::os
