#include "output/compressed_output.h"

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

TEST(CompressedOutput, IsCharged) {
  const uint64_t before = account("outputs held").bytes();
  {
    const auto held = output("a", noise(10'000));
    EXPECT_EQ(account("outputs held").bytes(), before + held.bytes());
  }
  EXPECT_EQ(account("outputs held").bytes(), before);
}

}  // namespace
}  // namespace gp::output
