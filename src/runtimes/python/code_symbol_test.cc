#include "runtimes/python/code_symbol.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

namespace gp::runtimes::python {
namespace {

TEST(ModuleOf, TellsModulesByTheirPath) {
  EXPECT_EQ(module_of("/usr/lib/python3.11/json/decoder.py"), "json.decoder");
  EXPECT_EQ(module_of("/usr/lib/python3.11/json/__init__.py"), "json");
  EXPECT_EQ(module_of("/opt/v/lib/python3.12/site-packages/django/db/models/query.py"), "django.db.models.query");
  EXPECT_EQ(module_of("/usr/lib/python3/dist-packages/apt/cache.py"), "apt.cache");
  EXPECT_EQ(module_of("/usr/lib/python3/apt.py"), "apt");
  EXPECT_EQ(module_of("/usr/lib/python3.13t/json/decoder.py"), "json.decoder");
  EXPECT_EQ(module_of("/srv/python3.11/lib/python3.13/os.py"), "os");
  EXPECT_EQ(module_of("/home/x/python-tools/run.py"), "run");
  EXPECT_EQ(module_of("/home/x/python3.11"), "python3.11");
  EXPECT_EQ(module_of("/srv/app/worker.py"), "worker");
  EXPECT_EQ(module_of("/srv/app/__init__.py"), "app");
  EXPECT_EQ(module_of("worker.py"), "worker");
  EXPECT_EQ(module_of("<frozen importlib._bootstrap>"), "importlib._bootstrap");
  EXPECT_EQ(module_of("<string>"), "");
  EXPECT_EQ(module_of("<stdin>"), "");
  EXPECT_EQ(module_of(""), "");
  EXPECT_EQ(module_of("/"), "");
  EXPECT_EQ(module_of("/python"), "python");
}

struct Record {
  gp_symbol symbol{};
  std::string name = "C.f";
  std::string file = "/srv/app/worker.py";
  std::string table = "\x80\x01";

  [[nodiscard]] std::vector<uint8_t> bytes() const {
    gp_symbol head = symbol;
    std::string text = name + file + table;
    head.header.type = GP_RECORD_SYMBOL;
    head.header.size = static_cast<uint32_t>(sizeof(head) + text.size());
    head.runtime = GP_RUNTIME_PYTHON;
    head.first_line = 7;
    head.name.bytes = static_cast<uint32_t>(name.size());
    head.file.bytes = static_cast<uint32_t>(file.size());
    if (head.name.width == 0) head.name.width = 1;
    if (head.file.width == 0) head.file.width = 1;
    head.table_stored = static_cast<uint32_t>(table.size());
    if (head.table_bytes == 0) head.table_bytes = head.table_stored;
    std::vector<uint8_t> out(sizeof(head));
    std::memcpy(out.data(), &head, sizeof(head));
    out.insert(out.end(), text.begin(), text.end());
    return out;
  }
};

struct Memory final : targets::MemoryReader {
  bool read(Pc address, std::span<uint8_t> to) const override {
    for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<uint8_t>(address.value + i);
    return readable;
  }
  bool readable = true;
};

TEST(DecodeSymbol, TakesARecordApart) {
  const auto symbol = decode_symbol(Record().bytes(), nullptr);
  ASSERT_TRUE(symbol);
  EXPECT_EQ(symbol->name, "worker.C.f");
  EXPECT_EQ(symbol->file, "/srv/app/worker.py");
  EXPECT_EQ(symbol->first_line, 7U);
  EXPECT_TRUE(symbol->name_known);
  EXPECT_EQ(symbol->line_table, (std::vector<uint8_t>{0x80, 0x01}));
}

TEST(DecodeSymbol, TellsTheInterpretersOwnCode) {
  Record record;
  EXPECT_FALSE(decode_symbol(record.bytes(), nullptr)->internal);
  record.name = "__init__";
  EXPECT_FALSE(decode_symbol(record.bytes(), nullptr)->internal);
  record.file = "__init__";
  EXPECT_TRUE(decode_symbol(record.bytes(), nullptr)->internal);
}

TEST(DecodeSymbol, MarksWhatWasCut) {
  Record record;
  record.symbol.name.truncated = 1;
  EXPECT_EQ(decode_symbol(record.bytes(), nullptr)->name, "worker.C.f…");
  record.symbol.file.truncated = 1;  // its end, which names the module, is missing
  EXPECT_EQ(decode_symbol(record.bytes(), nullptr)->name, "C.f…");
}

TEST(DecodeSymbol, SaysWhenTheNameCouldNotBeRead) {
  Record record;
  record.symbol.name.width = 3;
  const auto symbol = decode_symbol(record.bytes(), nullptr);
  ASSERT_TRUE(symbol);
  EXPECT_FALSE(symbol->name_known);
  EXPECT_EQ(symbol->name, "");
  EXPECT_EQ(symbol->file, "/srv/app/worker.py");
}

TEST(DecodeSymbol, ReadsTheRestOfALongTable) {
  Record record;
  record.symbol.table_address = 0x1000;
  record.symbol.table_bytes = 5;
  Memory memory;
  EXPECT_EQ(decode_symbol(record.bytes(), &memory)->line_table, (std::vector<uint8_t>{0x80, 0x01, 2, 3, 4}));
  memory.readable = false;
  EXPECT_EQ(decode_symbol(record.bytes(), &memory)->line_table.size(), 2U);
  EXPECT_EQ(decode_symbol(record.bytes(), nullptr)->line_table.size(), 2U);
  record.symbol.table_bytes = UINT32_MAX;  // no function has that much
  EXPECT_TRUE(decode_symbol(record.bytes(), &memory)->line_table.empty());
}

TEST(DecodeSymbol, RefusesBrokenRecords) {
  const auto whole = Record().bytes();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_symbol(Bytes(whole).first(size), nullptr)) << size;
  auto other = whole;
  other[0] = GP_RECORD_SAMPLE;
  EXPECT_FALSE(decode_symbol(other, nullptr));
  other = whole;
  other[offsetof(gp_symbol, runtime)] = GP_RUNTIME_RUBY;
  EXPECT_FALSE(decode_symbol(other, nullptr));
}

}  // namespace
}  // namespace gp::runtimes::python
