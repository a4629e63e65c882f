// How the walker leaves code that YJIT compiled: by what it pushed when C entered it.
#include <gtest/gtest.h>

#include <cstring>

#include "runtimes/ruby/testing/walk.h"

namespace gp::runtimes::ruby {
namespace {

constexpr uint64_t kStack = 0x7ffc00000000;
constexpr uint64_t kCode = 0x7f0000100000;
constexpr uint64_t kReturn = kCode + 0x1234;
constexpr unsigned kRbx = 3;

constexpr uint64_t kCompiled = 0x7f1000000000;

struct Stack final : targets::MemoryReader {
  std::vector<uint64_t> words;
  uint64_t code = 0;  // at kCompiled

  bool read(Pc address, std::span<uint8_t> to) const override {
    const bool is_code = address.value == kCompiled;
    const uint64_t from = is_code ? 0 : address.value - kStack;
    if (from + to.size() > (is_code ? 1 : words.size()) * sizeof(uint64_t)) return false;
    std::memcpy(to.data(), reinterpret_cast<const uint8_t*>(is_code ? &code : words.data()) + from, to.size());
    return true;
  }
};

class RubyCompiledTest : public testing::Test {
 protected:
  // `pushed` is what lies on the stack, lowest first; what follows is the caller's own.
  template <typename Walk>
  auto on_stack(std::vector<uint64_t> pushed, Walk walk) {
    pushed.resize(pushed.size() + GP_RUBY_COMPILED_WORDS, 0x40);
    stack_.words = std::move(pushed);
    WalkWorld world;
    world.memory = &stack_;
    current_world = &world;
    walk_ = gp_walk{};
    walk_.registers.value[GP_REG_RSP] = kStack;
    gp_ruby ruby{};
    ruby.code_start = kCode;
    ruby.code_end = kCode + 0x10000;
    const auto result = walk(ruby);
    current_world = nullptr;
    return result;
  }
  enum gp_pass_eval leave(std::vector<uint64_t> pushed) {
    return on_stack(std::move(pushed), [this](const gp_ruby& ruby) { return gp_ruby_leave_compiled(&walk_, &ruby); });
  }
  // Whether it was left at the instruction `code`; rbx, r12 and r13 hold 21, 22 and 23.
  bool left_at(uint64_t code, std::vector<uint64_t> pushed, bool called = false) {
    stack_.code = code;
    return on_stack(std::move(pushed), [&](const gp_ruby& ruby) {
      walk_.found.file = GP_NO_FILE;
      walk_.registers.value[GP_REG_RIP] = kCompiled;
      walk_.registers.value[kRbx] = 21;
      walk_.registers.value[GP_RUBY_REG_COMPILED_EC] = 22;
      walk_.registers.value[GP_RUBY_REG_COMPILED_FRAME] = 23;
      walk_.registers.is_return = called ? 1U : 0U;
      return gp_ruby_pass_edge(&walk_, &ruby) != 0;
    });
  }
  [[nodiscard]] uint64_t value(unsigned number) const { return walk_.registers.value[number]; }
  void expect_left(uint64_t words) const {
    EXPECT_EQ(value(GP_REG_RIP), kReturn);
    EXPECT_EQ(value(GP_REG_RSP), kStack + 8 * words);
    EXPECT_EQ(value(kRbx), 11U);
    EXPECT_EQ(value(GP_RUBY_REG_COMPILED_EC), 12U);
    EXPECT_EQ(value(GP_RUBY_REG_COMPILED_FRAME), 13U);
    EXPECT_TRUE(walk_.registers.is_return);
  }

  Stack stack_;
  gp_walk walk_{};
};

TEST_F(RubyCompiledTest, ByWhatItPushed) {
  EXPECT_EQ(leave({11, 12, 13, kReturn}), GP_EVAL_UNSEEN);
  expect_left(4);
  EXPECT_FALSE(walk_.registers.valid & 1U << GP_REG_RBP);
}

TEST_F(RubyCompiledTest, BehindWhatItSavedAroundACall) {
  EXPECT_EQ(leave({5, 5, 11, 12, 13, kReturn}), GP_EVAL_UNSEEN);
  expect_left(6);
}

TEST_F(RubyCompiledTest, WithFramePointers) {
  EXPECT_EQ(leave({11, 12, 13, 77, 77, kReturn}), GP_EVAL_UNSEEN);
  expect_left(6);
  EXPECT_EQ(value(GP_REG_RBP), 77U);
  EXPECT_TRUE(walk_.registers.valid & 1U << GP_REG_RBP);
}

// While it saves registers and restores them (yjit/src/codegen.rs: gen_entry_prologue, gen_leave_exit).
TEST_F(RubyCompiledTest, WhereItBeginsAndEnds) {
  struct Edge {
    uint64_t code;
    std::vector<uint64_t> saved;
  };
  const std::vector<Edge> edges = {
      {0x5541, {}},       {0x5441, {13}}, {0x53, {12, 13}}, {0xfc8949, {11, 12, 13}}, {0xf58949, {11, 12, 13}},
      {0x5c41, {12, 13}}, {0x5d41, {13}}, {0xc3, {}},
  };
  for (const auto& [code, saved] : edges) {
    auto words = saved;
    words.push_back(kReturn);
    ASSERT_TRUE(left_at(code, words)) << std::hex << code;
    EXPECT_EQ(value(GP_REG_RIP), kReturn);
    EXPECT_EQ(value(GP_REG_RSP), kStack + 8 * words.size());
    EXPECT_EQ(value(kRbx), saved.size() > 2 ? 11U : 21U);
    EXPECT_EQ(value(GP_RUBY_REG_COMPILED_EC), saved.size() > 1 ? 12U : 22U);
    EXPECT_EQ(value(GP_RUBY_REG_COMPILED_FRAME), saved.empty() ? 23U : 13U);
    EXPECT_TRUE(walk_.registers.is_return);
    EXPECT_FALSE(left_at(code, words, true)) << "a call is none of these";
    words.back() = kCode - 1;
    EXPECT_FALSE(left_at(code, words)) << "nothing leads back to Ruby";
  }
  EXPECT_FALSE(left_at(0x5b, {11, 12, 13, kReturn})) << "all is saved";
}

TEST_F(RubyCompiledTest, NotWhereNothingLeadsBackToRuby) {
  EXPECT_EQ(leave({11, 12, 13, kCode - 1, kCode + 0x10000}), GP_EVAL_SHOW);
  EXPECT_EQ(value(GP_REG_RIP), 0U);
  // The farthest word that is looked at, and the one behind it.
  std::vector<uint64_t> words(GP_RUBY_COMPILED_WORDS - 4, 0x50);
  words.insert(words.end(), {11, 12, 13, kReturn});
  EXPECT_EQ(leave(words), GP_EVAL_UNSEEN);
  expect_left(GP_RUBY_COMPILED_WORDS);
  words.insert(words.begin(), 0x50);
  EXPECT_EQ(leave(words), GP_EVAL_SHOW);
}

}  // namespace
}  // namespace gp::runtimes::ruby
