#include "app/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace gp::app {
namespace {

using testing::HasSubstr;
using Source = session::ThreadDump::Thread::Source;

profile::Function function(const char* name, profile::FrameKind kind, const char* module) {
  profile::Function result;
  result.name = name;
  result.kind = kind;
  result.module = module;
  return result;
}

TEST(Dump, ShowsThreadsLeafFirst) {
  session::ThreadDump dump;
  dump.process = {.pid = 7,
                  .comm = "serve\x1b",
                  .executable = "/usr/bin/serve",
                  .container_id = "0123456789abcdef",
                  .runtimes = {"python 3.1 in /x"},
                  .hindrances = {"/y cannot be read: its frames have no names"}};
  profile::Function python = function("m.f", profile::FrameKind::kPython, "m==1");
  python.file = "/m.py";
  python.line = 3;
  dump.threads = {{.tid = 7,
                   .name = "main",
                   .state = 'S',
                   .source = Source::kWaiting,
                   .frames = {function("futex_wait", profile::FrameKind::kKernel, ""), python,
                              function("main", profile::FrameKind::kNative, "serve")}},
                  {.tid = 8, .name = "b", .state = 'R', .source = Source::kNone, .frames = {}},
                  {.tid = 9, .name = "c", .state = 'D', .source = Source::kMoved, .frames = {}},
                  {.tid = 10, .name = "d", .state = 'R', .source = Source::kSampled, .frames = {}}};
  EXPECT_EQ(dump_text(dump), R"(Process 7 serve\x1b, /usr/bin/serve, container 0123456789ab: 4 threads
  python 3.1 in /x
  /y cannot be read: its frames have no names

Thread 7 main: S sleeping
     0  futex_wait_[k]
     1  m.f (/m.py:3 [m==1])_[p]
     2  main  [serve]

Thread 8 b: R running, not caught

Thread 9 c: D waiting for a device or lock of the kernel, ran while its stack was read: frames may be of different moments

Thread 10 d: R running, sampled on its CPU
)");
}

TEST(Dump, SaysTheSameToPrograms) {
  session::ThreadDump dump;
  dump.process = {
      .pid = 7, .comm = "s\xff", .executable = "/s", .container_id = "", .runtimes = {"lua"}, .hindrances = {}};
  profile::Function python = function("m.f", profile::FrameKind::kPython, "m==1");
  python.file = "/m.py";
  python.line = 3;
  dump.threads = {
      {.tid = 8, .name = "worker", .state = 'S', .source = Source::kWaiting, .frames = {python}},
      {.tid = 9, .name = "b", .state = 'R', .source = Source::kNone, .frames = {}},
  };
  const auto json = nlohmann::json::parse(dump_json(dump));
  EXPECT_EQ(json["pid"], 7);
  EXPECT_EQ(json["comm"], "s\ufffd");
  EXPECT_EQ(json["runtimes"][0], "lua");
  ASSERT_EQ(json["threads"].size(), 2U);
  EXPECT_EQ(json["threads"][0]["name"], "worker");
  EXPECT_EQ(json["threads"][0]["caught"], "waiting");
  const auto& frame = json["threads"][0]["frames"][0];
  EXPECT_EQ(frame["text"], "m.f (/m.py:3 [m==1])_[p]");
  EXPECT_EQ(frame["kind"], "python");
  EXPECT_EQ(frame["line"], 3);
  EXPECT_EQ(json["threads"][1]["caught"], "none");
  EXPECT_TRUE(json["threads"][1]["frames"].empty());
}

TEST(Dump, RefusesWhatIsNoProcess) {
  const DumpThreads never = [](const session::DumpOptions&) -> Result<session::ThreadDump> {
    return fail(ErrorCode::kSystem, "asked");
  };
  const auto gone = run_dump({.pid = INT32_MAX}, never);
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message(), HasSubstr("no such process"));
}

}  // namespace
}  // namespace gp::app
