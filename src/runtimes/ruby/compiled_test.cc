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

struct Stack final : targets::MemoryReader {
  std::vector<uint64_t> words;

  bool read(Pc address, std::span<uint8_t> to) const override {
    const uint64_t from = address.value - kStack;
    if (from + to.size() > words.size() * sizeof(uint64_t)) return false;
    std::memcpy(to.data(), reinterpret_cast<const uint8_t*>(words.data()) + from, to.size());
    return true;
  }
};

class RubyCompiledTest : public testing::Test {
 protected:
  // `pushed` is what lies on the stack, lowest first; what follows is the caller's own.
  enum gp_pass_eval leave(std::vector<uint64_t> pushed) {
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
    const auto pass = gp_ruby_leave_compiled(&walk_, &ruby);
    current_world = nullptr;
    return pass;
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
