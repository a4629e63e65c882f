#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "app/options.h"

namespace gp::app {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string flat(std::string_view text) {
  const auto settings = parse_settings(text);
  if (!settings) return settings.error().message();
  std::string all;
  for (const auto& [key, value] : *settings) all.append(key).append("=").append(value).append(";");
  return all;
}

TEST(Settings, ReadsTheFormsOfLines) {
  EXPECT_EQ(flat("a = 1\nb: 2\r\n--c=3\n\td  =  x y \n"), "a=1;b=2;c=3;d=x y;");
  EXPECT_EQ(flat("# no\n; no\n\n[section]\ncontinuous\n"), "continuous=;");
  EXPECT_EQ(flat("a = \"x = y\"\nb = ''\npids = [1, '2' ,3]"), "a=x = y;b=;pids=1,2,3;");
  EXPECT_EQ(flat("a = 1\nb = 1\na = 2"), "b=1;a=2;");
}

TEST(Settings, NamesTheLineItCannotRead) {
  EXPECT_THAT(flat("a = 1\nwhat is this\n"), HasSubstr("line 2"));
  EXPECT_THAT(flat(std::string("\0\xff", 2)), HasSubstr("line 1"));
}

TEST(Settings, Switches) {
  for (const char* word : {"true", "Yes", "ON", "1"}) EXPECT_EQ(parse_switch(word), true);
  for (const char* word : {"false", "no", "Off", "0"}) EXPECT_EQ(parse_switch(word), false);
  EXPECT_EQ(parse_switch("maybe"), std::nullopt);
}

// Options as they come out of command line, variables and file together.
class Precedence : public testing::Test {
 protected:
  Result<Invocation> parse(const Words& words) {
    return parse_arguments(words, {.variable =
                                       [this](const std::string& name) {
                                         const auto found = variables_.find(name);
                                         return found == variables_.end() ? std::nullopt : std::optional(found->second);
                                       },
                                   .settings =
                                       [this](const std::string& path, bool asked_for) {
                                         path_ = path;
                                         asked_for_ = asked_for;
                                         return parse_settings(file_);
                                       }});
  }
  ProfileOptions parsed(const Words& words) {
    const auto invocation = parse(words);
    if (!invocation) {
      ADD_FAILURE() << invocation.error().message();
      return {};
    }
    return std::get<ProfileOptions>(*invocation);
  }
  std::map<std::string, std::string> variables_;
  std::string file_;
  std::string path_;
  bool asked_for_ = false;
};

TEST_F(Precedence, CommandLineThenEnvironmentThenFileThenDefault) {
  file_ = "profiling-frequency = 20\nprofiling-duration = 30\noutput-dir = /file\n";
  variables_ = {{"GPROFILER_PROFILING_FREQUENCY", "40"}, {"GPROFILER_PROFILING_DURATION", "50"}};
  const auto options = parsed({"-f", "99"});
  EXPECT_EQ(options.frequency_hz, 99U);
  EXPECT_EQ(options.duration, std::chrono::seconds(50));
  EXPECT_EQ(options.output_directory, "/file");
  EXPECT_TRUE(options.flamegraph);
  EXPECT_EQ(path_, kDefaultConfig);
  EXPECT_FALSE(asked_for_);
}

TEST_F(Precedence, ListsAreReplacedNotJoined) {
  file_ = "pids = 1,2\noutput-dir = /x";
  EXPECT_EQ(parsed({}).pids, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(parsed({"-p", "7"}).pids, (std::vector<int32_t>{7}));
}

TEST_F(Precedence, SwitchesCanBeOnAndOff) {
  file_ = "output-dir = /x\ncontinuous = true\nflamegraph = no\nrotating-output\n";
  const auto options = parsed({});
  EXPECT_TRUE(options.continuous);
  EXPECT_FALSE(options.flamegraph);
  EXPECT_TRUE(options.rotating);
  variables_["GPROFILER_CONTINUOUS"] = "false";
  EXPECT_FALSE(parsed({}).continuous);
  variables_["GPROFILER_CONTINUOUS"] = "perhaps";
  EXPECT_THAT(parse({}).error().message(), HasSubstr("GPROFILER_CONTINUOUS"));
}

TEST_F(Precedence, UnknownKeysAreToldInOneLine) {
  file_ = "output-dir = /x\nfrequenzy = 1\nhelp = true\nother = 2\n";
  const auto refused = parse({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(refused.error().message(), HasSubstr("frequenzy, help, other"));
}

TEST_F(Precedence, TheFileCanBeElsewhere) {
  file_ = "output-dir = /x";
  parsed({"--config", "/my.ini"});
  EXPECT_EQ(path_, "/my.ini");
  EXPECT_TRUE(asked_for_);
  variables_["GPROFILER_CONFIG"] = "/env.ini";
  parsed({});
  EXPECT_EQ(path_, "/env.ini");
}

TEST_F(Precedence, BadValuesAreRefusedWhereverTheyComeFrom) {
  file_ = "output-dir = /x\nprofiling-frequency = fast";
  EXPECT_THAT(parse({}).error().message(), HasSubstr("fast"));
  file_ = "output-dir = /x\nprofiling-frequency";
  EXPECT_THAT(parse({}).error().message(), HasSubstr("value"));
}

}  // namespace
}  // namespace gp::app
