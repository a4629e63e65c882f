#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "output/output.h"
#include "tests/support/example_profile.h"

namespace gp::output {
namespace {

namespace fs = std::filesystem;

constexpr std::array kAll = {Format::kCollapsed, Format::kHtml, Format::kPprof};

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "gp-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_)) found.insert(entry.path().filename());
    return found;
  }
  [[nodiscard]] static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string directory_;
};

TEST_F(Files, AreNamedByTheEndOfTheWindowAndLinked) {
  const auto written = write_files(directory_, test::example_profile(), kAll);
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(names(), (std::set<std::string>{"profile_2026-08-05T10:15:30.col", "profile_2026-08-05T10:15:30.html",
                                            "profile_2026-08-05T10:15:30.pb.gz", "last_profile.col",
                                            "last_flamegraph.html", "last_profile.pb.gz"}));
  EXPECT_EQ(fs::read_symlink(directory_ + "/last_profile.col"), "profile_2026-08-05T10:15:30.col");
  ASSERT_EQ(written->files.size(), kAll.size());
  for (size_t i = 0; i < kAll.size(); ++i) {
    StringSink sink;
    write(kAll[i], test::example_profile(), sink);
    EXPECT_EQ(content(written->files[i].path), sink.text());
  }
}

TEST_F(Files, OfTheSameSecondDoNotReplaceEachOther) {
  ASSERT_TRUE(write_files(directory_, test::example_profile(), std::array{Format::kPprof}));
  const auto second = write_files(directory_, test::example_profile(), kAll);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->files[0].path, directory_ + "/profile_2026-08-05T10:15:30-2.col");
  EXPECT_EQ(second->files[2].path, directory_ + "/profile_2026-08-05T10:15:30-2.pb.gz");
  EXPECT_EQ(fs::read_symlink(directory_ + "/last_profile.pb.gz"), "profile_2026-08-05T10:15:30-2.pb.gz");
  EXPECT_EQ(names().size(), 7U);
}

TEST_F(Files, MakeTheirDirectory) {
  const std::string deep = directory_ + "/a/b/";
  const auto written = write_files(deep, test::example_profile(), std::array{Format::kCollapsed});
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(written->files[0].path, deep + "profile_2026-08-05T10:15:30.col");
}

TEST_F(Files, LeaveNothingWhenTheDirectoryIsNone) {
  const std::string path = directory_ + "/file";
  std::ofstream(path) << "here";
  const auto written = write_files(path + "/below", test::example_profile(), kAll);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message().find("choose an output directory"), std::string::npos)
      << written.error().message();
  EXPECT_FALSE(prepare_directory(path));
  EXPECT_EQ(content(path), "here");
}

TEST_F(Files, LeaveNothingWhenTheDiskIsFull) {
  // A file size limit fails a write as a full disk does, for any user, without a disk of its own.
  const rlimit small{1024, RLIM_INFINITY};
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_files(directory_, test::demo_profile(3000), kAll);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  static_cast<void>(signal(SIGXFSZ, handler));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().system_errno(), EFBIG);
  EXPECT_EQ(written.error().message().find('\n'), std::string::npos);
  EXPECT_TRUE(names().empty());
}

TEST_F(Files, SurviveALinkThatCannotBeReplaced) {
  fs::create_directories(directory_ + "/last_profile.col/full");
  const auto written = write_files(directory_, test::example_profile(), std::array{Format::kCollapsed});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message().find("is written, but"), std::string::npos) << written.error().message();
  EXPECT_EQ(names(), (std::set<std::string>{"last_profile.col", "profile_2026-08-05T10:15:30.col"}));
}

TEST_F(Files, OnlyTheNewestStayWhereAsked) {
  auto profile = test::example_profile();
  ASSERT_TRUE(write_files(directory_, profile, kAll, Retention::kNewest));
  profile.end_unix_ns += 60'000'000'000;
  ASSERT_TRUE(write_files(directory_, profile, kAll, Retention::kNewest));
  EXPECT_EQ(names(), (std::set<std::string>{"profile_2026-08-05T10:16:30.col", "profile_2026-08-05T10:16:30.html",
                                            "profile_2026-08-05T10:16:30.pb.gz", "last_profile.col",
                                            "last_flamegraph.html", "last_profile.pb.gz"}));
}

TEST_F(Files, WhatALinkOfSomebodyElsesPointsAtStays) {
  const std::string other = directory_ + "/other";
  std::ofstream(other) << "mine";
  fs::create_symlink("other", directory_ + "/last_profile.col");
  ASSERT_TRUE(write_files(directory_, test::example_profile(), kAll, Retention::kNewest));
  EXPECT_TRUE(fs::exists(other));
}

}  // namespace
}  // namespace gp::output
