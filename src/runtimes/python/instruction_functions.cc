#include "runtimes/python/instruction_functions.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "runtimes/code.h"
#include "runtimes/symbols.h"

namespace gp::runtimes::python {
namespace {

constexpr size_t kInstructions = 256;  // INSTRUCTION_TABLE, Python/opcode_targets.h of 3.14
constexpr size_t kMaxFunctions = 512;  // with those of labels
constexpr size_t kMaxLoop = 4096;      // bytes of a loop that only sets up a frame; others have 20,000 and more
constexpr size_t kDispatch = 64;       // bytes from taking the table's address to the jump

// Functions by where they begin.
using Functions = std::map<uint64_t, elf::CodeRange>;

std::vector<elf::CodeRange> named(const elf::Image& image) {
  constexpr std::array<std::string_view, 1> kStarts = {"_TAI"};
  constexpr std::string_view kPrefix = "_TAIL_CALL_";  // Python/ceval_macros.h: TARGET, LABEL
  std::vector<elf::CodeRange> found;
  each_symbol(image, SymbolSection::kFull, kStarts, [&](std::string_view name, const Symbol& symbol) {
    if (name.starts_with(kPrefix) && symbol.size > 0 && found.size() < kMaxFunctions)
      found.push_back({symbol.address, symbol.address + symbol.size});
  });
  return found;
}

// A call or jump through memory that a scaled index leads into: FF /2 or /4, mod 00, SIB of scale 8 (Intel SDM volume 2).
bool goes_through_table(Bytes code, size_t at) {
  const uint8_t which = code[at + 1] & 0xf8U;
  return code[at] == 0xff && (which == 0x10 || which == 0x20) && (code[at + 1] & 7U) == 4 && code[at + 2] >> 6U == 3;
}

// Adds what may be the table by whose entries the code goes on: LEA of an address relative to the instruction (REX.W 8D /r,
// mod 00, rm 101), and such a jump behind it.
void add_tables(const elf::Image& image, elf::CodeRange range, std::set<uint64_t>& tables) {
  constexpr size_t kLea = 7;
  const Bytes code = code_of(image, range);
  for (size_t at = 0; at + kLea <= code.size(); ++at) {
    if ((code[at] & 0xfbU) != 0x48 || code[at + 1] != 0x8d || (code[at + 2] & 0xc7U) != 0x05) continue;
    const auto distance = read_at<int32_t>(code, at + 3);
    bool jumps = false;
    for (size_t jump = at + kLea; jump + 3 <= std::min(code.size(), at + kLea + kDispatch); ++jump)
      jumps = jumps || goes_through_table(code, jump);
    if (jumps) tables.insert(range.begin.value + at + kLea + static_cast<uint64_t>(int64_t{distance.value_or(0)}));
  }
}

// Where E8 or E9, or with two bytes 0F 8x, lead that are at `at`: a call, a jump, a conditional jump.
std::optional<uint64_t> target_at(Bytes code, uint64_t address, size_t at, uint8_t opcode) {
  const bool conditional = opcode != 0xe8 && at > 0 && code[at - 1] == 0x0f && (code[at] & 0xf0U) == 0x80;
  const auto distance = read_at<int32_t>(code, at + 1);
  if (!distance || (code[at] != opcode && !conditional)) return std::nullopt;
  return address + at + 5 + static_cast<uint64_t>(int64_t{*distance});
}

// The table itself, also where the dynamic loader is yet to fill it (R_X86_64_RELATIVE).
std::set<uint64_t> entries_of(const elf::Image& image, uint64_t table) {
  constexpr uint64_t kBytes = kInstructions * sizeof(uint64_t);
  std::set<uint64_t> entries;
  for (uint64_t at = 0; at < kBytes; at += sizeof(uint64_t))
    entries.insert(read_at<uint64_t>(image.bytes_at(Vaddr{table + at}), 0).value_or(0));
  for (const auto& section : image.sections()) {
    if (section.type != SHT_RELA || (section.flags & SHF_ALLOC) == 0) continue;
    const Bytes relocations = image.raw(section);
    for (uint64_t at = 0; const auto entry = read_at<Elf64_Rela>(relocations, at); at += sizeof(Elf64_Rela))
      if (entry->r_offset - table < kBytes && ELF64_R_TYPE(entry->r_info) == R_X86_64_RELATIVE)
        entries.insert(static_cast<uint64_t>(entry->r_addend));
  }
  return entries;
}

// The code of labels that several instructions jump to is functions as well.
void add_labels(const elf::Image& image, const Functions& functions, Functions& found) {
  std::map<uint64_t, size_t> jumps;
  for (const auto& [begin, range] : found) {
    const Bytes code = code_of(image, range);
    std::set<uint64_t> targets;
    for (size_t at = 0; at < code.size(); ++at)
      if (const auto target = target_at(code, begin, at, 0xe9)) targets.insert(*target);
    for (const uint64_t target : targets) ++jumps[target];
  }
  for (const auto& [target, count] : jumps)
    if (const auto function = functions.find(target); count > 1 && function != functions.end()) found.insert(*function);
}

// What the table's entries lead to; none when it is another table.
Functions entered_by(const elf::Image& image, const Functions& functions, uint64_t table) {
  Functions found;
  for (const uint64_t entry : entries_of(image, table))
    if (const auto function = functions.find(entry); function != functions.end()) found.insert(*function);
  return found.size() < kInstructions / 2 ? Functions() : found;
}

std::vector<elf::CodeRange> by_table(const elf::Image& image, elf::CodeRange loop) {
  Functions functions;
  for (const auto& range : functions_of(image)) functions.emplace(range.begin.value, range);

  // The loop itself jumps through it where the compiler has put the first function into it.
  std::set<uint64_t> tables;
  add_tables(image, loop, tables);
  const Bytes code = code_of(image, loop);
  for (size_t at = 0; at < code.size(); ++at) {
    const auto target = target_at(code, loop.begin.value, at, 0xe8);
    const auto function = target ? functions.find(*target) : functions.end();
    if (function != functions.end()) add_tables(image, function->second, tables);
  }
  Functions found;
  for (const uint64_t table : tables)
    if (found.empty()) found = entered_by(image, functions, table);
  if (!found.empty()) add_labels(image, functions, found);

  std::vector<elf::CodeRange> ranges;
  for (const auto& [begin, range] : found)
    if (begin != loop.begin.value && ranges.size() < kMaxFunctions) ranges.push_back(range);
  return ranges;
}

}  // namespace

std::vector<elf::CodeRange> find_instruction_functions(const elf::Image& image, elf::CodeRange loop) {
  if (image.machine() != elf::Machine::kX86_64 || loop.end <= loop.begin || loop.end - loop.begin > kMaxLoop) return {};
  auto found = named(image);
  if (found.empty()) found = by_table(image, loop);
  std::ranges::sort(found, {}, &elf::CodeRange::begin);
  return found;
}

}  // namespace gp::runtimes::python
