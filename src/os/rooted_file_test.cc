#include "os/rooted_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gp::os {
namespace {

class RootedFile : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(root_ / "tmp");
    std::ofstream(root_ / "tmp/file") << "inside";
    std::filesystem::create_symlink("/tmp/file", root_ / "absolute");
    std::filesystem::create_symlink("../../../../../../etc/passwd", root_ / "tmp/escape");
    ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_ =
      std::filesystem::path(testing::TempDir()) / ("rooted_file." + std::to_string(::getpid()));
};

TEST_F(RootedFile, FollowsLinksInsideTheRoot) {
  const auto fd = open_in_root(root_, "/absolute");
  ASSERT_TRUE(fd) << fd.error().message();
  EXPECT_EQ(*read_all(fd->get(), 100, "file"), "inside");
}

TEST_F(RootedFile, NeverLeavesTheRoot) {
  const auto fd = open_in_root(root_, "/tmp/escape");
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code(), ErrorCode::kNotFound);
}

TEST_F(RootedFile, ListsDirectoriesWithinBounds) {
  EXPECT_THAT(*list_in_root(root_, "/tmp", 10), testing::UnorderedElementsAre("file", "escape"));
  EXPECT_EQ(list_in_root(root_, "/tmp", 1).error().code(), ErrorCode::kLimit);
  EXPECT_FALSE(list_in_root(root_, "/tmp/file", 10));
  EXPECT_FALSE(list_in_root(root_, "/nowhere", 10));
}

TEST_F(RootedFile, OpensRegularFilesOnly) {
  EXPECT_EQ(open_in_root(root_, "/fifo").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(open_in_root(root_, "/tmp").error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(S_ISFIFO(stat_in_root(root_, "/fifo")->st_mode));
}

TEST_F(RootedFile, TakesTheHostsRootByDefault) { EXPECT_TRUE(open_in_root("", "/etc/passwd")); }

}  // namespace
}  // namespace gp::os
