#include "os/capabilities.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace gp::os {

Result<CapabilitySet> effective_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return fail_errno("capget");
  return CapabilitySet(data[0].effective | (uint64_t{data[1].effective} << 32U));
}

}  // namespace gp::os
