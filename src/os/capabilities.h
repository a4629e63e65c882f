// Effective capabilities, by name (capabilities(7)). Owner thread: none (values).
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gp::os {

// A set of CAP_* numbers.
class CapabilitySet {
 public:
  CapabilitySet() = default;
  explicit CapabilitySet(uint64_t bits) : bits_(bits) {}

  [[nodiscard]] bool has(int capability) const { return ((bits_ >> static_cast<unsigned>(capability)) & 1U) != 0; }
  // CAP_BPF and CAP_PERFMON were split off CAP_SYS_ADMIN in 5.8, which still includes them.
  [[nodiscard]] bool has_or_admin(int capability) const { return has(capability) || has(CAP_SYS_ADMIN); }

 private:
  uint64_t bits_ = 0;  // bit n: capability n
};

// Of the calling thread. They count only in its own user namespace.
Result<CapabilitySet> effective_capabilities();

}  // namespace gp::os
