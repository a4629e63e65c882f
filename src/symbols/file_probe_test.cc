#include "symbols/file_probe.h"

#include <gtest/gtest.h>

namespace gp::symbols {
namespace {

TEST(FileProbe, AFileOnADiskNeedsNone) {
  const auto image = std::make_shared<const elf::Image>(elf::Image::open("/proc/self/exe").value());
  EXPECT_FALSE(image->may_hang());
  FileProbe probe;
  EXPECT_TRUE(probe.answers(image, {}));
}

TEST(FileProbe, TouchesEverySectionToItsEnd) { touch_names(elf::Image::open("/proc/self/exe").value()); }

}  // namespace
}  // namespace gp::symbols
