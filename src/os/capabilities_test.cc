#include "os/capabilities.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/procfs.h"

namespace gp::os {
namespace {

TEST(Capabilities, AgreeWithProc) {
  const auto own = effective_capabilities();
  const auto status = read_status(::getpid());
  ASSERT_TRUE(own && status);
  const CapabilitySet expected(status->effective_capabilities);
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    EXPECT_EQ(own->has(capability), expected.has(capability)) << capability;
  }
}

TEST(Capabilities, AdminIncludesBpf) {
  const CapabilitySet admin(uint64_t{1} << CAP_SYS_ADMIN);
  EXPECT_FALSE(admin.has(CAP_BPF));
  EXPECT_TRUE(admin.has_or_admin(CAP_BPF));
  EXPECT_FALSE(CapabilitySet().has_or_admin(CAP_BPF));
}

}  // namespace
}  // namespace gp::os
