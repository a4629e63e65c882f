#include "os/bpf_probe.h"

#include <gtest/gtest.h>

#include "os/capabilities.h"

namespace gp::os {
namespace {

TEST(BpfProbe, AgreesWithCapabilities) {
  const auto own = effective_capabilities();
  ASSERT_TRUE(own);
  const auto probed = probe_bpf_program();
  if (!own->has_or_admin(CAP_BPF)) {
    EXPECT_EQ(probed.error().code(), ErrorCode::kPermission);
  } else if (!probed) {
    GTEST_SKIP() << probed.error().message();
  }
}

}  // namespace
}  // namespace gp::os
