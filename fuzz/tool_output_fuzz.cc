// Output of external profilers: the first byte says whose it is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/line_cutter.h"
#include "managed/captured_text.h"
#include "managed/leftovers.h"
#include "managed/parsers/collapsed.h"
#include "managed/parsers/perf_script.h"
#include "managed/parsers/phpspy_trace.h"
#include "managed/parsers/speedscope.h"

using namespace gp;
using namespace gp::managed;

namespace {

void each_line(std::string_view text, const std::function<void(std::string_view)>& take) {
  LineCutter cutter(1U << 16U, [&](std::string_view line) {
    take(line);
    return true;
  });
  cutter.feed(text);
  cutter.finish();
}

// Parents come first, names are nobody's own, and all of it can be put into a profile.
void check(const profile::ToolStacks& stacks) {
  for (size_t i = 1; i < stacks.nodes().size(); ++i) {
    GP_CHECK(stacks.nodes()[i].parent < i && stacks.nodes()[i].function < stacks.functions().size());
  }
  profile::Profile profile;
  const uint64_t replaced = profile::replace_stacks(profile, stacks, 0.5);
  profile::drop_unused(profile);
  GP_CHECK(replaced == stacks.total() && profile.quality.sums_hold());
}

void read_perf(std::string_view text) {
  PerfScript script;
  each_line(text, [&](std::string_view line) { script.line(line); });
  script.finish();
  for (const auto& [pid, seen] : script.processes()) check(seen.stacks);
}

void read_phpspy(std::string_view text) {
  profile::ToolStacks stacks{profile::Process()};
  PhpspyTrace trace([&](int32_t pid, std::span<const profile::Function> stack) {
    GP_CHECK(pid > 0 && !stack.empty() && stack.size() <= kMaxToolFrames);
    stacks.add(stack, 1);
  });
  each_line(text, [&](std::string_view line) { trace.line(line); });
  check(stacks);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  profile::ToolStacks stacks{profile::Process()};
  switch (data[0] % 7) {
    case 0: each_line(text, [&](std::string_view line) { add_collapsed_line(line, python_frame, stacks); }); break;
    case 1: each_line(text, [&](std::string_view line) { add_collapsed_line(line, ruby_frame, stacks); }); break;
    case 2: each_line(text, [&](std::string_view line) { add_collapsed_line(line, java_frame, stacks); }); break;
    case 3: read_perf(text); break;
    case 4: read_phpspy(text); break;
    case 5: (void)parse_speedscope(text, 10, stacks); break;
    default: GP_CHECK(last_lines(text, 3).size() <= 403); (void)marked_agent(text);
  }
  check(stacks);
  return 0;
}
