#include "app/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "app/progress.h"
#include "app/trial.h"
#include "tests/support/profile_builder.h"

namespace gp::app {
namespace {

using testing::HasSubstr;
using testing::Not;

profile::Function function(const char* name, profile::FrameKind kind = profile::FrameKind::kNative) {
  profile::Function result;
  result.name = name;
  result.kind = kind;
  return result;
}

profile::Process process(int32_t pid, const char* comm, const char* runtime) {
  profile::Process result;
  result.key = {pid, 1};
  result.comm = comm;
  result.runtime = runtime;
  return result;
}

profile::Profile mixed_profile() {
  test::ProfileBuilder builder;
  const uint32_t main = builder.function(function("main"));
  const uint32_t leaf = builder.function(function("leaf"));
  const uint32_t marker = builder.function(function("[no unwind info]", profile::FrameKind::kMarker));
  const uint32_t busy = builder.thread(builder.process(process(100, "busy\x1b[2J", "python 3.11")), 100, "busy");
  const uint32_t other = builder.thread(builder.process(process(200, "other", "")), 200, "other");
  builder.process(process(300, "idle", "go"));
  builder.add(busy, {main, leaf}, 30);
  builder.add(busy, {marker, leaf}, 10);
  builder.add(other, {main}, 5);
  return std::move(builder).build();
}

// No line takes more cells than `columns`; "…" takes one.
void expect_width(const std::string& text, size_t columns) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t extra = line.find("…") == std::string::npos ? 0 : std::string_view("…").size() - 1;
    EXPECT_LE(line.size() - extra, columns) << line;
  }
}

TEST(Trial, CountsWalksByProcess) {
  const auto walks = walks_of(mixed_profile());
  ASSERT_EQ(walks.size(), 3U);
  EXPECT_EQ(walks[0].samples, 40U);
  EXPECT_EQ(walks[0].whole, 30U);
  EXPECT_EQ(walks[0].incomplete.at("[no unwind info]"), 10U);
  EXPECT_EQ(walks[1].samples, 5U);
  EXPECT_EQ(walks[1].whole, 5U);
  EXPECT_EQ(walks[2].samples, 0U);
}

TEST(Doctor, TrialTable) {
  const std::string report =
      trial_report(mixed_profile(), {.processes = 9, .kernel_threads = {2, 3, 200, 400}}, {.columns = 80});
  EXPECT_THAT(report, HasSubstr("     100  busy\\x1b[2J       python 3.11          40   75.0 %  [no unwind info…"));
  EXPECT_THAT(report, HasSubstr("     200  other             kernel                5  100.0 %\n"));
  EXPECT_THAT(report, HasSubstr("2 sampled; /proc shows 9 processes and 4 kernel threads, 1 idle go"));
  EXPECT_THAT(report, HasSubstr("-fno-omit-frame-pointer"));
  expect_width(report, 80);
}

TEST(Doctor, ChecksWithRemedies) {
  const std::vector<Check> checks{
      {"BPF", CheckState::kOk, "programs can be loaded", ""},
      {"capabilities", CheckState::kFail, "lacking CAP_BPF", "run it with sudo, or else " + std::string(60, 'x')}};
  const std::string plain = checks_report(checks, {.columns = 70});
  EXPECT_THAT(plain, HasSubstr("  ok    BPF               programs can be loaded\n"));
  EXPECT_THAT(
      plain, HasSubstr("  FAIL  capabilities      lacking CAP_BPF\n                          to do: run it with sudo"));
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  EXPECT_THAT(checks_report(checks, {.columns = 70, .colour = true}), HasSubstr("\x1b[31mFAIL\x1b[0m"));
}

TEST(Progress, FitsTheTerminal) {
  using std::chrono::seconds;
  EXPECT_EQ(progress_line(seconds(42), 1234567, 100), "42 s left, 1,234,567 samples. Ctrl-C: stop now and write them");
  EXPECT_EQ(progress_line(seconds(1), 999, 20), "1 s left, 999 sample");
}

}  // namespace
}  // namespace gp::app
