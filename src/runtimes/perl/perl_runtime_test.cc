#include "runtimes/perl/perl_runtime.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

#include "runtimes/perl/interpreter.h"
#include "runtimes/perl/offsets.h"
#include "runtimes/runtimes.h"

namespace gp::runtimes::perl {
namespace {

TEST(PerlRuntime, IsKnown) {
  EXPECT_TRUE(std::ranges::any_of(all(), [](const auto* runtime) { return runtime->kind() == GP_RUNTIME_PERL; }));
}

// A library that looks like an interpreter: the symbols, and loops that call functions of operations.
Result<elf::Image> interpreter_image(int version, const std::string& more) {
  const std::string base = testing::TempDir() + "gp_perl_interpreter_" + std::to_string(getpid());
  std::ofstream(base + ".c") << "struct op { void *next, *sibling; struct op *(*function)(void *); };\n"
                             << "const char PL_revision = 5, PL_version = " << version << "; void *PL_curinterp;\n"
                             << "struct interpreter { void *sp; struct op *op; };\n"
                             << "#define LOOP while ((p->op = p->op->function(p))) {} return 0;\n"
                             << "int Perl_runops_standard(struct interpreter *p) { LOOP }\n"
                             << "int Perl_runops_debug(struct interpreter *p) { do { LOOP } while (1); }\n"
                             << "extern int puts(const char *); int other(void) { return puts(\"\"); }\n"
                             << more << "\n";
  const std::string command = "gcc -O2 -w -shared -fPIC " + base + ".c -o " + base + ".so";
  const int built = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe) one thread
  auto image = built == 0 ? elf::Image::open(base + ".so") : Result<elf::Image>(fail(ErrorCode::kNotFound, "no gcc"));
  unlink((base + ".c").c_str());
  unlink((base + ".so").c_str());
  return image;
}

TEST(PerlRuntime, KnowsAnInterpreterByItsSymbols) {
  const auto image = interpreter_image(36, "int PL_thr_key = 1;");
  if (!image) GTEST_SKIP() << image.error().message();
  const auto file = PerlRuntime().detect(*image, "any");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->supported);
  EXPECT_EQ(file->version, "5.36");
  EXPECT_FALSE(file->eval[0].empty());
  EXPECT_FALSE(file->eval[1].empty());
  for (const auto which : {kThreadKey, kFirst, kLoop, kDebugLoop}) EXPECT_NE(file->state[which].value, 0U) << which;
  EXPECT_EQ(image->to_offset(file->state[kLoop]), file->eval[0].start);
  const auto perl = targets::layout_of<gp_perl>(file->entry);
  EXPECT_NE(perl.loop_register[0], 0U);
  EXPECT_NE(perl.loop_register[1], 0U);
}

TEST(PerlRuntime, SaysWhatItCannotWalk) {
  const auto newer = interpreter_image(46, "int PL_thr_key = 1;");
  if (!newer) GTEST_SKIP() << newer.error().message();
  auto file = PerlRuntime().detect(*newer, "any");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->supported);
  EXPECT_EQ(file->version, "5.46");
  EXPECT_FALSE(file->eval[0].empty());  // so that frames can say so

  // With MULTIPLICITY alone there are no variables by themselves.
  const auto single = interpreter_image(36, "");
  ASSERT_TRUE(single);
  file = PerlRuntime().detect(*single, "any");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->supported);
  EXPECT_EQ(file->version, "5.36 without threads");
}

// What builds without threads have.
constexpr const char* kVariablesOfItsOwn =
    "long PL_op = 1, PL_savestack_ix = 1, PL_curcop = 1, PL_curstackinfo = 1, PL_top_env = 1, PL_main_cv = 1,"
    " PL_compiling = 1, PL_runops = 1; ";

TEST(PerlRuntime, KnowsBuildsWithoutThreads) {
  const auto image = interpreter_image(36, kVariablesOfItsOwn);
  if (!image) GTEST_SKIP() << image.error().message();
  const auto file = PerlRuntime().detect(*image, "any");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->supported);
  EXPECT_EQ(file->version, "5.36 without threads");
  EXPECT_NE(file->state[kOnly].value, 0U);
  EXPECT_EQ(file->state[kThreadKey].value, 0U);
  const auto perl = targets::layout_of<gp_perl>(file->entry);
  EXPECT_EQ(perl.op, 0);
  EXPECT_NE(perl.runops, 0);
}

TEST(PerlRuntime, RefusesLongDoubles) {
  const auto image = interpreter_image(
      36, std::string(kVariablesOfItsOwn) + "const char PL_bincompat_options[] = \" PERLIO_LAYERS USE_LONG_DOUBLE\";");
  if (!image) GTEST_SKIP() << image.error().message();
  const auto file = PerlRuntime().detect(*image, "any");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->supported);
  EXPECT_EQ(file->version, "5.36 with long doubles");
}

TEST(PerlRuntime, SeesNoneInOtherFiles) {
  const auto image = elf::Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  EXPECT_FALSE(PerlRuntime().detect(*image, "/usr/bin/perl"));
}

// This machine's own.
TEST(PerlRuntime, KnowsTheInstalledPerl) {
  const auto image = elf::Image::open("/usr/bin/perl");
  const auto file = image ? PerlRuntime().detect(*image, "any") : std::nullopt;
  if (!file || !file->supported) GTEST_SKIP() << "no Perl that is walked";
  const auto perl = targets::layout_of<gp_perl>(file->entry);
  EXPECT_NE(perl.loop_register[0], 0U);
  EXPECT_NE(perl.loop_register[1], 0U);
}

TEST(PerlCode, TellsTheLoopsRegister) {
  // Perl_runops_standard of Debian's 5.36: push %rbx; mov 8(%rdi),%rax; mov %rdi,%rbx; …; mov %rbx,%rdi; call *16(%rax)
  const std::vector<uint8_t> rbx = {0x53, 0x48, 0x8b, 0x47, 0x08, 0x48, 0x89, 0xfb, 0x48, 0x89, 0xdf, 0xff, 0x50, 0x10};
  EXPECT_EQ(interpreter_register(rbx), 3U);
  EXPECT_EQ(interpreter_register(std::vector<uint8_t>{0x48, 0x89, 0xef, 0xff, 0x50, 0x10}), 6U);         // rbp
  EXPECT_EQ(interpreter_register(std::vector<uint8_t>{0x4c, 0x89, 0xe7, 0x90, 0xff, 0x52, 0x10}), 12U);  // r12
  EXPECT_EQ(interpreter_register(std::vector<uint8_t>{0x48, 0x89, 0xd7, 0xff, 0x50, 0x10}), 0U);  // rdx does not last
  EXPECT_EQ(interpreter_register(std::vector<uint8_t>{0x48, 0x89, 0xdf, 0xff, 0x50, 0x18}), 0U);  // another field
  EXPECT_EQ(interpreter_register({}), 0U);
}

// Words of memory.
struct Words final : targets::MemoryReader {
  std::map<uint64_t, uint64_t> words;
  bool read(Pc address, std::span<uint8_t> to) const override {
    const auto word = words.find(address.value);
    if (word == words.end() || to.size() != sizeof(uint64_t)) return false;
    std::memcpy(to.data(), &word->second, sizeof(uint64_t));
    return true;
  }
};

TEST(PerlAttach, TakesNewAndRunningProcessesAndRefusesNonsense) {
  targets::RuntimeFile file;
  file.version = "5.36";
  EXPECT_EQ(PerlRuntime().attach(file, Words(), 0).error().code(), ErrorCode::kUnsupported);
  file.supported = true;
  file.entry = targets::entry_with(GP_RUNTIME_PERL, *offsets_of(kPerl36));
  file.state[kThreadKey] = {0x100};
  file.state[kFirst] = {0x1000};
  file.state[kLoop] = {0x500};
  file.state[kDebugLoop] = {0x600};
  Words memory;
  const auto attach = [&] { return PerlRuntime().attach(file, memory, 0x10000); };
  EXPECT_EQ(attach().error().code(), ErrorCode::kNotFound);
  memory.words[0x11000] = 0;  // not made yet
  const auto fresh = attach();
  ASSERT_TRUE(fresh);
  const auto perl = targets::layout_of<gp_perl>(*fresh);
  EXPECT_EQ(perl.key, 0x10100U);
  EXPECT_EQ(perl.loop[0], 0x10500U);
  EXPECT_EQ(perl.loop[1], 0x10600U);
  memory.words[0x11000] = 0x7f0000001000;
  EXPECT_EQ(attach().error().code(), ErrorCode::kNotFound);
  const uint64_t runops = 0x7f0000001000 + static_cast<uint64_t>(perl.runops);
  memory.words[runops] = 0;  // being made
  EXPECT_TRUE(attach());
  memory.words[runops] = 0x10600;
  EXPECT_TRUE(attach());
  memory.words[runops] = 0x10700;
  EXPECT_EQ(attach().error().code(), ErrorCode::kMalformed);
}

TEST(PerlAttach, FindsTheVariablesOfBuildsWithoutThreads) {
  std::array<Vaddr, kVariables> variables{};
  for (size_t i = 0; i < kVariables; ++i) variables[i] = Vaddr{0x5000 - 0x100 * i};
  targets::RuntimeFile file;
  file.supported = true;
  file.entry = targets::entry_with(GP_RUNTIME_PERL, *offsets_of(kPerl36, variables));
  file.state[kOnly] = variables[kOp];
  file.state[kLoop] = {0x500};
  const auto entry = PerlRuntime().attach(file, Words(), 0x10000);  // there is nothing to be read
  ASSERT_TRUE(entry);
  const auto perl = targets::layout_of<gp_perl>(*entry);
  EXPECT_EQ(perl.only, 0x15000U);
  EXPECT_EQ(perl.loop[0], 0x10500U);
}

}  // namespace
}  // namespace gp::runtimes::perl
