#include "session/governor/self_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

namespace gp::session {
namespace {

using testing::HasSubstr;

constexpr uint64_t kMiB = uint64_t{1} << 20U;

SelfReport example() {
  SelfReport report;
  report.version = "1.2.3";
  report.uptime_s = 90061;
  report.time_unix_s = 1'700'000'000;
  report.resident = {.anonymous = 20 * kMiB, .shared = 2 * kMiB, .file = 30 * kMiB, .peak = 60 * kMiB, .threads = 4};
  report.fds.by_kind[static_cast<size_t>(os::FdKind::kPipe)] = 2;
  report.fds.by_kind[static_cast<size_t>(os::FdKind::kSocket)] = 1;
  report.fds.bpf_map_bytes = 10 * kMiB;
  report.children = os::Children{.running = 1, .zombies = 0};
  report.accounts = {{.name = "ring", .counted = Counted::kInside, .bytes = 4 * kMiB},
                     {.name = "sideband rings", .counted = Counted::kApart, .bytes = kMiB}};
  report.levels = {.soft = 80 * kMiB, .hard = 100 * kMiB, .emergency = 150 * kMiB, .undo = 70 * kMiB};
  report.state = MemoryState::kHigh;
  report.steps[static_cast<size_t>(Step::kTrim)] = 3;
  report.memory_growth_per_hour = -0.5 * static_cast<double>(kMiB);
  return report;
}

TEST(SelfReport, CountsMemoryAsTheBudgetDoes) {
  EXPECT_EQ(example().memory_bytes(), 32 * kMiB);
  EXPECT_EQ(example().unaccounted_bytes(), 28 * kMiB);
  SelfReport overcharged = example();
  overcharged.accounts[0].bytes = 100 * kMiB;
  EXPECT_EQ(overcharged.unaccounted_bytes(), 0U);
}

TEST(SelfReport, TellsPeople) {
  const std::string text = report_text(example());
  EXPECT_THAT(text, HasSubstr("gprofiler 1.2.3 up 1 d 01:01:01\n"));
  EXPECT_THAT(text, HasSubstr("memory 32.0MB: 20.0MB private, 2.0MB shared, 10.0MB BPF maps"));
  EXPECT_THAT(text, HasSubstr("growth: memory -0.5MB an hour, descriptors not known before 10 minutes"));
  EXPECT_THAT(text, HasSubstr("descriptors 3: 2 pipe, 1 socket\n"));
  EXPECT_THAT(text, HasSubstr("threads 4, children 1 running, 0 zombies\n"));
  EXPECT_THAT(text, HasSubstr("trim caches 3x"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST(SelfReport, TellsMachines) {
  const nlohmann::json json = report_json(example());
  EXPECT_EQ(json["memory"]["bytes"], 32 * kMiB);
  EXPECT_EQ(json["memory"]["state"], "high");
  EXPECT_EQ(json["accounts"]["ring"], 4 * kMiB);
  EXPECT_EQ(json["fds"]["total"], 3);
  EXPECT_EQ(json["fds"]["by_kind"]["pipe"], 2);
  EXPECT_TRUE(json["fds"]["growth_per_hour"].is_null());
  EXPECT_EQ(json["governor"]["steps"]["trim caches"], 3);
  EXPECT_EQ(json["children"]["running"], 1);
}

// The grammar of the exposition format: comment lines, or NAME{label="value"} NUMBER; each family is declared once and
// its samples follow it.
TEST(SelfReport, TellsPrometheus) {
  SelfReport report = example();
  report.version = "1\"2\\3\n4";
  const std::string text = report_metrics(report);
  ASSERT_TRUE(text.ends_with('\n'));
  const std::regex sample(R"re(([a-z_]+)(\{[a-z_]+="([^"\\\n]|\\["\\n])*"\})? -?[0-9]+(\.[0-9]+)?)re");
  const std::regex comment(R"re(# (HELP|TYPE) ([a-z_]+) (.+))re");
  std::set<std::string> declared;
  std::set<std::string> seen;
  std::string family;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      family = match[2];
      EXPECT_TRUE(declared.insert(match[1].str() + family).second) << line;
    } else if (std::regex_match(line, match, sample)) {
      EXPECT_EQ(match[1], family) << line;
      EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << line;
    } else {
      ADD_FAILURE() << "not a line of the format: " << line;
    }
  }
  EXPECT_THAT(text, HasSubstr("gprofiler_build_info{version=\"1\\\"2\\\\3\\n4\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("gprofiler_open_fds{kind=\"pipe\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gprofiler_governor_steps_total{step=\"trim caches\"} 3\n"));
}

}  // namespace
}  // namespace gp::session
