// Prints a made-up profile, for working on web/ without sampling anything and for the tests in tests/:
//   gp_make_example collapsed|html|pprof example|FRAMES
// `example` is the small one the golden files hold; a number asks for a busy host with that many frames.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "output/output.h"
#include "tests/support/example_profile.h"

namespace {

std::optional<gp::output::Format> format_named(std::string_view name) {
  using gp::output::Format;
  if (name == "collapsed") return Format::kCollapsed;
  if (name == "html") return Format::kHtml;
  if (name == "pprof") return Format::kPprof;
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const auto format = argc == 3 ? format_named(argv[1]) : std::nullopt;
  if (!format) {
    std::fputs("usage: gp_make_example collapsed|html|pprof example|FRAMES\n", stderr);
    return 2;
  }
  const bool example = std::string_view(argv[2]) == "example";
  gp::output::StringSink out;
  gp::output::write(
      *format, example ? gp::test::example_profile() : gp::test::demo_profile(std::strtoul(argv[2], nullptr, 10)), out);
  return std::fwrite(out.text().data(), 1, out.text().size(), stdout) == out.text().size() ? 0 : 1;
}
