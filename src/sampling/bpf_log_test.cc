#include "sampling/bpf_log.h"

#include <gtest/gtest.h>

namespace gp::sampling {
namespace {

TEST(BpfLog, KeepsWhyTheVerifierRefused) {
  EXPECT_EQ(reason_in("libbpf: prog 'step': -- BEGIN PROG LOAD LOG --\n0: R1=ctx()\n5: (85) call unknown#300\n"
                      "invalid func unknown#300\nprocessed 6 insns (limit 1000000) max_states_per_insn 0\n"
                      "-- END PROG LOAD LOG --\n"),
            "invalid func unknown#300");
  EXPECT_EQ(reason_in("libbpf: cannot find kernel BTF\n"), "libbpf: cannot find kernel BTF");
  EXPECT_EQ(reason_in(""), "");
  EXPECT_EQ(reason_in(std::string(5000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace gp::sampling
