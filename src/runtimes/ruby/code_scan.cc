#include "runtimes/ruby/code_scan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "runtimes/code.h"

namespace gp::runtimes::ruby {
namespace {

constexpr size_t kPrologueBytes = 64;  // of rb_id2str(): it is shorter than that
constexpr size_t kLookupBytes = 192;   // of get_id_serial_entry(): reads last_id among the first things
constexpr size_t kMinStores = 32;      // 100 and more in every build seen; no other function has 10

size_t find(Bytes code, Bytes pattern, size_t from = 0) {
  const auto at = std::search(code.begin() + static_cast<std::ptrdiff_t>(std::min(from, code.size())), code.end(),
                              pattern.begin(), pattern.end());
  return static_cast<size_t>(at - code.begin());
}

// What an operand of four bytes at `at`, relative to the instruction that it ends, points to.
std::optional<Vaddr> relative(Bytes code, Vaddr start, size_t at) {
  const auto distance = read_at<int32_t>(code, at);
  if (!distance) return std::nullopt;
  return start + at + 4 + static_cast<uint64_t>(int64_t{*distance});
}

// The words of rb_symbols_t in the file (a fourth, which 4.0 has not, is not looked at): ids up to the last built-in one
// are taken, the tables are not there yet (symbol.c: ruby_global_symbols = {tNEXT_ID-1}).
bool is_symbol_table(const elf::Image& image, Vaddr address) {
  constexpr uint64_t kMinIds = 150;  // 236 in 2.7, 241 in 3.3
  constexpr uint64_t kMaxIds = 2000;
  if (address.value % 8 != 0) return false;
  const auto words = read_at<std::array<uint64_t, 3>>(image.bytes_at(address), 0);
  return words && (*words)[0] >= kMinIds && (*words)[0] <= kMaxIds && (*words)[1] == 0 && (*words)[2] == 0;
}

std::optional<Vaddr> table_read_by(const elf::Image& image, Vaddr function, size_t limit) {
  const Bytes code = code_at(image, function, limit);
  for (size_t at = 0; at + 4 <= code.size(); ++at) {
    const auto target = relative(code, function, at);
    if (target && is_symbol_table(image, *target)) return target;
  }
  return std::nullopt;
}

size_t count(Bytes code, Bytes pattern) {
  size_t found = 0;
  for (size_t at = find(code, pattern); at < code.size(); at = find(code, pattern, at + pattern.size())) ++found;
  return found;
}

}  // namespace

std::optional<Vaddr> find_symbol_table(const elf::Image& image, Vaddr id_to_string) {
  if (const auto found = table_read_by(image, id_to_string, kPrologueBytes)) return found;
  const Bytes code = code_at(image, id_to_string, kPrologueBytes);
  constexpr uint8_t kJump = 0xe9;
  for (size_t at = 0; at < code.size(); ++at) {
    if (code[at] != kJump) continue;
    const auto target = relative(code, id_to_string, at + 1);
    if (!target) continue;
    if (const auto found = table_read_by(image, *target, kLookupBytes)) return found;
  }
  return std::nullopt;
}

std::optional<Vaddr> find_literal(const elf::Image& image, std::string_view text) {
  const auto* section = image.section(".rodata");
  if (section == nullptr) return std::nullopt;
  std::string wanted(1, '\0');  // the end of the string before it: not the tail of a longer one
  wanted += text;
  wanted += '\0';
  const Bytes bytes = image.raw(*section);
  const size_t at = find(bytes, {reinterpret_cast<const uint8_t*>(wanted.data()), wanted.size()});
  if (at >= bytes.size()) return std::nullopt;
  return section->address + at + 1;
}

std::optional<elf::CodeRange> find_loop(const elf::Image& image) {
  constexpr std::array<uint8_t, 3> kStore = {0x4d, 0x89, 0x37};  // mov %r14, (%r15)
  if (image.machine() != elf::Machine::kX86_64) return std::nullopt;
  std::optional<elf::CodeRange> best;
  size_t most = kMinStores - 1;
  for (const elf::CodeRange range : functions_of(image)) {
    const size_t stores = count(code_of(image, range), kStore);
    if (stores <= most) continue;
    best = range;
    most = stores;
  }
  return best;
}

}  // namespace gp::runtimes::ruby
