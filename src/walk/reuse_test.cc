// One thread walks while another publishes, evicts and reuses: a walk may end for want of a page, never in a frame that
// is not there. The grace period is left out on purpose, so that generations alone have to protect the walk.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/clock.h"
#include "walk/native_walker.h"
#include "walk/row_pool.h"
#include "walk/testing/plain_tables.h"
#include "walk/testing/stack_world.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define GP_THREAD_SANITIZER
#endif
#endif

namespace gp::walk {
namespace {

#ifdef GP_THREAD_SANITIZER
constexpr bool kRacesAreErrors = true;
#else
constexpr bool kRacesAreErrors = false;
#endif

constexpr uint32_t kPages = 64;
constexpr uint64_t kCode = StackWorld::kCode;
constexpr uint64_t kRunNs = 1'500'000'000;

// Every page has frames of a size of its own, so that another page's rules lead to the wrong return address: word n of
// the stack is a return address that tells n.
int32_t frame_words(uint32_t page) { return 2 + static_cast<int32_t>(page); }

struct PageRows {
  std::vector<gp_rule> rules;
  std::vector<gp_row> rows;
};

// Many rows, so that the search touches many words; all say the same of the frame.
PageRows rows_of(uint32_t page, std::mt19937& random) {
  PageRows made;
  const size_t rules = 1 + random() % 40;
  for (size_t i = 0; i < rules; ++i) {
    gp_rule rule = rsp_rule(8 * frame_words(page));
    rule.saved[5] = static_cast<int8_t>(-1 - static_cast<int>(i));  // tells rules apart
    made.rules.push_back(rule);
  }
  const size_t rows = 1 + random() % 4000;
  for (size_t i = 0; i < rows; ++i) {
    made.rows.push_back({.pc = static_cast<uint16_t>(i), .rule = static_cast<uint16_t>(random() % rules)});
  }
  return made;
}

class Publisher {
 public:
  explicit Publisher(PlainTables& plain) : plain_(plain), pool_(&plain, &plain.tables, GP_SEGMENT_SIZE) {}

  void turn() {
    now_ns_ += kGraceNs;  // whatever was given back may be reused at once
    const uint32_t page = random_() % kPages;
    uint64_t& word = plain_.tables.pages[page];
    if (load_word(word) != GP_PAGE_NOT_LOADED) {
      store_word(word, GP_PAGE_NOT_LOADED);
      pool_.release(page, now_ns_ - kGraceNs);
    }
    const PageRows made = rows_of(page, random_);
    if (const auto place = pool_.place(page, made.rules, made.rows, now_ns_)) store_word(word, *place);
    if (random_() % 64 == 0) pool_.shrink(GP_SEGMENT_SIZE / 4, now_ns_ - kGraceNs);
  }

 private:
  PlainTables& plain_;
  RowPool pool_;
  std::mt19937 random_{1};
  uint64_t now_ns_ = 0;
};

TEST(Reuse, WalksNeverSeeAnotherPagesRules) {
  if (kRacesAreErrors) GTEST_SKIP() << "the tables race by design: what is read is checked by the directory word";
  PlainTables plain({.buckets = 1, .mappings = 1, .files = 2, .pages = kPages + 1, .runtimes = 1});
  plain.tables.files[0].page_count = kPages;
  plain.tables.files[0].state = GP_FILE_LOADED;
  const std::vector<gp_mapping> mappings{
      {.start = kCode, .end = kCode + kPages * uint64_t{GP_PAGE_SIZE}, .offset = 0, .file = 0, .flags = 0},
      {.start = 0x7f0000000000, .end = 0x7f0000001000, .offset = 0, .file = GP_NO_FILE, .flags = 0}};

  std::jthread publisher([&plain](const std::stop_token& stop) {
    Publisher publish(plain);
    while (!stop.stop_requested()) publish.turn();
  });

  // A chain of calls: the function at page p has frames of frame_words(p) words; the outermost returns into generated
  // code, where rbp = 0 says that the stack has its root.
  NativeWalker walker(plain.tables);
  std::mt19937 random(2);
  uint64_t whole = 0;
  uint64_t missing = 0;
  const uint64_t end = monotonic_ns() + kRunNs;
  while (monotonic_ns() < end) {
    std::vector<uint64_t> words(8 * (kPages + 2), 0xdead0000U);
    std::vector<uint64_t> expected;
    size_t at = 0;
    gp_registers registers{};
    registers.valid = GP_REGS_ALL;
    registers.value[GP_REG_RSP] = StackWorld::kStack;
    uint64_t pc = 0;
    uint64_t* place = &pc;
    for (int depth = 0; depth < 6; ++depth) {
      const uint32_t page = random() % kPages;
      const uint64_t offset = page * uint64_t{GP_PAGE_SIZE} + 1 + random() % (GP_PAGE_SIZE - 1);
      *place = kCode + offset;
      expected.push_back(offset);
      at += static_cast<size_t>(frame_words(page));
      place = &words[at - 1];
    }
    *place = 0x7f0000000010;
    registers.value[GP_REG_RIP] = pc;
    expected.push_back(0x7f0000000010);
    const auto walked = walker.walk({.registers = registers,
                                     .thread_pointer = 0,
                                     .base = StackWorld::kStack,
                                     .stack = {reinterpret_cast<const uint8_t*>(words.data()), words.size() * 8},
                                     .other_base = 0,
                                     .other = {},
                                     .mappings = mappings,
                                     .pid = 1,
                                     .before = {},
                                     .pending = {}});
    const auto seen = places(walked);
    ASSERT_LE(seen.size(), expected.size());
    for (size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], expected[i]);
    if (walked.end == GP_END_ROOT) {
      ASSERT_EQ(seen.size(), expected.size());
      ++whole;
    } else {
      ASSERT_EQ(walked.end, GP_END_PAGE_MISSING);
      ++missing;
    }
  }
  EXPECT_GT(whole, 0U);
  EXPECT_GT(missing, 0U);
  RecordProperty("whole", static_cast<int>(whole));
}

}  // namespace
}  // namespace gp::walk
