#include "os/unique_fd.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace gp::os {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, ClosesWhatItOwns) {
  int raw = -1;
  {
    auto fd = open_file("/dev/null");
    ASSERT_TRUE(fd);
    raw = fd->get();
    EXPECT_EQ(::fcntl(raw, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    UniqueFd other = std::move(*fd);
    EXPECT_FALSE(*fd);
    EXPECT_EQ(other.get(), raw);
    UniqueFd& alias = other;
    other = std::move(alias);
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(ReadFile, IsBounded) {
  EXPECT_EQ(read_file("/nonexistent", 10).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(read_file("/dev/zero", 100'000).error().code(), ErrorCode::kLimit);
  EXPECT_EQ(*read_file("/dev/null", 0), "");
  const auto own = read_file("/proc/self/comm", 16);
  ASSERT_TRUE(own);
  EXPECT_EQ(*own, "gp_os_test\n");
  EXPECT_TRUE(read_file("/proc/self/comm", own->size()));
  EXPECT_FALSE(read_file("/proc/self/comm", own->size() - 1));
}

TEST(WriteAll, TellsAFullDevice) {
  const auto full = open_file("/dev/full", O_WRONLY);
  ASSERT_TRUE(full);
  EXPECT_EQ(write_all(full->get(), "text", "x").error().system_errno(), ENOSPC);
}

TEST(ReadLink, GivesTarget) {
  EXPECT_TRUE(read_link("/proc/self/exe")->ends_with("/gp_os_test"));
  EXPECT_EQ(read_link("/nonexistent").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace gp::os
