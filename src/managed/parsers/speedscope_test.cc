#include "managed/parsers/speedscope.h"

#include <gtest/gtest.h>

#include <map>

namespace gp::managed {
namespace {

// As dotnet-trace 8 lays it out: frames, then one profile a thread.
constexpr std::string_view kFile = R"json({
  "exporter": "Microsoft.Diagnostics.Tracing.TraceEvent@3.1.9.0", "name": "trace.speedscope.json",
  "activeProfileIndex": 0, "$schema": "https://www.speedscope.app/file-format-schema.json",
  "shared": {"frames": [{"name": "Main()"}, {"name": "Fib(int32)"}, {"name": "CPU_TIME"}]},
  "profiles": [
    {"type": "evented", "name": "Thread (1)", "unit": "milliseconds", "startValue": 0, "endValue": 30, "events": [
      {"type": "O", "frame": 0, "at": 0}, {"type": "O", "frame": 1, "at": 10.0},
      {"type": "C", "frame": 1, "at": 25.5}, {"type": "C", "frame": 0, "at": 30}]},
    {"type": "evented", "name": "Thread (2)", "unit": "seconds", "startValue": 0, "endValue": 1, "events": [
      {"type": "O", "frame": 0, "at": 0}, {"type": "C", "frame": 0, "at": 0.1}]}
  ]})json";

std::map<std::string, uint64_t> read(std::string_view text, double unit_ms, std::string* error = nullptr) {
  profile::ToolStacks stacks{profile::Process()};
  const auto result = parse_speedscope(text, unit_ms, stacks);
  if (!result) {
    if (error != nullptr) *error = result.error().message();
    EXPECT_TRUE(stacks.empty());
    return {};
  }
  std::map<std::string, uint64_t> seen;
  for (const auto& [leaf, weight] : stacks.weights()) {
    std::string path;
    for (uint32_t node = leaf; node != 0; node = stacks.nodes()[node].parent) {
      path.insert(0, ";" + stacks.functions()[stacks.nodes()[node].function].name);
    }
    seen[path] += weight;
  }
  return seen;
}

TEST(Speedscope, CreditsTimeToTheStackThatWasThere) {
  EXPECT_EQ(read(kFile, 1),
            (std::map<std::string, uint64_t>{{";Main()", 10 + 4 + 100 + 1}, {";Main();Fib(int32)", 16}}));
}

TEST(Speedscope, CountsInUnits) {
  EXPECT_EQ(read(kFile, 10), (std::map<std::string, uint64_t>{{";Main()", 11}, {";Main();Fib(int32)", 2}}));
  EXPECT_EQ(read(kFile, 1000).at(";Main();Fib(int32)"), 1U);  // never none
}

TEST(Speedscope, RefusesWhatBreaksTheFormat) {
  const auto refusal = [](std::string_view text) {
    std::string error = "accepted";
    read(text, 1, &error);
    return error;
  };
  EXPECT_EQ(refusal(""), "no JSON at byte 1");
  EXPECT_EQ(refusal(kFile.substr(0, 500)).substr(0, 15), "no JSON at byte");
  const std::string events = R"({"profiles": [{"events": [)";
  EXPECT_NE(refusal(events + R"({"type": "C", "frame": 0, "at": 0}]}]})"), "accepted");
  EXPECT_NE(refusal(events + R"({"type": "O", "frame": 0, "at": 5}, {"type": "O", "frame": 0, "at": 4}]}]})"),
            "accepted");
  EXPECT_NE(refusal(events + R"({"type": "O", "frame": -1, "at": 5}]}]})"), "accepted");
  EXPECT_NE(refusal(events + R"({"type": "O", "at": 5}]}]})"), "accepted");
  EXPECT_NE(refusal(std::string(10'000, '[')), "accepted");
}

TEST(Speedscope, NamesMayComeLastOrNotAtAll) {
  const std::string text =
      R"({"profiles": [{"events": [{"type": "O", "frame": 0, "at": 0}, {"type": "O", "frame": 7, "at": 1},)"
      R"({"type": "C", "frame": 7, "at": 3}, {"type": "C", "frame": 0, "at": 3}]}],"shared": {"frames": [{"name": "a"}]}})";
  EXPECT_EQ(read(text, 1), (std::map<std::string, uint64_t>{{";a", 1}, {";a;[frame without a name]", 2}}));
}

}  // namespace
}  // namespace gp::managed
