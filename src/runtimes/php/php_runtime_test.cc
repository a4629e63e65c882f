#include "runtimes/php/php_runtime.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

#include "runtimes/php/engine.h"
#include "runtimes/php/offsets.h"
#include "runtimes/runtimes.h"

namespace gp::runtimes::php {
namespace {

TEST(PhpRuntime, IsKnown) {
  EXPECT_TRUE(std::ranges::any_of(all(), [](const auto* runtime) { return runtime->kind() == GP_RUNTIME_PHP; }));
}

// A library that looks like an engine: the symbols, a loop of some size, and the header.
Result<elf::Image> engine_image(const std::string& version, const std::string& globals, const std::string& more = {}) {
  const std::string base = testing::TempDir() + "gp_php_engine_" + std::to_string(getpid());
  std::ofstream(base + ".c") << "int other(int); char " << globals << "[1024] = {1};\n"
                             << "const char *header(void) { return \"X-Powered-By: PHP/" << version << "\"; }\n"
                             << "int execute_ex(int n) { while (n) n = other(n) + other(n + 1); return n; }\n"
                             << more << "\n";
  const std::string command = "gcc -O2 -w -shared -fPIC " + base + ".c -o " + base + ".so";
  const int built = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe) one thread
  auto image = built == 0 ? elf::Image::open(base + ".so") : Result<elf::Image>(fail(ErrorCode::kNotFound, "no gcc"));
  unlink((base + ".c").c_str());
  unlink((base + ".so").c_str());
  return image;
}

TEST(PhpRuntime, KnowsAnEngineByItsSymbols) {
  const auto image = engine_image("8.2.7", "executor_globals");
  if (!image) GTEST_SKIP() << image.error().message();
  const auto file = PhpRuntime().detect(*image, "any");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->supported);
  EXPECT_EQ(file->version, "8.2");
  EXPECT_FALSE(file->eval[0].empty());
  EXPECT_NE(file->state[kGlobals].value, 0U);
  const auto loop = image->to_offset(file->state[kLoop]);
  ASSERT_TRUE(loop);
  EXPECT_GT(*loop, file->eval[0].start);
  EXPECT_LT(*loop, file->eval[0].end);
}

TEST(PhpRuntime, SaysWhatItCannotWalk) {
  const auto newer = engine_image("9.1.0", "executor_globals");
  if (!newer) GTEST_SKIP() << newer.error().message();
  auto file = PhpRuntime().detect(*newer, "any");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->supported);
  EXPECT_EQ(file->version, "9.1");
  EXPECT_FALSE(file->eval[0].empty());  // so that frames can say so

  const auto threaded = engine_image("8.2.7", "executor_globals_offset");
  ASSERT_TRUE(threaded);
  file = PhpRuntime().detect(*threaded, "any");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->supported);
  EXPECT_EQ(file->version, "8.2 zts");
}

// One word of memory.
struct Word final : targets::MemoryReader {
  std::map<uint64_t, uint64_t> words;
  bool read(Pc address, std::span<uint8_t> to) const override {
    const auto word = words.find(address.value);
    if (word == words.end() || to.size() != sizeof(uint64_t)) return false;
    std::memcpy(to.data(), &word->second, sizeof(uint64_t));
    return true;
  }
};

// As main/main.c has it (TSRMLS_MAIN_CACHE_DEFINE, TSRM/TSRM.h); against musl without the model.
std::string reading_cache(const std::string& model) {
  return "__thread char *_tsrm_ls_cache " + model + "; char zend_is_executing(void) { return *_tsrm_ls_cache; }";
}
const std::string kInitialExec = "__attribute__((tls_model(\"initial-exec\")))";

TEST(PhpRuntime, KnowsEnginesWithThreadSafety) {
  const auto image = engine_image("8.2.7", "executor_globals_offset", reading_cache(kInitialExec));
  if (!image) GTEST_SKIP() << image.error().message();
  const auto file = PhpRuntime().detect(*image, "any");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->supported);
  EXPECT_EQ(file->version, "8.2 zts");
  EXPECT_EQ(file->state[kGlobals].value, 0U);
  EXPECT_NE(file->state[kGlobalsOffset].value, 0U);
  EXPECT_NE(file->state[kCacheSlot].value, 0U);
  // There is nothing to be read before a thread is looked at.
  const auto entry = PhpRuntime().attach(*file, Word(), 0x10000);
  ASSERT_TRUE(entry);
  const auto php = targets::layout_of<gp_php>(*entry);
  EXPECT_EQ(php.current, 0U);
  EXPECT_EQ(php.globals_offset, file->state[kGlobalsOffset].value + 0x10000);
  EXPECT_EQ(php.cache.slot, file->state[kCacheSlot].value + 0x10000);
  EXPECT_EQ(php.cache.model, uint32_t{GP_THREAD_SLOT});
  EXPECT_EQ(php.globals_slot, 0U);  // nothing in there uses it
  EXPECT_EQ(php.globals_current, current_call_offset(kPhp82));

  const auto used = engine_image("8.2.7", "executor_globals_offset",
                                 reading_cache(kInitialExec) + " char used(void) { return *executor_globals_offset; }");
  ASSERT_TRUE(used);
  const Vaddr slot = PhpRuntime().detect(*used, "any")->state[kGlobalsSlot];
  EXPECT_NE(slot.value, 0U);
  EXPECT_NE(slot, file->state[kGlobalsOffset]);

  // As built against musl, at no fixed distance.
  const auto musl = engine_image("8.2.7", "executor_globals_offset", reading_cache(""));
  ASSERT_TRUE(musl);
  const auto dynamic = PhpRuntime().detect(*musl, "any");
  EXPECT_TRUE(dynamic->supported);
  EXPECT_EQ(targets::layout_of<gp_php>(dynamic->entry).cache.model, uint32_t{GP_THREAD_BLOCK});

  // What does not read it is not walked.
  const auto other = engine_image("8.2.7", "executor_globals_offset", "char zend_is_executing(void) { return 0; }");
  ASSERT_TRUE(other);
  EXPECT_FALSE(PhpRuntime().detect(*other, "any")->supported);
}

TEST(PhpRuntime, SeesNoneInOtherFiles) {
  const auto image = elf::Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  EXPECT_FALSE(PhpRuntime().detect(*image, "/usr/bin/php8.2"));
}

TEST(PhpVersion, IsInTheHeader) {
  const auto parsed = [](std::string_view text) {
    return parse_version({reinterpret_cast<const uint8_t*>(text.data()), text.size()}).text();
  };
  EXPECT_EQ(parsed("X-Powered-By: PHP/7.4.33"), "7.4");
  EXPECT_EQ(parsed("X-Powered-By: PHP/8.10.0-dev"), "8.10");
  EXPECT_EQ(parsed("X-Powered-By: PHP/"), "?");
  EXPECT_EQ(parsed("X-Powered-By: PHP/8"), "?");
  EXPECT_EQ(parsed("X-Powered-By: PHP/999.1"), "?");
  EXPECT_EQ(parsed(""), "?");
}

TEST(PhpAttach, TakesIdleAndBusyProcessesAndRefusesNonsense) {
  targets::RuntimeFile file;
  file.version = "8.2";
  EXPECT_EQ(PhpRuntime().attach(file, Word(), 0).error().code(), ErrorCode::kUnsupported);
  file.supported = true;
  file.entry = targets::entry_with(GP_RUNTIME_PHP, *offsets_of(kPhp82));
  file.state[kGlobals] = {0x1000};
  file.state[kLoop] = {0x500};
  Word memory;
  const auto attach = [&] { return PhpRuntime().attach(file, memory, 0x10000); };
  EXPECT_EQ(attach().error().code(), ErrorCode::kNotFound);
  memory.words[0x11000 + current_call_offset(kPhp82)] = 0;  // between requests
  const auto idle = attach();
  ASSERT_TRUE(idle);
  EXPECT_EQ(targets::layout_of<gp_php>(*idle).current, 0x11000 + current_call_offset(kPhp82));
  EXPECT_EQ(idle->loop, 0x10500U);
  memory.words[0x11000 + current_call_offset(kPhp82)] = 0x7f0000001000;
  EXPECT_TRUE(attach());
  memory.words[0x11000 + current_call_offset(kPhp82)] = 0x7f0000001001;
  EXPECT_EQ(attach().error().code(), ErrorCode::kMalformed);
  memory.words[0x11000 + current_call_offset(kPhp82)] = uint64_t{1} << 60U;
  EXPECT_EQ(attach().error().code(), ErrorCode::kMalformed);
}

}  // namespace
}  // namespace gp::runtimes::php
