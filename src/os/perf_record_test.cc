#include "os/perf_record.h"

#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

namespace gp::os {
namespace {

template <class T>
void put(std::vector<uint8_t>& bytes, T value) {
  for (const uint8_t byte : std::bit_cast<std::array<uint8_t, sizeof(value)>>(value)) bytes.push_back(byte);
}

void put_text(std::vector<uint8_t>& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  do bytes.push_back(0);
  while (bytes.size() % 8 != 0);
}

// Adds header and trailer to a body.
std::vector<uint8_t> record(uint32_t type, uint16_t misc, const std::vector<uint8_t>& body, uint64_t time_ns = 77) {
  std::vector<uint8_t> bytes;
  const size_t size = sizeof(perf_event_header) + body.size() + kSampleIdBytes;
  put(bytes, perf_event_header{type, misc, static_cast<uint16_t>(size)});
  bytes.insert(bytes.end(), body.begin(), body.end());
  put(bytes, int32_t{5});
  put(bytes, int32_t{6});
  put(bytes, time_ns);
  put(bytes, uint32_t{3});
  put(bytes, uint32_t{0});
  return bytes;
}

std::vector<uint8_t> fork_record(int32_t pid) {
  std::vector<uint8_t> body;
  for (const int32_t value : {pid, 10, pid, 11}) put(body, value);
  put(body, uint64_t{77});
  return record(PERF_RECORD_FORK, 0, body);
}

std::vector<uint8_t> mmap_body(std::string_view path) {
  std::vector<uint8_t> body;
  put(body, int32_t{42});
  put(body, int32_t{43});
  for (const uint64_t value : {0x400000UL, 0x1000UL, 0x2000UL}) put(body, uint64_t{value});
  put(body, uint32_t{8});
  put(body, uint32_t{1});
  put(body, uint64_t{99});
  put(body, uint64_t{7});
  put(body, uint32_t{5});
  put(body, uint32_t{2});
  put_text(body, path);
  return body;
}

TEST(PerfRecord, DecodesMmapWithFileIdentity) {
  const auto bytes = record(PERF_RECORD_MMAP2, 0, mmap_body("/usr/bin/true"));
  const auto event = decode_sideband(bytes);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->time_ns, 77U);
  EXPECT_EQ(event->cpu, 3U);
  const auto& mmap = std::get<MmapEvent>(event->body);
  EXPECT_EQ(mmap.pid, 42);
  EXPECT_EQ(mmap.tid, 43);
  EXPECT_EQ(mmap.address, 0x400000U);
  EXPECT_EQ(mmap.length, 0x1000U);
  EXPECT_EQ(mmap.offset, 0x2000U);
  EXPECT_EQ(mmap.dev_major, 8U);
  EXPECT_EQ(mmap.dev_minor, 1U);
  EXPECT_EQ(mmap.inode, 99U);
  EXPECT_EQ(mmap.inode_generation, 7U);
  EXPECT_EQ(mmap.build_id_bytes, 0);
  EXPECT_EQ(mmap.protection, 5U);
  EXPECT_EQ(mmap.path, "/usr/bin/true");
}

TEST(PerfRecord, DecodesMmapWithBuildId) {
  auto body = mmap_body("/x");
  body[32] = 200;  // a length the field cannot hold
  for (size_t i = 36; i < 56; ++i) body[i] = static_cast<uint8_t>(i);
  const auto bytes = record(PERF_RECORD_MMAP2, PERF_RECORD_MISC_MMAP_BUILD_ID, body);
  const auto event = decode_sideband(bytes);
  ASSERT_TRUE(event);
  const auto& mmap = std::get<MmapEvent>(event->body);
  EXPECT_EQ(mmap.build_id_bytes, 20);
  EXPECT_EQ(mmap.build_id.front(), 36);
  EXPECT_EQ(mmap.build_id.back(), 55);
  EXPECT_EQ(mmap.inode, 0U);
  EXPECT_EQ(mmap.path, "/x");
}

TEST(PerfRecord, TellsExecFromRename) {
  std::vector<uint8_t> body;
  put(body, int32_t{1});
  put(body, int32_t{2});
  put_text(body, "a name");
  const auto exec = record(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, body);
  const auto renamed = record(PERF_RECORD_COMM, 0, body);
  EXPECT_TRUE(std::get<CommEvent>(decode_sideband(exec)->body).exec);
  EXPECT_FALSE(std::get<CommEvent>(decode_sideband(renamed)->body).exec);
  EXPECT_EQ(std::get<CommEvent>(decode_sideband(renamed)->body).name, "a name");
}

TEST(PerfRecord, DecodesLost) {
  std::vector<uint8_t> body;
  put(body, uint64_t{1});
  put(body, uint64_t{1234});
  const auto bytes = record(PERF_RECORD_LOST, 0, body);
  EXPECT_EQ(std::get<LostEvent>(decode_sideband(bytes)->body).count, 1234U);
}

TEST(PerfRecord, RefusesEveryTruncation) {
  const auto whole = record(PERF_RECORD_MMAP2, 0, mmap_body("/usr/bin/true"));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_sideband(Bytes(whole).first(size))) << size;
  }
  auto bytes = record(PERF_RECORD_FORK, 0, std::vector<uint8_t>(8));
  EXPECT_FALSE(decode_sideband(bytes));
}

// Lays records into a ring of 256 bytes from every possible start, so that some wrap at every byte.
TEST(PerfRecord, JoinsWrappedRecords) {
  std::vector<uint8_t> stream;
  for (const int32_t pid : {100, 101, 102}) {
    const auto one = fork_record(pid);
    stream.insert(stream.end(), one.begin(), one.end());
  }
  ASSERT_LE(stream.size(), 256U);
  for (uint64_t tail = 0; tail < 256; tail += 8) {
    std::vector<uint8_t> ring(256);
    for (size_t i = 0; i < stream.size(); ++i) ring[(tail + i) % 256] = stream[i];
    std::vector<int32_t> pids;
    const auto count = drain_records(ring, tail, tail + stream.size(), [&](const SidebandEvent& event) {
      pids.push_back(std::get<ForkEvent>(event.body).pid);
    });
    EXPECT_EQ(pids, (std::vector<int32_t>{100, 101, 102}));
    EXPECT_EQ(count.events, 3U);
    EXPECT_FALSE(count.corrupt);
  }
}

TEST(PerfRecord, StopsAtImpossibleSizes) {
  std::vector<uint8_t> ring(256);
  const auto one = fork_record(1);
  std::ranges::copy(one, ring.begin());
  auto ignore = [](const SidebandEvent&) {};
  auto count = drain_records(ring, 0, one.size() + 16, ignore);  // a header of zeros follows
  EXPECT_EQ(count.events, 1U);
  EXPECT_TRUE(count.corrupt);
  EXPECT_TRUE(drain_records(ring, 0, one.size() - 8, ignore).corrupt);
  EXPECT_TRUE(drain_records(ring, 0, 4, ignore).corrupt);
  EXPECT_TRUE(drain_records(ring, 0, 1000, ignore).corrupt);
}

}  // namespace
}  // namespace gp::os
