#include "app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gp::app {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

ProfileOptions parsed(const Words& words) {
  const auto invocation = parse_arguments(words);
  if (!invocation) {
    ADD_FAILURE() << invocation.error().message();
    return {};
  }
  return std::get<ProfileOptions>(*invocation);
}

std::string refusal(const Words& words) {
  const auto invocation = parse_arguments(words);
  if (invocation) return "accepted";
  EXPECT_EQ(invocation.error().code(), ErrorCode::kUsage);
  EXPECT_EQ(invocation.error().message().find('\n'), std::string::npos);
  return invocation.error().message();
}

TEST(Options, DefaultsAreTheOldAgents) {
  const auto options = parsed({"-o", "/tmp/x"});
  EXPECT_EQ(options.output_directory, "/tmp/x");
  EXPECT_EQ(options.frequency_hz, 11U);
  EXPECT_EQ(options.duration, std::chrono::seconds(60));
  EXPECT_TRUE(options.flamegraph);
  EXPECT_TRUE(options.python_versions);
  EXPECT_EQ(parsed({"-o", "/tmp/x", "--enable-memory-management", "--memory-cleanup-threshold-mb", "50"})
                .upkeep.memory.threshold_mb,
            50U);  // as the gProfiler agent was called
  EXPECT_FALSE(parsed({"-o", "/tmp/x", "--no-python-versions"}).python_versions);
  EXPECT_FALSE(options.pprof || options.inlines || options.children || options.force || options.verbose);
}

TEST(Options, LongAndShortSpellings) {
  for (const Words& words :
       {Words{"-o", "d", "-d", "5", "-f", "99", "-p", "7"}, Words{"-od", "-d5", "-f99", "-p7"},
        Words{"--output-dir=d", "--profiling-duration=5", "--profiling-frequency=99", "--pids=7"},
        Words{"--output-dir", "d", "--profiling-duration", "5", "--profiling-frequency", "99", "--pids", "7"}}) {
    const auto options = parsed(words);
    EXPECT_EQ(options.output_directory, "d");
    EXPECT_EQ(options.duration, std::chrono::seconds(5));
    EXPECT_EQ(options.frequency_hz, 99U);
    EXPECT_EQ(options.pids, (std::vector<int32_t>{7}));
  }
}

TEST(Options, PidsInListsAndTwice) {
  const auto options = parsed({"-o", "d", "-p", "30,10", "--pids", "20,10", "--children"});
  EXPECT_EQ(options.pids, (std::vector<int32_t>{10, 20, 30}));
  EXPECT_TRUE(options.children);
}

TEST(Options, LaterValueWins) { EXPECT_EQ(parsed({"-o", "d", "-f", "5", "-f", "7"}).frequency_hz, 7U); }

TEST(Options, CommandKeepsItsWords) {
  const auto options = parsed({"-o", "d", "--as-root", "--", "ls", "--", "-o", "x"});
  EXPECT_EQ(options.command, (Words{"ls", "--", "-o", "x"}));
  EXPECT_FALSE(options.duration);
  EXPECT_TRUE(options.as_root);
  EXPECT_EQ(parsed({"-o", "d", "-d", "3", "--", "ls"}).duration, std::chrono::seconds(3));
}

TEST(Options, Formats) {
  EXPECT_TRUE(parsed({"-o", "d", "--format", "pprof", "--no-flamegraph"}).pprof);
  EXPECT_FALSE(parsed({"-o", "d", "--format", "pprof,pprof", "--no-flamegraph"}).flamegraph);
  EXPECT_THAT(refusal({"-o", "d", "--format", "svg"}), HasSubstr("--format 'svg': there is pprof"));
}

TEST(Options, ExternalProfilersAreChosenByTheOldAgentsWords) {
  EXPECT_FALSE(parsed({"-o", "d"}).tools.any());
  const auto options = parsed({"-o", "d", "--python-mode", "pyspy", "--java-mode=ap", "--java-async-profiler-mode=lock",
                               "--perf-mode", "smart", "--php-proc-filter", "php"});
  EXPECT_TRUE(options.tools.py_spy);
  EXPECT_EQ(options.tools.async_profiler, "lock");
  EXPECT_EQ(options.tools.perf, managed::PerfMode::kSmart);
  EXPECT_EQ(options.tools.php_filter, "php");
  EXPECT_FALSE(parsed({"-o", "d", "--java-mode", "none", "--java-async-profiler-mode", "cpu"}).tools.any());
  EXPECT_THAT(refusal({"-o", "d", "--ruby-mode", "x"}), HasSubstr("--ruby-mode 'x': give one of rbspy, disabled"));
}

TEST(Options, RefusalsSayWhatToDo) {
  EXPECT_THAT(refusal({}), HasSubstr("-o DIR"));
  EXPECT_THAT(refusal({"-o"}), HasSubstr("needs a value"));
  EXPECT_THAT(refusal({"-o", ""}), HasSubstr("-o DIR"));
  EXPECT_THAT(refusal({"-o", "d", "-f", "0"}), HasSubstr("-f '0': give a whole number from 1 to 1000"));
  EXPECT_THAT(refusal({"-o", "d", "-f", "1001"}), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(refusal({"-o", "d", "-f", "9.5"}), HasSubstr("whole number"));
  EXPECT_THAT(refusal({"-o", "d", "-d", "-1"}), HasSubstr("-d"));
  EXPECT_THAT(refusal({"-o", "d", "-d", "99999999999999999999"}), HasSubstr("from 1 to 86400"));
  EXPECT_THAT(refusal({"-o", "d", "-p", "1,x"}), HasSubstr("-p 'x'"));
  EXPECT_THAT(refusal({"-o", "d", "-p", "0"}), HasSubstr("-p '0'"));
  EXPECT_THAT(refusal({"-o", "d", "--bogus"}), HasSubstr("no option --bogus"));
  EXPECT_THAT(refusal({"-o", "d", "ls"}), HasSubstr("goes after --"));
  EXPECT_THAT(refusal({"-o", "d", "--"}), HasSubstr("COMMAND is missing"));
  EXPECT_THAT(refusal({"-o", "d", "--", ""}), HasSubstr("COMMAND is missing"));
  EXPECT_THAT(refusal({"-o", "d", "-p", "1", "--", "ls"}), HasSubstr("not both"));
  EXPECT_THAT(refusal({"-o", "d", "--children"}), HasSubstr("-p PID"));
  EXPECT_THAT(refusal({"-o", "d", "--children", "--", "ls"}), HasSubstr("always profiled"));
  EXPECT_THAT(refusal({"-o", "d", "--as-root"}), HasSubstr("after --"));
  EXPECT_THAT(refusal({"doctor", "x"}), HasSubstr("unexpected 'x'"));
}

TEST(Options, Doctor) {
  const auto invocation = parse_arguments(Words{"doctor", "--force", "-v"});
  ASSERT_TRUE(invocation);
  EXPECT_TRUE(std::get<DoctorOptions>(*invocation).force);
  EXPECT_TRUE(std::get<DoctorOptions>(*invocation).verbose);
}

TEST(Options, Dump) {
  const auto plain = parse_arguments(Words{"dump", "42"});
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(std::get<DumpRequest>(*plain).pid, 42);
  EXPECT_FALSE(std::get<DumpRequest>(*plain).inlines);
  EXPECT_TRUE(std::get<DumpRequest>(*parse_arguments(Words{"dump", "--inlines", "42"})).inlines);
  EXPECT_FALSE(std::get<DumpRequest>(*plain).json);
  EXPECT_TRUE(std::get<DumpRequest>(*parse_arguments(Words{"dump", "--json", "42"})).json);
  EXPECT_FALSE(std::get<DumpRequest>(*parse_arguments(Words{"dump", "42", "--no-python-versions"})).python_versions);
  for (const Words& words : {Words{"dump"}, Words{"dump", "x"}, Words{"dump", "0"}, Words{"dump", "1", "2"}}) {
    const auto refused = parse_arguments(words);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kUsage);
  }
}

TEST(Options, HelpNamesEveryOption) {
  for (const char* name :
       {"-d, --profiling-duration", "-f, --profiling-frequency", "-p, --pids", "--children", "--as-root",
        "-o, --output-dir", "--format", "--no-flamegraph", "--inlines", "--no-python-versions", "--force",
        "-v, --verbose", "-h, --help", "--version", "gprofiler doctor", "gprofiler dump"}) {
    EXPECT_THAT(std::string(help_text()), HasSubstr(name));
  }
  for (const Words& words : {Words{"--help"}, Words{"-h", "-f", "x"}, Words{"doctor", "-h"}}) {
    EXPECT_EQ(std::get<ShowText>(*parse_arguments(words)).text, help_text());
  }
  EXPECT_THAT(std::get<ShowText>(*parse_arguments(Words{"--version"})).text, HasSubstr("gprofiler "));
}

TEST(Options, InTheBackground) {
  const auto options = parsed({"-c", "-o", "d", "--rotating-output", "--max-workers", "7", "--profiler-timeout", "9",
                               "--controller-pid", "12", "--control-socket", "/x.sock"});
  EXPECT_TRUE(options.continuous && options.rotating);
  EXPECT_EQ(options.duration, kDefaultDuration);
  EXPECT_EQ(options.max_workers, 7U);
  EXPECT_EQ(options.profiler_timeout, std::chrono::seconds(9));
  EXPECT_EQ(options.controller_pid, 12);
  EXPECT_EQ(options.control_socket, "/x.sock");
  EXPECT_EQ(options.pid_file, kDefaultPidFile);
  EXPECT_EQ(parsed({"-o", "d"}).pid_file, "") << "only a profiler in the background writes one unasked";
  EXPECT_THAT(refusal({"-c", "-o", "d", "--", "ls"}), HasSubstr("-c"));
  EXPECT_THAT(refusal({"-c", "-o", "d", "--max-workers", "0"}), HasSubstr("--max-workers"));
}

std::string request(const Words& words) {
  const auto invocation = parse_arguments(words);
  return invocation ? std::get<ControlOptions>(*invocation).request : invocation.error().message();
}

TEST(Options, QuestionsToTheBackground) {
  EXPECT_EQ(request({"status"}), R"({"command":"status"})");
  EXPECT_EQ(request({"snapshot"}), R"({"command":"snapshot"})");
  EXPECT_EQ(request({"snapshot", "-d", "5", "-f", "99", "-p", "7,8", "--children"}),
            R"({"children":true,"command":"snapshot","frequency":99,"pids":[7,8],"seconds":5})");
  EXPECT_EQ(request({"session", "list"}), R"({"command":"list"})");
  EXPECT_EQ(request({"session", "start", "web", "-o", "/x", "--windows", "3"}),
            R"({"command":"start","name":"web","output_dir":"/x","windows":3})");
  EXPECT_EQ(request({"session", "stop", "4"}), R"({"command":"stop","id":4})");
  const auto with_json = parse_arguments(Words{"status", "--json", "--control-socket", "/y.sock"});
  EXPECT_TRUE(std::get<ControlOptions>(*with_json).json);
  EXPECT_EQ(std::get<ControlOptions>(*with_json).control_socket, "/y.sock");
}

TEST(Options, WrongQuestionsAreRefused) {
  for (const Words& words :
       {Words{"status", "x"}, Words{"session"}, Words{"session", "dance"}, Words{"session", "stop"},
        Words{"session", "stop", "x"}, Words{"session", "start", "a", "b"}, Words{"snapshot", "-f", "9"},
        Words{"snapshot", "-d", "0"}, Words{"status", "--nothing"}, Words{"session", "start", "--children"}}) {
    EXPECT_NE(refusal(words), "accepted");
  }
}

}  // namespace
}  // namespace gp::app
