#include "app/control_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gp::app {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view line) {
  const auto request = parse_control_request(line);
  if (request) return "accepted";
  EXPECT_EQ(request.error().message().find('\n'), std::string::npos);
  return request.error().message();
}

TEST(ControlRequests, WhatCanBeAsked) {
  EXPECT_TRUE(std::holds_alternative<StatusRequest>(*parse_control_request(R"({"command": "status"})")));
  EXPECT_TRUE(std::holds_alternative<ListRequest>(*parse_control_request(R"({"command":"list"})")));
  EXPECT_EQ(std::get<StopRequest>(*parse_control_request(R"({"command":"stop","id":7})")).id, 7U);
  EXPECT_FALSE(std::get<SnapshotRequest>(*parse_control_request(R"({"command":"snapshot"})")).session);
  const auto start = parse_control_request(
      R"({"command":"start","name":"web","frequency":99,"seconds":30,"pids":[1,2],"children":true,"owned":true,)"
      R"("output_dir":"/tmp/x","flamegraph":false,"windows":3,"columns":80})");
  ASSERT_TRUE(start) << start.error().message();
  const auto& session = std::get<StartRequest>(*start).session;
  EXPECT_EQ(session.name, "web");
  EXPECT_EQ(session.frequency_hz, 99U);
  EXPECT_EQ(session.window_seconds, 30U);
  EXPECT_EQ(session.windows, 3U);
  EXPECT_EQ(session.pids, (std::vector<int32_t>{1, 2}));
  EXPECT_TRUE(session.children && session.owned);
  EXPECT_EQ(session.flamegraph, false);
}

TEST(ControlRequests, ASnapshotOfItsOwnHasOneWindow) {
  const auto request = parse_control_request(R"({"command":"snapshot","seconds":5,"frequency":11})");
  const auto& snapshot = std::get<SnapshotRequest>(*request);
  ASSERT_TRUE(snapshot.session);
  EXPECT_EQ(snapshot.session->windows, 1U);
  EXPECT_EQ(snapshot.session->window_seconds, 5U);
  EXPECT_THAT(refusal(R"({"command":"snapshot","frequency":11})"), HasSubstr("seconds"));
}

TEST(ControlRequests, NonsenseIsRefusedInOneLine) {
  for (const char* line : {"", "{", "[]", "7", "\"status\"", "status", "{\"command\":1}", "\xff\xfe", "{}"}) {
    EXPECT_NE(refusal(line), "accepted") << line;
  }
  EXPECT_NE(refusal(std::string(60'000, '[')), "accepted");
  EXPECT_THAT(refusal(R"({"command":"status","id":1})"), HasSubstr("id"));
  EXPECT_THAT(refusal(R"({"command":"status","a\nb":1})"), HasSubstr("a?b"));
  EXPECT_THAT(refusal(R"({"command":"dance"})"), HasSubstr("status, list"));
}

TEST(ControlRequests, ValuesHaveTypesAndBounds) {
  const auto start = [](const std::string& field) { return refusal(R"({"command":"start",)" + field + "}"); };
  EXPECT_EQ(start(R"("frequency":1000)"), "accepted");
  for (const char* field :
       {R"("frequency":0)", R"("frequency":1001)", R"("frequency":-1)", R"("frequency":"9")", R"("frequency":1.5)",
        R"("seconds":0)", R"("seconds":99999999999999999999)", R"("pids":1)", R"("pids":[0])", R"("pids":["x"])",
        R"("pids":[4294967296])", R"("children":true)", R"("owned":1)", R"("name":"../x")", R"("name":".hidden")",
        R"("name":"a\nb")", R"("output_dir":"relative")", R"("columns":5)", R"("unheard_of":1)"}) {
    EXPECT_NE(start(field), "accepted") << field;
  }
  std::string many = "\"pids\":[1";
  for (int i = 0; i < 5000; ++i) many += ",1";
  EXPECT_NE(start(many + "]"), "accepted");
}

TEST(ControlRequests, ASessionMayChooseItsTools) {
  const auto request =
      parse_control_request(R"({"command": "start", "tools": {"python-mode": "py-spy", "java-mode": "ap"}})");
  ASSERT_TRUE(request) << request.error().message();
  const auto& tools = std::get<StartRequest>(*request).session.tools;
  ASSERT_TRUE(tools);
  EXPECT_TRUE(tools->py_spy);
  EXPECT_EQ(tools->async_profiler, "cpu");
  EXPECT_EQ(managed::words_of(*tools),
            (std::map<std::string, std::string>{{"python-mode", "pyspy"}, {"java-async-profiler-mode", "cpu"}}));
  const auto none = parse_control_request(R"({"command": "start", "tools": {}})");
  EXPECT_EQ(std::get<StartRequest>(*none).session.tools, managed::ToolChoice());
  EXPECT_FALSE(std::get<StartRequest>(*parse_control_request(R"({"command": "start"})")).session.tools);
  for (const char* bad : {R"({"snake-mode": "x"})", R"({"python-mode": 1})", R"({"python-mode": "snake"})", R"([])"}) {
    EXPECT_FALSE(parse_control_request(fmt::format(R"({{"command": "start", "tools": {}}})", bad))) << bad;
  }
}

}  // namespace
}  // namespace gp::app
