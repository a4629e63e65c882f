#include "symbols/kernel_symbols.h"

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
  KernelSymbols symbols() { return KernelSymbols({dir_ / "kallsyms", dir_ / "modules", false}); }

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

TEST(KernelSymbols, ReadsThisKernel) {
  KernelSymbols kernel;
  if (!kernel.load()) GTEST_SKIP() << kernel.error()->message();
  EXPECT_LT(kernel.memory_bytes(), 8U << 20U);
}

}  // namespace
}  // namespace gp::symbols
