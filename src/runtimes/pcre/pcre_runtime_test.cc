#include "runtimes/pcre/pcre_runtime.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bpf/abi/pcre.h"
#include "runtimes/testing/endless_memory.h"

namespace gp::runtimes::pcre {
namespace {

constexpr const char* kLibrary = "/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0";

TEST(PcreRuntime, FindsCallsOfEveryForm) {
  // call *%rdx; nop; call *8(%r9); call *(%rsi,%rax,8); call *0x100(%rax); call *8(%rip); call 0
  const std::array<uint8_t, 32> code = {0xff, 0xd2, 0x90, 0x41, 0xff, 0x51, 0x08, 0xff, 0x14, 0xc6, 0xff,
                                        0x90, 0x00, 0x01, 0x00, 0x00, 0xff, 0x15, 0x08, 0x00, 0x00, 0x00,
                                        0xe8, 0x00, 0x00, 0x00, 0x00, 0xff, 0xd6, 0x90, 0x90, 0xff};
  std::vector<uint64_t> found;
  for (const Vaddr site : return_sites(code, {0x1000})) found.push_back(site.value);
  EXPECT_EQ(found, (std::vector<uint64_t>{0x1002, 0x1007, 0x100a, 0x1010, 0x1016, 0x101d}));
}

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
