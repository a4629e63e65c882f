#include "os/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <numeric>
#include <utility>

namespace gp::os {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = mkstemp(path_.data());
    ASSERT_GE(fd_, 0);
  }
  void TearDown() override {
    close(fd_);
    unlink(path_.c_str());
  }
  void grow(off_t size) { ASSERT_EQ(ftruncate(fd_, size), 0); }

  std::string path_ = testing::TempDir() + "mapped_file_XXXXXX";
  int fd_ = -1;
};

uint64_t sum(Bytes bytes) { return std::accumulate(bytes.begin(), bytes.end(), uint64_t{0}); }

TEST_F(MappedFileTest, MapsWholeFile) {
  ASSERT_EQ(write(fd_, "hello", 5), 5);
  auto file = MappedFile::open(path_);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->bytes().size(), 5U);
  EXPECT_EQ(file->bytes()[4], 'o');
  EXPECT_FALSE(file->damaged());
}

TEST_F(MappedFileTest, EmptyFileIsEmpty) {
  auto file = MappedFile::map(fd_);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes().empty());
}

TEST_F(MappedFileTest, MovesOwnership) {
  grow(10);
  auto file = MappedFile::map(fd_);
  ASSERT_TRUE(file);
  MappedFile other = std::move(*file);
  EXPECT_TRUE(file->bytes().empty());
  EXPECT_EQ(other.bytes().size(), 10U);
  other = MappedFile();
  EXPECT_TRUE(other.bytes().empty());
}

TEST_F(MappedFileTest, TruncatedFileReadsAsZeros) {
  const std::string text(3 << 16, 'x');
  ASSERT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  auto file = MappedFile::map(fd_);
  ASSERT_TRUE(file);
  grow(1 << 16);
  EXPECT_EQ(sum(file->bytes()), (1U << 16) * uint64_t{'x'});
  EXPECT_TRUE(file->damaged());
}

TEST_F(MappedFileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(MappedFile::open("/dev/null").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(MappedFile::open("/").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(MappedFile::open(path_ + ".none").error().code(), ErrorCode::kNotFound);
}

TEST_F(MappedFileTest, SlotsAreGivenBack) {
  grow(4096);
  for (int i = 0; i < 20000; ++i) ASSERT_TRUE(MappedFile::map(fd_));
}

}  // namespace
}  // namespace gp::os
