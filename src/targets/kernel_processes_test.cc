#include "targets/kernel_processes.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "walk/testing/plain_tables.h"

namespace gp::targets {
namespace {

std::vector<gp_mapping> mappings(uint32_t count, uint64_t mark = 0) {
  std::vector<gp_mapping> all;
  all.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    all.push_back({.start = i * 0x1000, .end = i * 0x1000 + 0x800, .offset = mark, .file = 0, .flags = 0});
  }
  return all;
}

class KernelProcessesTest : public testing::Test {
 protected:
  const gp_process* find(int32_t pid) { return entry_of(pid); }
  gp_process* entry_of(int32_t pid) {
    for (auto& bucket : plain_.tables.processes) {
      for (auto& entry : bucket.entries) {
        if (entry.pid == static_cast<uint32_t>(pid)) return &entry;
      }
    }
    return nullptr;
  }
  bool store(int32_t pid, uint64_t start_ticks = 1, uint64_t word = 0) {
    return processes_.store({.key = {.pid = pid, .start_ticks = start_ticks}, .mappings = word});
  }

  walk::PlainTables plain_{{.buckets = 4, .mappings = 64, .files = 1, .pages = 1, .runtimes = 1}};
  KernelProcesses processes_{&plain_.tables};
};

TEST_F(KernelProcessesTest, StoresUpdatesAndRemoves) {
  EXPECT_TRUE(store(5, 100, 7));
  ASSERT_NE(find(5), nullptr);
  EXPECT_EQ(find(5)->start_ticks, 100U);
  EXPECT_EQ(find(5)->mappings, 7U);
  EXPECT_TRUE(
      processes_.store({.key = {.pid = 5, .start_ticks = 100}, .mappings = 8, .sessions = 1, .runtimes = {0, 3}}));
  EXPECT_EQ(find(5)->mappings, 8U);
  EXPECT_EQ(find(5)->sessions, 1U);
  EXPECT_EQ(find(5)->runtime[GP_RUNTIME_PYTHON], 3U);
  EXPECT_TRUE(store(5, 200, 9)) << "the pid was used again";
  EXPECT_EQ(find(5)->start_ticks, 200U);
  processes_.remove(5);
  EXPECT_EQ(find(5), nullptr);
  processes_.remove(5);
}

TEST_F(KernelProcessesTest, AnExecTheKernelSawCountsUntilItIsKnown) {
  constexpr uint64_t kExec = 5'000'000'000;
  const KernelProcesses::Entry old{.key = {.pid = 5, .start_ticks = 1}, .mappings = 7};
  EXPECT_TRUE(processes_.store(old));
  EXPECT_FALSE(processes_.has_execed(5));
  entry_of(5)->exec_ns = kExec;
  EXPECT_TRUE(processes_.has_execed(5));
  EXPECT_TRUE(processes_.store(old)) << "what was known before the exec is stored once more";
  EXPECT_TRUE(processes_.has_execed(5));
  auto known = old;
  known.exec_ns = kExec + 1;  // the event comes a little later
  EXPECT_TRUE(processes_.store(known));
  EXPECT_FALSE(processes_.has_execed(5));
  EXPECT_FALSE(processes_.has_execed(6)) << "nothing is known of it";
}

TEST_F(KernelProcessesTest, AnExecOnlyTheAgentHeardOfIsKnown) {
  constexpr uint64_t kExec = 54'000'000'000'000;  // hours after the host began
  EXPECT_TRUE(store(5, 1));
  EXPECT_TRUE(processes_.store({.key = {.pid = 5, .start_ticks = 1}, .exec_ns = kExec}));
  EXPECT_FALSE(processes_.has_execed(5)) << "before the kernel side was there";
}

TEST_F(KernelProcessesTest, AnExecOfWhoHadThePidBeforeIsNotOfTheNextOne) {
  EXPECT_TRUE(store(5, 100));
  entry_of(5)->exec_ns = 5'000'000'000;
  EXPECT_TRUE(store(5, 200));
  EXPECT_FALSE(processes_.has_execed(5));
  entry_of(5)->exec_ns = 6'000'000'000;
  processes_.remove(5);
  EXPECT_TRUE(store(5, 200));
  EXPECT_FALSE(processes_.has_execed(5));
}

TEST_F(KernelProcessesTest, AFullBucketRefusesAndCounts) {
  for (int32_t i = 0; i < GP_BUCKET_ENTRIES; ++i) EXPECT_TRUE(store(1 + 4 * i));
  EXPECT_FALSE(store(101));
  EXPECT_EQ(processes_.no_room(), 1U);
  EXPECT_TRUE(store(1, 2)) << "those it has stay";
  EXPECT_TRUE(store(2)) << "other buckets have room";
  processes_.remove(5);
  EXPECT_TRUE(store(101));
  EXPECT_NE(find(101), nullptr);
}

TEST_F(KernelProcessesTest, PlacesARun) {
  const auto run = processes_.make_run(mappings(10, 42));
  EXPECT_EQ(GP_MAPPINGS_COUNT(run->word), 10U);
  EXPECT_EQ(GP_MAPPINGS_FIRST(run->word), run->first);
  EXPECT_NE(run->word >> 48U, 0U);
  EXPECT_EQ(plain_.tables.mappings[run->first + 9].start, 0x9000U);
  EXPECT_EQ(plain_.tables.mappings[run->first + 9].offset, 42U);
  EXPECT_EQ(processes_.pool_used(), 10U);
}

TEST_F(KernelProcessesTest, ARunIsSharedUntilTheLastProcessLeaves) {
  auto run = processes_.make_run(mappings(10));
  auto shared = run;
  run.reset();
  EXPECT_EQ(processes_.pool_used(), 10U);
  shared.reset();
  EXPECT_EQ(processes_.pool_used(), 0U);
}

TEST_F(KernelProcessesTest, ARangeRestsBeforeItIsUsedAgain) {
  processes_.make_run(mappings(64));
  const auto second = processes_.make_run(mappings(64));
  EXPECT_EQ(second->word, 0U) << "no room: walked natively only";
  EXPECT_EQ(second->mappings.size(), 64U);
  EXPECT_EQ(processes_.no_room(), 1U);
  std::this_thread::sleep_for(std::chrono::nanoseconds(walk::kGraceNs));
  EXPECT_NE(processes_.make_run(mappings(64))->word, 0U);
}

TEST_F(KernelProcessesTest, NoMappingsNeedNoRoom) {
  const auto run = processes_.make_run({});
  EXPECT_EQ(run->word, 0U);
  EXPECT_EQ(processes_.no_room(), 0U);
}

TEST_F(KernelProcessesTest, EveryRunHasAGenerationOfItsOwn) {
  uint64_t last = 0;
  for (int i = 0; i < 70'000; ++i) {
    const auto run = processes_.make_run(mappings(1));
    if (run->word == 0) continue;  // all 64 rest
    ASSERT_NE(run->word >> 48U, 0U);
    ASSERT_NE(run->word, last);
    last = run->word;
  }
}

// Deferred samples hold runs on the loader's thread while the reader makes new ones.
TEST_F(KernelProcessesTest, AnyThreadMayDropARunLast) {
  std::vector<std::shared_ptr<const MappingRun>> held;
  for (int turn = 0; turn < 200; ++turn) {
    for (uint32_t i = 0; i < 4; ++i) held.push_back(processes_.make_run(mappings(1 + i)));
    std::jthread other([dropped = std::move(held)]() mutable { dropped.clear(); });
    held.clear();
    for (uint32_t i = 0; i < 4; ++i) processes_.make_run(mappings(1 + i));
  }
  EXPECT_EQ(processes_.pool_used(), 0U);
}

}  // namespace
}  // namespace gp::targets
