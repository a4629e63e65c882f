#include "symbols/index_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "elf/test_file.h"

namespace gp::symbols {
namespace {

class IndexCacheFiles : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(dir_); }
  SymbolIndex make(IndexCache& cache, const IndexIdentity& identity) {
    return cache.make(identity, IndexSources(image_, {})).value();
  }
  [[nodiscard]] size_t files() const {
    const std::filesystem::directory_iterator entries(dir_);
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  elf::Image image_ = [] {
    elf::TestFile file;
    file.code(".text", 0x1000, std::vector<uint8_t>(0x100));
    file.symtab({{"main", 0x1000, 8}});
    return file.image();
  }();
  std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) / ("index_cache." + std::to_string(::getpid()));
};

TEST_F(IndexCacheFiles, KeepsIndexesAcrossRuns) {
  const IndexIdentity identity{{1, 2}, 3};
  {
    IndexCache cache(dir_ / "made/on/demand", 1U << 20U);
    EXPECT_FALSE(cache.find(identity));
    EXPECT_EQ(make(cache, identity).memory_bytes(), 0U);
    EXPECT_EQ(cache.counts().made, 1U);
  }
  IndexCache cache(dir_ / "made/on/demand", 1U << 20U);
  const auto index = cache.find(identity);
  ASSERT_TRUE(index);
  EXPECT_EQ(index->find({0x1000})->name, "main");
  EXPECT_FALSE(cache.find({{1, 2}, 4}));  // another debug file is there now
}

TEST_F(IndexCacheFiles, RemovesDamagedFiles) {
  const IndexIdentity identity{{1, 2}, 3};
  IndexCache cache(dir_, 1U << 20U);
  make(cache, identity);
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) std::filesystem::resize_file(entry.path(), 100);
  EXPECT_FALSE(cache.find(identity));
  EXPECT_EQ(cache.counts().damaged, 1U);
  EXPECT_EQ(files(), 0U);
}

TEST_F(IndexCacheFiles, RemovesWhatWasUsedLongestAgo) {
  const uint64_t one = [&] {
    IndexCache cache(dir_, 1U << 20U);
    make(cache, {{1, 0}, 0});
    return std::filesystem::file_size(std::filesystem::directory_iterator(dir_)->path());
  }();
  IndexCache cache(dir_, one * 3 + one / 2);
  for (uint64_t i = 2; i <= 3; ++i) {
    ::usleep(10'000);
    make(cache, {{i, 0}, 0});
  }
  ::usleep(10'000);
  EXPECT_TRUE(cache.find({{1, 0}, 0}));  // now the youngest
  ::usleep(10'000);
  make(cache, {{4, 0}, 0});
  EXPECT_EQ(cache.counts().evicted, 1U);
  EXPECT_TRUE(cache.find({{1, 0}, 0}));
  EXPECT_FALSE(cache.find({{2, 0}, 0}));
  EXPECT_TRUE(cache.find({{4, 0}, 0}));
}

TEST_F(IndexCacheFiles, WorksInMemoryWithoutADirectory) {
  IndexCache cache("/proc/nowhere", 1U << 20U);
  EXPECT_TRUE(cache.error());
  const auto index = make(cache, {{1, 2}, 3});
  EXPECT_GT(index.memory_bytes(), 0U);
  EXPECT_EQ(index.find({0x1000})->name, "main");
  EXPECT_EQ(cache.counts().in_memory, 1U);
}

TEST_F(IndexCacheFiles, UsesNoDirectoryThatOthersMayWriteTo) {
  std::filesystem::create_directories(dir_);
  ::chmod(dir_.c_str(), 0777);
  const IndexCache cache(dir_, 1U << 20U);
  ASSERT_TRUE(cache.error());
  EXPECT_EQ(cache.error()->code(), ErrorCode::kPermission);
}

}  // namespace
}  // namespace gp::symbols
