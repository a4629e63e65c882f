#include "targets/file_table.h"

#include <gtest/gtest.h>

namespace gp::targets {
namespace {

class FileTableTest : public testing::Test {
 protected:
  std::shared_ptr<CodeFile> get(uint64_t inode, bool expect_new) {
    bool added = false;
    auto file = table_.find_or_add({.dev_major = 8, .dev_minor = 1, .inode = inode}, "/bin/x", &added);
    EXPECT_EQ(added, expect_new);
    return file;
  }
  std::vector<uint32_t> collect() {
    std::vector<uint32_t> retired;
    table_.collect(now_ns_, [&retired](const std::shared_ptr<CodeFile>& file) { retired.push_back(file->slot); });
    return retired;
  }
  FileTable table_{3};
  uint64_t now_ns_ = 1;
};

TEST_F(FileTableTest, SharesAFileByItsKey) {
  const auto file = get(1, true);
  EXPECT_EQ(get(1, false), file);
  EXPECT_NE(get(2, true), file);
  EXPECT_EQ(table_.in_slot(file->slot), file);
  EXPECT_EQ(table_.in_slot(2), nullptr);
  EXPECT_EQ(table_.in_slot(1000), nullptr);
}

TEST_F(FileTableTest, RefusesMoreFilesThanSlots) {
  const auto a = get(1, true);
  const auto b = get(2, true);
  const auto c = get(3, true);
  EXPECT_EQ(get(4, false), nullptr);
  EXPECT_EQ(table_.refused(), 1U);
  EXPECT_EQ(get(3, false), c);
}

TEST_F(FileTableTest, ASlotComesBackWithTheCallAfterTheOneThatFreedIt) {
  auto a = get(1, true);
  auto b = get(2, true);
  const auto c = get(3, true);
  EXPECT_TRUE(collect().empty());
  a.reset();
  b.reset();
  EXPECT_EQ(collect(), (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(table_.in_slot(0), nullptr);
  EXPECT_EQ(get(4, false), nullptr) << "records that name the slot may still be in the ring";
  EXPECT_TRUE(collect().empty());
  EXPECT_NE(get(1, true), nullptr);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(FileTableTest, KeepsAFileThatMayRunAgainSoon) {
  const uint32_t slot = get(1, true)->slot;
  EXPECT_TRUE(collect().empty());
  now_ns_ += kKeepNs - 1;
  EXPECT_TRUE(collect().empty());
  EXPECT_EQ(get(1, false)->slot, slot);
  now_ns_ += 1;
  EXPECT_EQ(collect(), std::vector<uint32_t>{slot});
}

TEST_F(FileTableTest, AForgottenFileLivesOnBesideItsSuccessor) {
  auto before = get(1, true);
  table_.forget(*before);
  const auto after = get(1, true);
  EXPECT_NE(before->slot, after->slot);
  EXPECT_EQ(table_.in_slot(before->slot), before);
  table_.forget(*before);  // again: the key is the other's
  EXPECT_EQ(get(1, false), after);
  const uint32_t slot = before->slot;
  before.reset();
  EXPECT_EQ(collect(), std::vector<uint32_t>{slot});
  EXPECT_EQ(get(1, false), after);
}

}  // namespace
}  // namespace gp::targets
