// Prints a made-up profile, for working on web/ without sampling anything and for the tests in tests/:
//   gp_make_example collapsed|html|pprof empty|example|deep|FRAMES
// `example` is the small one the golden files hold; a number asks for a busy host with that many frames.
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "output/output.h"
#include "tests/support/example_profile.h"
#include "tests/support/profile_builder.h"

namespace {

std::optional<gp::output::Format> format_named(std::string_view name) {
  using gp::output::Format;
  if (name == "collapsed") return Format::kCollapsed;
  if (name == "html") return Format::kHtml;
  if (name == "pprof") return Format::kPprof;
  return std::nullopt;
}

gp::profile::Profile profile_named(std::string_view name) {
  if (name == "empty") return gp::test::ProfileBuilder().build();
  if (name == "deep") return gp::test::deep_profile();
  if (name == "example") return gp::test::example_profile();
  size_t frames = 0;
  std::from_chars(name.data(), name.data() + name.size(), frames);
  return gp::test::demo_profile(frames);
}

}  // namespace

int main(int argc, char** argv) {
  const auto format = argc == 3 ? format_named(argv[1]) : std::nullopt;
  if (!format) {
    std::fputs("usage: gp_make_example collapsed|html|pprof empty|example|deep|FRAMES\n", stderr);
    return 2;
  }
  gp::output::StringSink out;
  gp::output::write(*format, profile_named(argv[2]), out);
  return std::fwrite(out.text().data(), 1, out.text().size(), stdout) == out.text().size() ? 0 : 1;
}
