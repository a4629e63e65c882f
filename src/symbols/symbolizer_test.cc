#include "symbols/symbolizer.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "elf/test_file.h"

extern "C" int symbol_for_lines() { return 42; }

namespace gp::symbols {
namespace {

using elf::TestFile;

class SymbolizerTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "tmp"); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  SymbolizerOptions options() {
    SymbolizerOptions options;
    options.cache_directory = root_ / "cache";
    options.debug_directory = root_ / "debug";
    options.kernel = {.kallsyms = root_ / "kallsyms",
                      .modules = root_ / "modules",
                      .notes = root_ / "notes",
                      .module_directory = root_,
                      .watch_bpf = false};
    return options;
  }
  static FileRef file_with(const std::vector<TestFile::Symbol>& symbols,
                           const std::string& path = "/usr/lib/libx.so.1") {
    TestFile file;
    file.code(".text", 0x4000, std::vector<uint8_t>(0x100));
    file.symtab(symbols);
    return {std::make_shared<elf::Image>(file.image()), path, ""};
  }
  static FileOffset at(const FileRef& file, uint64_t vaddr) { return file.image->to_offset({vaddr}).value(); }

  std::filesystem::path root_ =
      std::filesystem::path(testing::TempDir()) / ("symbolizer." + std::to_string(::getpid()));
};

TEST_F(SymbolizerTest, NamesFramesOfFiles) {
  Symbolizer symbolizer(options());
  const auto file = file_with({{"_Z3fooi.cold", 0x4000, 0x10}, {"next", 0x4010, 0x10}});
  const auto names = symbolizer.file_frame(file, at(file, 0x4004), false, false);
  ASSERT_EQ(names.size(), 1U);
  EXPECT_EQ(names[0].name, "foo(int)");
  EXPECT_EQ(names[0].module, "libx.so.1");
  EXPECT_TRUE(names[0].named);
}

TEST_F(SymbolizerTest, LooksUpReturnAddressesInTheCall) {
  Symbolizer symbolizer(options());
  const auto file = file_with({{"calls_exit", 0x4000, 0x10}, {"next", 0x4010, 0x10}});
  EXPECT_EQ(symbolizer.file_frame(file, at(file, 0x4010), true, false)[0].name, "calls_exit");
  EXPECT_EQ(symbolizer.file_frame(file, at(file, 0x4010), false, false)[0].name, "next");
}

TEST_F(SymbolizerTest, NamesUnknownFunctionsByPlace) {
  Symbolizer symbolizer(options());
  const auto file = file_with({}, "/opt/app (deleted)");
  const auto names = symbolizer.file_frame(file, at(file, 0x4020), false, false);
  EXPECT_EQ(names[0].name, "(app+0x4020)");
  EXPECT_FALSE(names[0].named);
  const auto unreadable = symbolizer.file_frame({nullptr, "/gone", ""}, {0x123}, true, false);
  EXPECT_EQ(unreadable[0].name, "(gone+0x123)");
}

TEST_F(SymbolizerTest, EndsSymbolsWithoutASizeWhereTheCodeSaysSo) {
  std::vector<uint8_t> code(0x400, 0xcc);
  code[0] = 0xc3;                                                                   // ret
  const std::vector<uint8_t> unnamed = {0x53, 0x31, 0xdb, 0x31, 0xc0, 0x5b, 0xc3};  // push %rbx; …; pop %rbx; ret
  std::ranges::copy(unnamed, code.begin() + 0x10);
  TestFile file;
  file.code(".text", 0x4000, code);
  file.symtab({{"copy", 0x4000, 0}});
  const FileRef ref{std::make_shared<elf::Image>(file.image()), "/lib/libx.so.1", ""};
  Symbolizer symbolizer(options());
  EXPECT_EQ(symbolizer.file_frame(ref, at(ref, 0x4000), false, false)[0].name, "copy");
  for (const uint64_t in : {0x4010U, 0x4013U, 0x4016U})
    EXPECT_EQ(symbolizer.file_frame(ref, at(ref, in), false, false)[0].name, "(libx.so.1+0x4010)");
  EXPECT_EQ(symbolizer.file_frame(ref, at(ref, 0x4080), false, false)[0].name, "(libx.so.1+0x4080)");
}

TEST_F(SymbolizerTest, KeepsIndexesOnDiskAndLittleInMemory) {
  const auto file = file_with({{"main", 0x4000, 0x10}});
  Symbolizer first(options());
  first.file_frame(file, at(file, 0x4000), false, false);
  EXPECT_EQ(first.index_counts().made, 1U);
  EXPECT_GT(first.memory_bytes(), 0U);
  first.shrink_to(0);
  EXPECT_EQ(first.memory_bytes(), 0U);
  Symbolizer second(options());
  EXPECT_EQ(second.file_frame(file, at(file, 0x4000), false, false)[0].name, "main");
  EXPECT_EQ(second.index_counts().hits, 1U);
}

TEST_F(SymbolizerTest, ClosesFilesThatNobodyElseHolds) {
  Symbolizer symbolizer(options());
  auto file = file_with({{"main", 0x4000, 0x10}});
  symbolizer.file_frame(file, at(file, 0x4000), false, false);
  const std::weak_ptr<const elf::Image> image = file.image;
  symbolizer.begin_window();
  file.image.reset();
  EXPECT_FALSE(image.expired());
  symbolizer.begin_window();
  EXPECT_TRUE(image.expired());
}

TEST_F(SymbolizerTest, NamesKernelFrames) {
  std::ofstream(root_ / "kallsyms") << "ffffffff81000000 T do_open.isra.0\nffffffff81000100 t nf\t[nf_tables]\n";
  Symbolizer symbolizer(options());
  EXPECT_EQ(symbolizer.kernel_frame({0xffffffff81000100}, true).name, "do_open");
  EXPECT_EQ(symbolizer.kernel_frame({0xffffffff81000100}, false).module, "nf_tables");
  EXPECT_FALSE(symbolizer.kernel_frame({0x1000}, false).named);
}

TEST_F(SymbolizerTest, NamesGeneratedCodeEvenAfterItsProcessEnded) {
  std::ofstream(root_ / "tmp/perf-7.map") << "1000 10 LazyCompile:*hot app.js:1\n";
  Symbolizer symbolizer(options());
  const JitProcess live{{100, 1}, 7, root_};
  EXPECT_EQ(symbolizer.jit_frame(live, {0x1010}, true).name, "LazyCompile:*hot app.js:1");
  EXPECT_FALSE(symbolizer.jit_frame(live, {0x1010}, false).named);
  std::ofstream(root_ / "tmp/perf-7.map", std::ios::app) << "2000 10 later\n";
  symbolizer.begin_window();
  EXPECT_EQ(symbolizer.jit_frame(live, {0x2000}, false).name, "later");

  const JitProcess ended{{101, 1}, 8, "/proc/gone/root"};
  symbolizer.keep_perf_map(ended.key, os::open_file(root_ / "tmp/perf-7.map").value());
  EXPECT_EQ(symbolizer.jit_frame(ended, {0x1000}, false).name, "LazyCompile:*hot app.js:1");
}

TEST_F(SymbolizerTest, AddsLinesWhereAsked) {
  Symbolizer symbolizer(options());
  const FileRef self{std::make_shared<elf::Image>(elf::Image::open("/proc/self/exe").value()), "/bin/self", ""};
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&symbol_for_lines), &info), 0);
  const uint64_t vaddr = reinterpret_cast<uint64_t>(&symbol_for_lines) - reinterpret_cast<uint64_t>(info.dli_fbase);
  const auto names = symbolizer.file_frame(self, at(self, vaddr), false, true);
  EXPECT_EQ(names[0].name, "symbol_for_lines");
  EXPECT_THAT(names[0].file, testing::EndsWith("symbolizer_test.cc"));
  EXPECT_GT(names[0].line, 0U);
  const auto plain = symbolizer.file_frame(self, at(self, vaddr), false, false);
  EXPECT_EQ(plain[0].name, names[0].name);
  EXPECT_EQ(plain[0].line, 0U);
  EXPECT_TRUE(symbolizer.take_line_errors().empty());
}

}  // namespace
}  // namespace gp::symbols
