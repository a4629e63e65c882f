// Everything that names code in one ELF file, as one sorted list of keys: the file's own tables, its minidebuginfo, its
// separate debug file, its PLT stubs. Eight bytes a symbol are held; names stay where they are.
//
// Owner thread: the closer. Valid as long as the images it was made from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "elf/image.h"
#include "elf/symbol_table.h"

namespace gp::symbols {

// A name that code at an address may be shown by.
struct NameCandidate {
  Vaddr address;
  uint64_t size = 0;  // bytes, within its section; 0: not said
  std::string_view name;
  std::string_view suffix;  // "@plt" or empty
  elf::SymbolRank rank = elf::SymbolRank::kGlobal;
};

// The symbols that share an address, as one.
struct SymbolGroup {
  NameCandidate best;
  uint64_t section_end = 0;  // vaddr
  size_t next = 0;           // key number of the group after it
};

class IndexSources {
 public:
  static constexpr size_t kMaxSymbols = 2'000'000;  // a browser has about 1,000,000 functions; keys take 16 MiB

  // `image` is the mapped file, `others` its debug images (their addresses are the same).
  IndexSources(const elf::Image& image, std::span<const elf::Image* const> others);

  [[nodiscard]] uint64_t base() const { return base_; }  // vaddr that keys count from
  [[nodiscard]] size_t size() const { return keys_.size(); }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }  // beyond kMaxSymbols
  [[nodiscard]] SymbolGroup group(size_t first_key) const;
  // Where the group of that key starts.
  [[nodiscard]] uint64_t address(size_t key) const { return base_ + (keys_[key] >> 32U); }

 private:
  // A stretch of code that no symbol reaches out of: a section, or a segment where there are no section headers.
  struct CodeRange {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  void find_code(const elf::Image& image);
  void add_table(const elf::SymbolTable& table);
  void add_stubs(const elf::Image& image);
  bool add_key(uint64_t address, size_t source, size_t index);
  [[nodiscard]] const CodeRange* code_at(uint64_t address) const;
  [[nodiscard]] std::optional<NameCandidate> candidate(uint64_t key) const;
  [[nodiscard]] std::optional<NameCandidate> stub_candidate(const elf::PltStub& stub) const;
  [[nodiscard]] std::string_view function_name_at(uint64_t address) const;

  std::vector<CodeRange> code_;
  std::vector<elf::SymbolTable> tables_;
  std::vector<elf::PltStub> stubs_;
  std::vector<uint64_t> keys_;  // address - base_ in the high half, source (4 bits) and number (28 bits) in the low
  uint64_t base_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace gp::symbols
