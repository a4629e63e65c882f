#include "os/proc_maps.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace gp::os {
namespace {

TEST(ProcMaps, ParsesLines) {
  const auto file = parse_maps_line("7f00a000-7f00c000 r-xp 00026000 fe:01 1234    /usr/lib/a b.so (deleted)");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->start, 0x7f00a000U);
  EXPECT_EQ(file->end, 0x7f00c000U);
  EXPECT_EQ(file->offset, 0x26000U);
  EXPECT_EQ(file->dev_major, 0xfeU);
  EXPECT_EQ(file->dev_minor, 1U);
  EXPECT_EQ(file->inode, 1234U);
  EXPECT_TRUE(file->readable && file->executable);
  EXPECT_FALSE(file->writable || file->shared);
  EXPECT_EQ(file->path, "/usr/lib/a b.so (deleted)");
  const auto anonymous = parse_maps_line("ffffffffff600000-ffffffffff601000 rw-s 00000000 00:00 0 ");
  ASSERT_TRUE(anonymous);
  EXPECT_EQ(anonymous->path, "");
  EXPECT_TRUE(anonymous->writable && anonymous->shared);
}

TEST(ProcMaps, RefusesBrokenLines) {
  for (const char* bad :
       {"", "x", "10-", "10-20", "20-10 r-xp 0 0:0 0", "10-20 r-x", "10-20 r-xp 0 00:00", "10-20 r-xp 0 0000 1 /x",
        "10-20 r-xp 0 00:00 1/x", "g-20 r-xp 0 00:00 1 /x", "11111111111111111-2 r-xp 0 00:00 1 /x"}) {
    EXPECT_FALSE(parse_maps_line(bad)) << bad;
  }
}

TEST(ProcMaps, JoinsLinesCutAnywhere) {
  const std::string text =
      "1000-2000 r-xp 0 01:02 3 /a\nbroken\n3000-4000 rw-p 0 00:00 0 \n5000-6000 r--p 0 1:2 3 /b\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    std::string seen;
    MapsParser parser([&](const MapsEntry& entry) {
      seen += fmt::format("{:x}{} ", entry.start, entry.path);
      return true;
    });
    EXPECT_TRUE(parser.feed(std::string_view(text).substr(0, cut)));
    EXPECT_TRUE(parser.feed(std::string_view(text).substr(cut)));
    EXPECT_EQ(seen, "1000/a 3000 5000/b ");
    EXPECT_EQ(parser.scan().entries, 3U);
    EXPECT_EQ(parser.scan().malformed, 1U);
  }
}

TEST(ProcMaps, DropsEndlessLines) {
  int entries = 0;
  MapsParser parser([&](const MapsEntry&) {
    ++entries;
    return entries < 2;
  });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(parser.feed(std::string(4096, 'x')));
  EXPECT_TRUE(parser.feed("tail\n1000-2000 r-xp 0 01:02 3 /a\n"));
  EXPECT_EQ(parser.scan().malformed, 1U);
  EXPECT_FALSE(parser.feed("1000-2000 r-xp 0 01:02 3 /a\nmore"));
  EXPECT_EQ(entries, 2);
}

TEST(ProcMaps, ReadsItself) {
  bool found = false;
  const auto here = reinterpret_cast<uint64_t>(&parse_maps_line);
  const auto scan = for_each_mapping(::getpid(), [&](const MapsEntry& entry) {
    found |= entry.executable && entry.start <= here && here < entry.end && entry.path.ends_with("gp_os_test");
    return true;
  });
  ASSERT_TRUE(scan);
  EXPECT_TRUE(found);
  EXPECT_EQ(scan->malformed, 0U);
  EXPECT_EQ(for_each_mapping(0x7ffffff0, [](const MapsEntry&) { return true; }).error().code(), ErrorCode::kNotFound);
}

TEST(ProcMaps, ReadsThirtyThousandMappings) {
  constexpr size_t kPages = 30'000;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* area = ::mmap(nullptr, kPages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(area, MAP_FAILED);
  for (size_t i = 0; i < kPages; i += 2) ::mprotect(static_cast<char*>(area) + i * page, page, PROT_READ);
  const auto scan = for_each_mapping(::getpid(), [](const MapsEntry&) { return true; });
  ::munmap(area, kPages * page);
  ASSERT_TRUE(scan);
  EXPECT_GE(scan->entries, kPages);
}

}  // namespace
}  // namespace gp::os
