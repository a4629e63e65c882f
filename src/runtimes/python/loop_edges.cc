#include "runtimes/python/loop_edges.h"

#include <algorithm>
#include <vector>

#include "elf/unwind_source.h"

namespace gp::runtimes::python {
namespace {

constexpr size_t kPrologue = 512;  // the frame is linked within these first bytes (69 to 144 in the builds looked at)
constexpr size_t kReturn = 48;     // and unlinked at most so far before `pop; ret`
constexpr size_t kTail = 16;       // or that far before a jump to it

// Length of "mov %reg, offset(%other)" at `at` with a 64-bit register, an 8-bit offset and a base that is not the stack
// pointer; 0: something else is there. REX.W 89 /r, Intel SDM volume 2: mod 01, rm the base; rm 100 needs a SIB byte, which
// with REX.B means r12.
size_t store_to(Bytes code, size_t at, uint8_t offset) {
  if (at + 5 > code.size() || (code[at] & 0xf8) != 0x48 || code[at + 1] != 0x89) return 0;
  const uint8_t modrm = code[at + 2];
  if ((modrm & 0xc0) != 0x40) return 0;
  if ((modrm & 7) != 4) return code[at + 3] == offset ? 4 : 0;
  const bool is_r12 = (code[at] & 1) != 0 && code[at + 3] == 0x24;
  return is_r12 && code[at + 4] == offset ? 5 : 0;
}

// How far behind `at` the function returns: pop %r15 (the first register compilers push), ret.
size_t until_return(Bytes code, size_t at) {
  const size_t end = std::min(code.size(), at + kReturn);
  for (size_t i = at; i + 3 <= end; ++i)
    if (code[i] == 0x41 && code[i + 1] == 0x5f && code[i + 2] == 0xc3) return i + 3 - at;
  return kTail;
}

std::vector<gp_python_part> unlinked_parts(Bytes code, uint8_t frame_offset) {
  std::vector<gp_python_part> parts;
  for (size_t at = 0; at < code.size() && parts.size() < GP_PYTHON_UNLINKED;) {
    const size_t length = store_to(code, at, frame_offset);
    if (length == 0) {
      ++at;
      continue;
    }
    at += length;
    if (parts.empty()) {
      if (at > kPrologue) break;
      parts.push_back({0, static_cast<uint32_t>(at)});
    } else {
      const size_t tail = until_return(code, at);
      parts.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + tail)});
      at += tail;
    }
  }
  return parts;
}

// The unwind rule that holds at `at`.
std::optional<gp_rule> rule_at(const elf::Image& image, FileOffset at) {
  elf::UnwindSource source(image);
  const elf::UnwindPage page = source.compile_page(at.value >> GP_PAGE_SHIFT);
  const auto pc = static_cast<uint16_t>(at.value & (GP_PAGE_SIZE - 1));
  const auto after = std::ranges::upper_bound(page.rows, pc, {}, &gp_row::pc);
  if (after == page.rows.begin() || std::prev(after)->rule >= page.rules.size()) return std::nullopt;
  return page.rules[std::prev(after)->rule];
}

}  // namespace

void find_loop_edges(const elf::Image& image, elf::CodeRange loop, gp_python& python) {
  const auto start = image.to_offset(loop.begin);
  if (!start || image.machine() != elf::Machine::kX86_64 || loop.end <= loop.begin) return;
  Bytes code = image.bytes_at(loop.begin);
  code = code.first(std::min<size_t>(code.size(), loop.end - loop.begin));
  python.loop_start = start->value;
  const auto parts = unlinked_parts(code, static_cast<uint8_t>(python.thread_frame));
  std::ranges::copy(parts, python.unlinked);
  if (parts.empty()) return;
  const auto rule = rule_at(image, *start + parts[0].end);
  if (!rule || rule->cfa_op != GP_CFA_REG || rule->cfa_offset <= 0 || rule->cfa_offset > UINT16_MAX) return;
  python.loop_cfa = static_cast<uint16_t>(rule->cfa_offset);
  python.loop_register = rule->cfa_reg;
}

}  // namespace gp::runtimes::python
