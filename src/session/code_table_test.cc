#include "session/code_table.h"

#include <gtest/gtest.h>

namespace gp::session {
namespace {

constexpr ProcessKey kOne{.pid = 1, .start_ticks = 10};
constexpr ProcessKey kTwo{.pid = 2, .start_ticks = 10};

targets::CodeSymbol symbol(const std::string& name, size_t bytes = 0) {
  targets::CodeSymbol made;
  made.name = name;
  made.name_known = !name.empty();
  made.line_table.resize(bytes);
  return made;
}

TEST(CodeTable, KnowsCodeByProcessObjectAndCookie) {
  CodeTable table;
  table.add({kOne, 1, 1, 8}, symbol("a"));
  table.add({kOne, 1, 2, 8}, symbol("b"));
  table.add({kTwo, 1, 1, 8}, symbol("c"));
  EXPECT_EQ(table.find({kOne, 1, 1, 8})->name, "a");
  EXPECT_EQ(table.find({kOne, 1, 2, 8})->name, "b");
  EXPECT_EQ(table.find({kTwo, 1, 1, 8})->name, "c");
  EXPECT_EQ(table.find({kTwo, 1, 1, 9}), nullptr);
}

TEST(CodeTable, TakesANameForNoneButNotAnotherName) {
  CodeTable table;
  table.add({kOne, 1, 1, 8}, symbol(""));
  table.add({kOne, 1, 1, 8}, symbol("late"));
  table.add({kOne, 1, 1, 8}, symbol("later"));
  EXPECT_EQ(table.find({kOne, 1, 1, 8})->name, "late");
}

TEST(CodeTable, AgesTwiceBeforeItForgets) {
  CodeTable table(4000);
  EXPECT_FALSE(table.wants_aging());
  table.add({kOne, 1, 1, 8}, symbol("a", 3000));
  EXPECT_TRUE(table.wants_aging());
  table.age();
  EXPECT_FALSE(table.wants_aging());
  EXPECT_EQ(table.find({kOne, 1, 1, 8})->name, "a");
  table.add({kOne, 1, 2, 8}, symbol("b"));
  table.age();
  EXPECT_EQ(table.find({kOne, 1, 1, 8}), nullptr);
  EXPECT_EQ(table.find({kOne, 1, 2, 8})->name, "b");
}

TEST(CodeTable, KeepsOneSymbolForAllProcessesThatRunTheSameCode) {
  CodeTable table;
  table.add({kOne, 1, 1, 8}, symbol("same", 5000));
  const size_t one = table.memory_bytes();
  table.add({kTwo, 1, 1, 16}, symbol("same", 5000));
  EXPECT_EQ(table.find({kOne, 1, 1, 8}), table.find({kTwo, 1, 1, 16}));
  EXPECT_LT(table.memory_bytes() - one, 200U);
  table.add({kTwo, 1, 1, 24}, symbol("same", 5001));
  EXPECT_NE(table.find({kTwo, 1, 1, 24}), table.find({kTwo, 1, 1, 16})) << "other lines";
  table.age();
  table.add({kTwo, 1, 1, 16}, symbol("same", 5000));
  table.age();
  EXPECT_EQ(table.find({kOne, 1, 1, 8}), nullptr);
  EXPECT_EQ(table.find({kTwo, 1, 1, 16})->name, "same");
  EXPECT_EQ(table.memory_bytes(), one);
}

TEST(CodeTable, ForgetsEndedProcessesAndGivesTheirBytesBack) {
  CodeTable table;
  for (uint64_t object = 0; object < 10; ++object) {
    table.add({kOne, 1, 0, object}, symbol("one", 100 + object));
    table.add({kTwo, 1, 0, object}, symbol("two", 100 + object));
    if (object == 4) table.age();
  }
  const size_t both = table.memory_bytes();
  int asked = 0;
  table.forget_processes([&](ProcessKey process) {
    ++asked;
    return process == kOne;
  });
  EXPECT_EQ(asked, 4) << "once a process and age";
  EXPECT_EQ(table.memory_bytes(), both / 2);
  EXPECT_EQ(table.find({kOne, 1, 0, 1}), nullptr);
  EXPECT_EQ(table.find({kTwo, 1, 0, 1})->name, "two");
  table.forget_processes([](ProcessKey) { return true; });
  EXPECT_EQ(table.memory_bytes(), 0U);
}

}  // namespace
}  // namespace gp::session
