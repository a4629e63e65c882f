// For tests: the stack of a real program at one moment with all that a walk of it needs, so that a replay asks nothing of
// the host. Text, one item a line:
//   reg NUMBER VALUE | map START END OFFSET FILE | page FILE PAGE | rule BYTES | row PC RULE (of the page before)
//   name FILE OFFSET FUNCTION | stack ADDRESS (once), then its bytes
// Numbers are hexadecimal. Made by record_main.cc.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "walk/native_walker.h"
#include "walk/row_pool.h"
#include "walk/testing/plain_tables.h"

namespace gp::walk {

struct RecordedPage {
  uint32_t file = 0;
  uint32_t page = 0;  // file offset >> GP_PAGE_SHIFT
  std::vector<gp_rule> rules;
  std::vector<gp_row> rows;
};

inline constexpr uint32_t kPagesOfAFile = 1024;  // directory words each file has in these tables

struct RecordedStack {
  gp_registers registers{};
  uint64_t base = 0;
  std::vector<uint8_t> stack;
  std::vector<gp_mapping> mappings;
  std::vector<RecordedPage> pages;
  std::map<std::pair<uint32_t, uint64_t>, std::string> names;  // by file and offset, as frames have them

  [[nodiscard]] DeferredStack deferred() const {
    return {.registers = registers,
            .thread_pointer = 0,
            .base = base,
            .stack = stack,
            .other_base = 0,
            .other = {},
            .mappings = mappings,
            .pid = 1,
            .before = {},
            .pending = {}};
  }

  static std::vector<uint8_t> bytes_of(const std::string& text) {
    std::vector<uint8_t> bytes;
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    for (size_t i = 0; i + 1 < text.size(); i += 2) {
      bytes.push_back(static_cast<uint8_t>(digit(text[i]) << 4U | digit(text[i + 1])));
    }
    return bytes;
  }

  static RecordedStack load(const std::string& path) {
    RecordedStack made;
    made.registers.valid = GP_REGS_ALL;
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream in(line);
      std::string kind;
      std::string text;
      uint64_t a = 0;
      uint64_t b = 0;
      in >> kind >> std::hex;
      if (kind == "reg") {
        in >> a >> b;
        if (a < GP_REGS) made.registers.value[a] = b;
      } else if (kind == "map") {
        gp_mapping mapping{};
        in >> mapping.start >> mapping.end >> mapping.offset >> mapping.file;
        made.mappings.push_back(mapping);
      } else if (kind == "page") {
        in >> a >> b;
        made.pages.push_back(
            {.file = static_cast<uint32_t>(a), .page = static_cast<uint32_t>(b), .rules = {}, .rows = {}});
      } else if (kind == "rule") {
        in >> text;
        gp_rule rule{};
        const auto bytes = bytes_of(text);
        std::memcpy(&rule, bytes.data(), std::min(bytes.size(), sizeof(rule)));
        made.pages.back().rules.push_back(rule);
      } else if (kind == "row") {
        in >> a >> b;
        made.pages.back().rows.push_back({.pc = static_cast<uint16_t>(a), .rule = static_cast<uint16_t>(b)});
      } else if (kind == "name") {
        in >> a >> b >> text;
        made.names[{static_cast<uint32_t>(a), b}] = text;
      } else if (kind == "stack") {
        in >> made.base;
      } else {
        const auto bytes = bytes_of(line);
        made.stack.insert(made.stack.end(), bytes.begin(), bytes.end());
      }
    }
    return made;
  }
};

// Tables in which every file of a recording has its slot.
class RecordedTables {
 public:
  explicit RecordedTables(uint32_t files)
      : plain({.buckets = 1, .mappings = 1, .files = files, .pages = files * kPagesOfAFile, .runtimes = 1}),
        pool_(&plain, &plain.tables, 8 * uint64_t{GP_SEGMENT_SIZE}) {
    for (uint32_t slot = 0; slot < files; ++slot) {
      gp_file& file = plain.tables.files[slot];
      file.page_first = slot * kPagesOfAFile;
      file.page_count = kPagesOfAFile;
      file.state = GP_FILE_LOADED;
    }
  }
  void load(const RecordedPage& page) {
    const uint32_t at = page.file * kPagesOfAFile + page.page;
    plain.tables.pages[at] =
        page.rows.empty() ? GP_PAGE_EMPTY : pool_.place(at, page.rules, page.rows, 0).value_or(GP_PAGE_NOT_LOADED);
  }

  PlainTables plain;

 private:
  RowPool pool_;
};

}  // namespace gp::walk
