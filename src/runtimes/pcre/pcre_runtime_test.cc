#include "runtimes/pcre/pcre_runtime.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "bpf/abi/pcre.h"
#include "runtimes/testing/endless_memory.h"

namespace gp::runtimes::pcre {
namespace {

constexpr const char* kLibrary = "/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0";

TEST(PcreRuntime, FindsTheCallsOfTheInstalledLibrary) {
  if (::access(kLibrary, R_OK) != 0) GTEST_SKIP() << "no " << kLibrary;
  auto image = elf::Image::open(kLibrary);
  ASSERT_TRUE(image) << image.error().message();
  const auto file = PcreRuntime().detect(*image, kLibrary);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->supported);
  EXPECT_TRUE(file->eval[0].empty());
  constexpr uint64_t kBias = 0x7f0000000000;
  const auto entry = PcreRuntime().attach(*file, EndlessMemory(), kBias);
  ASSERT_TRUE(entry);
  const auto layout = targets::layout_of<gp_pcre>(*entry);
  // At least one on a stack of the caller's, one on the machine's.
  EXPECT_GE(std::ranges::count_if(layout.sites, [](uint64_t site) { return site > kBias; }), 2);
}

TEST(PcreRuntime, IsInNoOtherFile) {
  auto image = elf::Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  EXPECT_FALSE(PcreRuntime().detect(*image, "/proc/self/exe"));
}

}  // namespace
}  // namespace gp::runtimes::pcre
