#include "managed/parsers/phpspy_trace.h"

#include <gtest/gtest.h>

#include <string>

#include "base/line_cutter.h"

namespace gp::managed {
namespace {

TEST(PhpspyTrace, ReadsBlocks) {
  std::string seen;
  PhpspyTrace trace([&](int32_t pid, std::span<const profile::Function> stack) {
    seen += std::to_string(pid);
    for (const auto& function : stack) seen += ";" + profile::frame_text(function);
    seen += "\n";
  });
  LineCutter cutter(4096, [&](std::string_view line) {
    trace.line(line);
    return true;
  });
  cutter.feed(
      "0 fibonacci /srv/fib.php:4\n1 <main> /srv/fib.php:9\n# pid = 12\n\n"
      "0 usleep <internal>:-1\n# uri = /x\n# pid = 13\n# - - - - -\n"
      "0 lost /srv/x.php:1\n\n"      // a block without its pid
      "garbage\n0\n0 \n# pid = 0\n"  // nothing of a stack
      "0 Space::f /srv/my file.php:7\n# pid = 14\n");
  EXPECT_EQ(seen,
            "12;<main> /srv/fib.php:9_[php];fibonacci /srv/fib.php:4_[php]\n"
            "13;usleep <internal>_[php]\n"
            "14;Space::f /srv/my file.php:7_[php]\n");
  EXPECT_EQ(trace.malformed(), 3U);
}

}  // namespace
}  // namespace gp::managed
