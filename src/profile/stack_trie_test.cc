#include "profile/stack_trie.h"

#include <gtest/gtest.h>

namespace gp::profile {
namespace {

TEST(StackTrie, MergesEqualFramesAndPaths) {
  StackTrie trie;
  const uint32_t main = trie.add_frame({.value = 0x10, .owner = 1});
  const uint32_t work = trie.add_frame({.value = 0x20, .owner = 1});
  EXPECT_EQ(trie.add_frame({.value = 0x10, .owner = 1}), main);
  EXPECT_NE(trie.add_frame({.value = 0x10, .owner = 2}), main);
  const uint32_t a = trie.child(0, main);
  const uint32_t b = trie.child(a, work);
  EXPECT_EQ(trie.child(trie.child(0, main), work), b);
  EXPECT_EQ(trie.nodes()[b].parent, a);
  EXPECT_NE(trie.child(0, work), b);
}

TEST(StackTrie, KeepsEverythingWhileGrowing) {
  StackTrie trie;
  uint32_t parent = 0;
  for (uint64_t i = 0; i < 100'000; ++i) parent = trie.child(i % 50 == 0 ? 0 : parent, trie.add_frame({.value = i}));
  EXPECT_EQ(trie.nodes().size(), 100'001U);
  parent = 0;
  for (uint64_t i = 0; i < 100'000; ++i) parent = trie.child(i % 50 == 0 ? 0 : parent, trie.add_frame({.value = i}));
  EXPECT_EQ(trie.nodes().size(), 100'001U);
  for (uint32_t i = 1; i < trie.nodes().size(); ++i) EXPECT_LT(trie.nodes()[i].parent, i);
}

TEST(StackTrie, IsSmallerOnceSealed) {
  StackTrie trie;
  uint32_t parent = 0;
  for (uint64_t i = 0; i < 100'000; ++i)
    parent = trie.child(i % 50 == 0 ? 0 : parent, trie.add_frame({.value = i / 50 + i % 50}));
  const size_t before = trie.memory_bytes();
  trie.seal();
  EXPECT_LT(trie.memory_bytes(), before * 2 / 3);
  EXPECT_EQ(trie.nodes().size(), 100'001U);
  EXPECT_DEATH(trie.child(0, 0), "");
}

}  // namespace
}  // namespace gp::profile
