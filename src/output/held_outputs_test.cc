#include "output/held_outputs.h"

#include <gtest/gtest.h>

#include <random>

namespace gp::output {
namespace {

CompressedOutput output(std::string name, std::string_view text) {
  CompressingSink sink(std::move(name));
  sink.append(text);
  return sink.finish().value();
}

std::string noise(size_t bytes) {
  std::mt19937 random(1);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string plain(const CompressedOutput& held) {
  StringSink sink;
  EXPECT_TRUE(held.expand(sink));
  return sink.text();
}

TEST(CompressedOutput, GivesBackWhatWasWritten) {
  EXPECT_EQ(plain(output("empty", "")), "");
  const std::string large = noise(3'000'000);
  EXPECT_EQ(plain(output("large", large)), large);
  CompressingSink pieces("pieces");
  std::string whole;
  for (int i = 0; i < 100'000; ++i) {
    const std::string line = "0;;python3;main;work;step " + std::to_string(i % 97) + "\n";
    pieces.append(line);
    whole += line;
  }
  const auto held = pieces.finish();
  ASSERT_TRUE(held);
  EXPECT_EQ(held->name(), "pieces");
  EXPECT_EQ(held->plain_bytes(), whole.size());
  EXPECT_LT(held->bytes(), whole.size() / 20);
  EXPECT_EQ(plain(*held), whole);
}

TEST(HeldOutputs, ComeInTheOrderTheyWent) {
  HeldOutputs held(1U << 20U);
  held.push(output("a", "1"));
  held.push(output("b", "2"));
  auto first = held.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->name(), "a");
  held.put_back(std::move(*first));
  EXPECT_EQ(held.take()->name(), "a");
  EXPECT_EQ(held.take()->name(), "b");
  EXPECT_FALSE(held.take());
  EXPECT_EQ(held.bytes(), 0U);
}

TEST(HeldOutputs, DropTheOldestOverTheirBound) {
  HeldOutputs held(250'000);
  for (const char* name : {"a", "b", "c"}) held.push(output(name, noise(100'000)));
  EXPECT_EQ(held.count(), 2U);
  EXPECT_EQ(held.dropped(), 1U);
  EXPECT_LE(held.bytes(), 250'000U);
  EXPECT_EQ(held.take()->name(), "b");
}

TEST(HeldOutputs, RefuseWhatIsLargerThanAllTheirRoom) {
  HeldOutputs held(1000);
  held.push(output("large", noise(100'000)));
  EXPECT_EQ(held.count(), 0U);
  EXPECT_EQ(held.dropped(), 1U);
  EXPECT_EQ(held.bytes(), 0U);
}

TEST(HeldOutputs, AreCharged) {
  const uint64_t before = account("outputs held").bytes();
  {
    HeldOutputs held(1U << 20U);
    held.push(output("a", noise(10'000)));
    EXPECT_EQ(account("outputs held").bytes(), before + held.bytes());
  }
  EXPECT_EQ(account("outputs held").bytes(), before);
}

}  // namespace
}  // namespace gp::output
