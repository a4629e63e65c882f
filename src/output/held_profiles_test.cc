#include "output/held_profiles.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/example_profile.h"

namespace gp::output {
namespace {

namespace fs = std::filesystem;

constexpr std::array kAll = {Format::kCollapsed, Format::kHtml, Format::kPprof};
constexpr int64_t kMinuteNs = 60'000'000'000;

// A directory that can be made only once `free` is called: there is a file in its place.
class HeldProfilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "gp-held-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    directory_ = root_ + "/out";
    std::ofstream(directory_) << "in the way";
  }
  void TearDown() override { fs::remove_all(root_); }

  void free() const { fs::remove(directory_); }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_)) found.insert(entry.path().filename());
    return found;
  }
  Result<WrittenFiles> write(HeldProfiles& held, int minute, Retention retention = Retention::kAll) const {
    auto profile = test::example_profile();
    profile.end_unix_ns += minute * kMinuteNs;
    return held.write(directory_, profile, kAll, retention);
  }

  std::string root_;
  std::string directory_;
};

TEST_F(HeldProfilesTest, AreWrittenBeforeTheNextOne) {
  HeldProfiles held;
  EXPECT_FALSE(write(held, 0));
  EXPECT_FALSE(write(held, 1));
  EXPECT_EQ(held.count(), 2U);
  EXPECT_EQ(account("outputs held").bytes(), held.bytes());
  free();
  const auto late = held.write_held();
  ASSERT_EQ(late.size(), 2U);
  EXPECT_EQ(late[0].files[0].path, directory_ + "/profile_2026-08-05T10:15:30.col");
  const auto third = write(held, 2);
  ASSERT_TRUE(third) << third.error().message();
  EXPECT_EQ(held.count(), 0U);
  EXPECT_EQ(held.bytes(), 0U);
  EXPECT_EQ(held.dropped(), 0U);
  EXPECT_EQ(account("outputs held").bytes(), 0U);
  EXPECT_EQ(names().size(), 12U);  // three of each format, and the links
  EXPECT_EQ(fs::read_symlink(directory_ + "/last_profile.col"), "profile_2026-08-05T10:17:30.col");
  for (const Format format : kAll) {
    StringSink sink;
    output::write(format, test::example_profile(), sink);
    std::ifstream file(fmt::format("{}/profile_2026-08-05T10:15:30{}", directory_, format_extension(format)),
                       std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), sink.text());
  }
}

TEST_F(HeldProfilesTest, DropTheOldestOverTheirBound) {
  HeldProfiles probe;
  EXPECT_FALSE(write(probe, 0));
  HeldProfiles held(probe.bytes() * 5 / 2);
  for (int minute = 0; minute < 5; ++minute) EXPECT_FALSE(write(held, minute));
  EXPECT_EQ(held.count(), 2U);
  EXPECT_EQ(held.dropped(), 3U);
  EXPECT_LE(held.bytes(), probe.bytes() * 5 / 2);
  free();
  held.write_held();
  EXPECT_TRUE(names().contains("profile_2026-08-05T10:19:30.col"));
  EXPECT_TRUE(names().contains("profile_2026-08-05T10:18:30.col"));
  EXPECT_EQ(names().size(), 9U);
  HeldProfiles tiny(100);
  EXPECT_FALSE(tiny.write(root_ + "/out/last_profile.col/x", test::example_profile(), kAll, Retention::kAll));
  EXPECT_EQ(tiny.count(), 0U);
  EXPECT_EQ(tiny.dropped(), 1U);
}

TEST_F(HeldProfilesTest, OnlyTheNewestWaitsWhereOnlyTheNewestIsKept) {
  HeldProfiles held;
  EXPECT_FALSE(write(held, 0, Retention::kNewest));
  EXPECT_FALSE(write(held, 1, Retention::kNewest));
  EXPECT_EQ(held.count(), 1U);
  EXPECT_EQ(held.dropped(), 0U);
}

TEST_F(HeldProfilesTest, OfOneDirectoryDoNotWaitForAnothers) {
  HeldProfiles held;
  EXPECT_FALSE(write(held, 0));
  const std::string other = root_ + "/other";
  std::ofstream(other) << "in the way";
  EXPECT_FALSE(held.write(other, test::example_profile(), kAll, Retention::kAll));
  fs::remove(other);
  held.write_held();
  EXPECT_EQ(held.count(), 1U);
  EXPECT_TRUE(fs::exists(other + "/profile_2026-08-05T10:15:30.col"));
}

TEST_F(HeldProfilesTest, WhatIsWrittenIsNotHeldForALink) {
  free();
  fs::create_directories(directory_ + "/last_profile.col/full");
  HeldProfiles held;
  EXPECT_FALSE(write(held, 0));
  EXPECT_EQ(held.count(), 0U);
  EXPECT_TRUE(fs::exists(directory_ + "/profile_2026-08-05T10:15:30.col"));
}

}  // namespace
}  // namespace gp::output
