#include <elf.h>

#include <algorithm>
#include <array>
#include <utility>

#include "elf/symbol_table.h"

namespace gp::elf {
namespace {

constexpr size_t kMaxStubs = 1U << 18U;

// A GOT slot and what the loader writes there: the address of a symbol, or what a resolver returns.
struct Slot {
  Vaddr address;
  uint32_t symbol = 0;  // number in the dynamic symbol table; 0: the resolver counts
  Vaddr resolver;
};

std::optional<Slot> got_slot(Machine machine, const Elf64_Rela& entry) {
  const uint64_t type = ELF64_R_TYPE(entry.r_info);
  const bool x86 = machine == Machine::kX86_64;
  if (type == (x86 ? R_X86_64_IRELATIVE : R_AARCH64_IRELATIVE))
    return Slot{{entry.r_offset}, 0, {static_cast<uint64_t>(entry.r_addend)}};
  const bool by_symbol = x86 ? type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT
                             : type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
  if (!by_symbol) return std::nullopt;
  return Slot{{entry.r_offset}, static_cast<uint32_t>(ELF64_R_SYM(entry.r_info)), {}};
}

std::vector<Slot> got_slots(const Image& image) {
  std::vector<Slot> slots;
  for (const Section& section : image.sections()) {
    if (section.type != SHT_RELA || (section.flags & SHF_ALLOC) == 0) continue;
    ByteReader reader(image.raw(section));
    while (reader.remaining() >= sizeof(Elf64_Rela) && slots.size() < kMaxStubs) {
      if (const auto slot = got_slot(image.machine(), reader.read<Elf64_Rela>())) slots.push_back(*slot);
    }
  }
  std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.address < b.address; });
  return slots;
}

// A stub: where it lies in its section and the GOT slot it jumps through.
struct Jump {
  size_t offset = 0;
  size_t size = 0;
  Vaddr slot;
};

// x86-64 stubs are 8 (.plt.got) or 16 bytes, aligned so, and hold one `jmp *disp32(%rip)` (ff 25), in IBT files after
// endbr64 and perhaps a bnd prefix. PLT0 jumps so too, but through a slot that has no relocation.
std::vector<Jump> x86_jumps(Bytes code, Vaddr base, bool short_stubs) {
  std::vector<Jump> jumps;
  const size_t step = short_stubs ? 8 : 16;
  for (size_t at = 0; at + step <= code.size() && jumps.size() < kMaxStubs; at += step) {
    for (size_t i = at; i + 6 <= at + step; ++i) {
      if (code[i] != 0xff || code[i + 1] != 0x25) continue;
      const auto displacement = static_cast<uint64_t>(int64_t{read_at<int32_t>(code, i + 2).value_or(0)});
      jumps.push_back({at, step, base + (i + 6 + displacement)});
      break;
    }
  }
  return jumps;
}

// aarch64 stubs: [bti c] adrp x16, page; ldr x17, [x16, #offset]; add x16, …; [autia1716] br x17 [nop].
std::vector<Jump> aarch64_jumps(Bytes code, Vaddr base) {
  std::vector<Jump> jumps;
  for (size_t at = 0; at + 8 <= code.size() && jumps.size() < kMaxStubs; at += 4) {
    const uint32_t adrp = read_at<uint32_t>(code, at).value_or(0);
    const uint32_t load = read_at<uint32_t>(code, at + 4).value_or(0);
    if ((adrp & 0x9f00001fU) != 0x90000010U || (load & 0xffc003ffU) != 0xf9400211U) continue;
    const uint64_t immediate = ((adrp >> 29U) & 3U) | ((adrp >> 3U) & 0x1ffffcU);  // 21 bits, signed, in pages
    const uint64_t pages = (immediate ^ 0x100000U) - 0x100000U;
    const uint64_t page = ((base.value + at) & ~uint64_t{0xfff}) + (pages << 12U);
    const bool bti = at >= 4 && read_at<uint32_t>(code, at - 4) == 0xd503245fU;
    const size_t start = bti ? at - 4 : at;
    if (!jumps.empty()) jumps.back().size = std::min<size_t>(24, start - jumps.back().offset);
    jumps.push_back({start, 16, {page + ((load >> 10U) & 0xfffU) * 8}});
  }
  return jumps;
}

}  // namespace

std::vector<PltStub> plt_stubs(const Image& image) {
  std::vector<PltStub> stubs;
  std::vector<Slot> slots;
  const SymbolTable symbols = SymbolTable::dynamic(image);
  for (const std::string_view name : {".plt", ".plt.sec", ".plt.got"}) {
    const Section* section = image.section(name);
    if (section == nullptr) continue;
    if (slots.empty()) slots = got_slots(image);
    const Bytes code = image.raw(*section);
    const auto jumps = image.machine() == Machine::kX86_64 ? x86_jumps(code, section->address, section->entry_size == 8)
                                                           : aarch64_jumps(code, section->address);
    for (const Jump& jump : jumps) {
      const auto slot = std::lower_bound(slots.begin(), slots.end(), jump.slot,
                                         [](const Slot& s, Vaddr address) { return s.address < address; });
      if (slot == slots.end() || slot->address != jump.slot || stubs.size() >= kMaxStubs) continue;
      PltStub stub{section->address + jump.offset, jump.size, {}, slot->resolver};
      if (slot->symbol != 0) stub.target = symbols.name(slot->symbol).value_or("");
      if (!stub.target.empty() || slot->symbol == 0) stubs.push_back(stub);
    }
  }
  return stubs;
}

}  // namespace gp::elf
