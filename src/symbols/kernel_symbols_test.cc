#include "symbols/kernel_symbols.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gp::symbols {
namespace {

constexpr std::string_view kText = R"(ffffffff81000000 T _stext
ffffffff81000000 T startup_64
ffffffff81000000 t local_alias
ffffffff81000100 T __pfx_do_open
ffffffff81000110 T do_open
ffffffff81000200 W weak_one
ffffffff81000200 T strong_one
ffffffff81000300 D some_data
ffffffff81000400 T _etext
ffffffffc0001000 t nf_hook	[nf_tables]
ffffffffc0001800 t nf_last	[nf_tables]
ffffffffc0100000 t bpf_prog_6deef7357e7b4530_sd_fw_egress	[bpf]
)";
constexpr std::string_view kModules = "nf_tables 4096 1 nfnetlink, Live 0xffffffffc0001000 (E)\n";

KallsymsTable parse(std::string_view text, std::string_view modules = "") {
  KallsymsTable table;
  const auto each = [](std::string_view all, auto&& add) {
    while (!all.empty()) {
      const size_t end = std::min(all.find('\n'), all.size());
      add(all.substr(0, end));
      all.remove_prefix(std::min(end + 1, all.size()));
    }
  };
  each(modules, [&](std::string_view line) { table.add_module_line(line); });
  each(text, [&](std::string_view line) { table.add_line(line); });
  table.finish();
  return table;
}

std::string name_at(const KallsymsTable& table, uint64_t pc) {
  const auto symbol = table.find({pc});
  if (!symbol) return "-";
  return std::string(symbol->name) + (symbol->module.empty() ? "" : "@" + std::string(symbol->module));
}

TEST(KallsymsTable, NamesKernelModulesAndBpfPrograms) {
  const auto table = parse(kText, kModules);
  EXPECT_EQ(name_at(table, 0xffffffff80ffffff), "-");
  EXPECT_EQ(name_at(table, 0xffffffff81000000), "startup_64");
  EXPECT_EQ(name_at(table, 0xffffffff81000150), "do_open");
  EXPECT_EQ(name_at(table, 0xffffffff810003ff), "strong_one");
  EXPECT_EQ(name_at(table, 0xffffffffc0001010), "nf_hook@nf_tables");
  EXPECT_EQ(name_at(table, 0xffffffffc0100010), "bpf_prog_6deef7357e7b4530_sd_fw_egress@bpf");
}

TEST(KallsymsTable, NamesPaddingBeforeAFunctionByThatFunction) {
  EXPECT_EQ(name_at(parse(kText), 0xffffffff81000108), "do_open");
}

TEST(KallsymsTable, EndsWhereSectionModuleOrReachEnds) {
  const auto table = parse(kText, kModules);
  EXPECT_EQ(name_at(table, 0xffffffff81000400), "-");
  EXPECT_EQ(name_at(table, 0xffffffffc0001fff), "nf_last@nf_tables");
  EXPECT_EQ(name_at(table, 0xffffffffc0002000), "-");
  EXPECT_EQ(name_at(table, 0xffffffffc0200000), "-");
}

TEST(KallsymsTable, CountsWhatDoesNotParse) {
  const auto table = parse("\nxyz T name\nffffffff81000000\nffffffff81000000 TT name\nffffffff81000000 T ok\n");
  EXPECT_EQ(table.malformed(), 4U);
  EXPECT_EQ(table.size(), 1U);
}

class KernelSymbolsFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(dir_);
    write("modules", "");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  void write(const std::string& name, std::string_view text) { std::ofstream(dir_ / name) << text; }
  KernelFiles files() {
    return {.kallsyms = dir_ / "kallsyms",
            .modules = dir_ / "modules",
            .notes = dir_ / "notes",
            .module_directory = dir_,
            .watch_bpf = false};
  }
  KernelSymbols symbols() { return KernelSymbols(files()); }
  // A kernel with one module, both moved from where they were linked.
  void write_kernel(uint64_t text, uint64_t module) {
    write("notes", "the kernel's build id");
    std::filesystem::create_directories(dir_ / "ext4/notes");
    write("ext4/notes/.note.gnu.build-id", "the module's build id");
    write("modules", fmt::format("ext4 8192 0 - Live {:#x}\n", module));
    write("kallsyms", fmt::format("0000000000000000 A per_cpu\n{:x} T _text\n{:x} T one\n{:x} t two\n{:x} T _etext\n"
                                  "{:x} t read\t[ext4]\n{:x} t write\t[ext4]\n",
                                  text, text, text + 0x100, text + 0x200, module + 16, module + 0x100));
  }

  std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) / ("kernel_symbols." + std::to_string(::getpid()));
};

TEST_F(KernelSymbolsFiles, SaysWhenTheKernelHidesAddresses) {
  write("kallsyms", "0000000000000000 T _text\n0000000000000000 T do_open\n");
  auto kernel = symbols();
  EXPECT_FALSE(kernel.find({0xffffffff81000000}));
  ASSERT_TRUE(kernel.error());
  EXPECT_EQ(kernel.error()->code(), ErrorCode::kPermission);
}

TEST_F(KernelSymbolsFiles, ReadsAnewOncePerWindowForUnknownAddresses) {
  write("kallsyms", "ffffffff81000000 T one\nffffffff81000400 T _etext\n");
  auto kernel = symbols();
  EXPECT_FALSE(kernel.find({0xffffffffc0000000}));
  write("kallsyms", "ffffffff81000000 T one\nffffffff81000400 T _etext\nffffffffc0000000 t two\t[new]\n");
  EXPECT_FALSE(kernel.find({0xffffffffc0000000}));  // this window has read once
  kernel.begin_window();
  ASSERT_TRUE(kernel.find({0xffffffffc0000000}));
  EXPECT_EQ(kernel.find({0xffffffffc0000000})->module, "new");
}

TEST_F(KernelSymbolsFiles, ReadsAnewWhenModulesChanged) {
  write("kallsyms", "ffffffffc0000000 t old\t[a]\n");
  auto kernel = symbols();
  EXPECT_EQ(kernel.find({0xffffffffc0000000})->name, "old");
  write("kallsyms", "ffffffffc0000000 t fresh\t[b]\n");
  write("modules", "b 4096 0 - Live 0xffffffffc0000000\n");
  kernel.begin_window();
  EXPECT_EQ(kernel.find({0xffffffffc0000000})->name, "fresh");
}

TEST_F(KernelSymbolsFiles, ReleasesItsMemoryAndReadsAgain) {
  write("kallsyms", "ffffffff81000000 T one\n");
  auto kernel = symbols();
  EXPECT_TRUE(kernel.find({0xffffffff81000000}));
  EXPECT_GT(kernel.memory_bytes(), 0U);
  kernel.release();
  EXPECT_EQ(kernel.memory_bytes(), 0U);
  EXPECT_TRUE(kernel.find({0xffffffff81000000}));
}

TEST_F(KernelSymbolsFiles, KeepsIndexesForTheNextRunAndBoot) {
  IndexCache cache(dir_ / "cache", 16U << 20U);
  write_kernel(0xffffffff81000000, 0xffffffffc0000000);
  {
    KernelSymbols first(files(), &cache);
    EXPECT_EQ(first.find({0xffffffff81000010})->name, "one");
    EXPECT_EQ(first.find({0xffffffffc0000020})->name, "read");
    EXPECT_EQ(first.readings(), 1U);
  }
  write_kernel(0xffffffff9a000000, 0xffffffffc0300000);
  KernelSymbols second(files(), &cache);
  EXPECT_EQ(second.find({0xffffffff9a0001ff})->name, "two");
  EXPECT_EQ(second.find({0xffffffff9a0001ff})->module, "");
  EXPECT_EQ(second.find({0xffffffffc03000ff})->name, "read");
  EXPECT_EQ(second.find({0xffffffffc0301fff})->name, "write");
  EXPECT_EQ(second.find({0xffffffffc0301fff})->module, "ext4");
  EXPECT_EQ(second.readings(), 0U);
  EXPECT_EQ(second.memory_bytes(), 0U);
  EXPECT_FALSE(second.find({0xffffffff9a000200}));  // past the mark: nobody's, the text was asked
  EXPECT_EQ(second.readings(), 1U);
}

TEST_F(KernelSymbolsFiles, UsesNoIndexOfAnotherBuild) {
  IndexCache cache(dir_ / "cache", 16U << 20U);
  write_kernel(0xffffffff81000000, 0xffffffffc0000000);
  EXPECT_TRUE(KernelSymbols(files(), &cache).find({0xffffffffc0000020}));
  write("ext4/notes/.note.gnu.build-id", "another build");
  write("kallsyms", "ffffffff81000000 T _text\nffffffffc0000010 t other\t[ext4]\n");
  KernelSymbols kernel(files(), &cache);
  EXPECT_EQ(kernel.find({0xffffffffc0000020})->name, "other");
  std::filesystem::remove(dir_ / "notes");  // a kernel that does not tell: nothing can be kept
  KernelSymbols silent(files(), &cache);
  EXPECT_EQ(silent.find({0xffffffffc0000020})->name, "other");
  EXPECT_EQ(silent.readings(), 1U);
}

// The index names every address of this kernel as the text does.
TEST_F(KernelSymbolsFiles, IndexSaysWhatTheTextSays) {
  KernelSymbols text;
  if (!text.load()) GTEST_SKIP() << text.error()->message();
  IndexCache cache(dir_ / "cache", 64U << 20U);
  KernelSymbols kept({}, &cache);
  std::ifstream lines("/proc/kallsyms");
  uint64_t named = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with("[bpf]")) continue;  // these come and go meanwhile
    const uint64_t address = std::stoull(line.substr(0, 16), nullptr, 16);
    for (const uint64_t pc : {address, address + 1}) {
      const auto by_text = text.find({pc});
      const auto by_index = kept.find({pc});
      ASSERT_EQ(by_text.has_value(), by_index.has_value()) << line;
      if (!by_text) continue;
      ASSERT_EQ(by_text->name, by_index->name) << line;
      ASSERT_EQ(by_text->module, by_index->module) << line;
      ++named;
    }
  }
  EXPECT_GT(named, 1000U);
}

TEST(KernelSymbols, ReadsThisKernel) {
  KernelSymbols kernel;
  if (!kernel.load()) GTEST_SKIP() << kernel.error()->message();
  EXPECT_LT(kernel.memory_bytes(), 8U << 20U);
}

}  // namespace
}  // namespace gp::symbols
