#include "runtimes/lua/code_scan.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "runtimes/code.h"

namespace gp::runtimes::lua {
namespace {

constexpr size_t kMinLoop = 4096;       // bytes; 5,600 (5.1) to 15,900 (5.4) in Debian's builds
constexpr size_t kMaxLoop = 1U << 18U;  // no build comes near
constexpr size_t kDispatch = 64;        // bytes from taking the opcode to the jump
constexpr size_t kMinVotes = 8;         // calls that get the state: 30 and more in every build seen

// x86-64 numbers of registers in instructions to those of DWARF (psABI, figure 3.36).
constexpr std::array<uint8_t, 16> kDwarf = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr unsigned kRsp = 4;
constexpr unsigned kRdi = 7;

constexpr bool is_callee_saved(unsigned reg) { return reg == 3 || reg == 5 || (reg >= 12 && reg <= 15); }

struct Modrm {
  unsigned mod, reg, rm;
};
// REX.W and what follows the opcode at `at + 1`; nothing when there is no such prefix.
std::optional<Modrm> wide(Bytes code, size_t at, uint8_t opcode) {
  if (at + 3 > code.size() || (code[at] & 0xf8U) != 0x48 || code[at + 1] != opcode) return std::nullopt;
  const unsigned rex = code[at];
  const unsigned modrm = code[at + 2];
  return Modrm{modrm >> 6U, (modrm >> 3U & 7U) | (rex & 4U) << 1U, (modrm & 7U) | (rex & 1U) << 3U};
}

constexpr gp_lua_place kNowhere = {.offset = 0, .reg = GP_LUA_NOWHERE, .in_memory = 0, .reserved = 0};

gp_lua_place in_register(unsigned reg) {
  return {.offset = 0, .reg = kDwarf[reg & 15U], .in_memory = 0, .reserved = 0};
}
gp_lua_place in_memory(unsigned reg, int32_t offset) {
  return {.offset = offset, .reg = kDwarf[reg & 15U], .in_memory = 1, .reserved = 0};
}

// What an operand of memory relative to the stack pointer or to rbp says, whose ModRM is at `at`.
std::optional<gp_lua_place> on_stack(Bytes code, size_t at, const Modrm& modrm) {
  const bool sib = (modrm.rm & 7U) == kRsp;
  const bool is_rsp = modrm.rm == kRsp && at + 1 < code.size() && code[at + 1] == 0x24;
  if (!is_rsp && (sib || modrm.rm != 5)) return std::nullopt;
  const size_t displacement = at + 1 + (sib ? 1 : 0);
  if (modrm.mod == 0 && is_rsp) return in_memory(modrm.rm, 0);
  if (modrm.mod == 1) {
    const auto value = read_at<int8_t>(code, displacement);
    return value ? std::optional(in_memory(modrm.rm, *value)) : std::nullopt;
  }
  const auto value = read_at<int32_t>(code, displacement);
  return modrm.mod == 2 && value ? std::optional(in_memory(modrm.rm, *value)) : std::nullopt;
}

using Place = std::tuple<int32_t, uint8_t, uint8_t>;
using Votes = std::map<Place, size_t>;
void vote(Votes& votes, const gp_lua_place& place) { ++votes[{place.offset, place.reg, place.in_memory}]; }
// The one most named, if it is named `least` times.
gp_lua_place elected(const Votes& votes, size_t least) {
  const auto best = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
  if (best == votes.end() || best->second < least) return kNowhere;
  return {.offset = std::get<0>(best->first),
          .reg = std::get<1>(best->first),
          .in_memory = std::get<2>(best->first),
          .reserved = 0};
}

// The state is the first argument of nearly all functions that the loop calls.
gp_lua_place find_state(Bytes code) {
  Votes votes;
  for (size_t at = 0; at + 3 <= code.size(); ++at) {
    if (const auto move = wide(code, at, 0x89);
        move && move->mod == 3 && move->rm == kRdi && is_callee_saved(move->reg))
      vote(votes, in_register(move->reg));
    if (const auto load = wide(code, at, 0x8b); load && load->mod != 3 && load->reg == kRdi)
      if (const auto place = on_stack(code, at + 2, *load)) vote(votes, *place);
  }
  return elected(votes, kMinVotes);
}

struct Store {
  unsigned from, base;
};
// A register stored where a register points, 8 bits displaced by `offset`.
std::optional<Store> store_at(Bytes code, size_t at, uint8_t offset) {
  const auto store = wide(code, at, 0x89);
  if (!store || store->mod != 1 || store->rm == kRsp) return std::nullopt;
  const bool sib = (store->rm & 7U) == kRsp;  // r12
  if (sib && (at + 3 >= code.size() || code[at + 3] != 0x24)) return std::nullopt;
  const auto displacement = read_at<uint8_t>(code, at + 3 + (sib ? 1 : 0));
  if (!displacement || *displacement != offset) return std::nullopt;
  return Store{store->reg, store->rm};
}

// From how the loop saves its place: savedpc = pc, in the CallInfo; 5.1: in the state. 5.2 and 5.3 have it nowhere else.
void find_place(Bytes code, const gp_lua& lua, Loop& loop) {
  const uint8_t offset = lua.version == GP_LUA_51 ? GP_LUA_STATE_PC : lua.call_pc;
  Votes bases;
  Votes pcs;
  for (size_t at = 0; at + 4 <= code.size(); ++at)
    if (const auto store = store_at(code, at, offset); store && is_callee_saved(store->base))
      vote(bases, in_register(store->base));
  const gp_lua_place base = elected(bases, 3);
  for (size_t at = 0; at + 4 <= code.size(); ++at)
    if (const auto store = store_at(code, at, offset);
        store && is_callee_saved(store->from) && kDwarf[store->base] == base.reg)
      vote(pcs, in_register(store->from));
  loop.pc = lua.version == GP_LUA_53 || lua.version == GP_LUA_52 ? kNowhere : elected(pcs, kMinVotes);
  if (lua.version != GP_LUA_51) loop.at = base;
}

// 5.1: cl = L->ci->func: what is stored right before its `p` is loaded, in the prologue.
gp_lua_place find_closure(Bytes code, const gp_lua& lua) {
  constexpr size_t kPrologue = 160;
  for (size_t at = 0; at + 9 <= std::min(code.size(), kPrologue); ++at) {
    const auto store = wide(code, at, 0x89);
    if (!store || store->mod != 1 || store->rm != kRsp || code[at + 3] != 0x24) continue;
    const auto load = wide(code, at + 5, 0x8b);
    if (load && load->mod == 1 && load->rm == store->reg && code[at + 8] == lua.closure_code)
      return in_memory(kRsp, static_cast<int8_t>(code[at + 4]));
  }
  return kNowhere;
}

// A jump through memory or a register: FF /4.
bool is_indirect_jump(Bytes code, size_t at) {
  return at + 1 < code.size() && code[at] == 0xff && (code[at + 1] >> 3U & 7U) == 4;
}

// It takes the opcode from an instruction of 32 bits (lopcodes.h: GET_OPCODE) and jumps by it.
bool dispatches(Bytes code, uint8_t mask) {
  for (size_t at = 0; at + 3 + kDispatch <= code.size(); ++at) {
    if (code[at] != 0x83 || (code[at + 1] & 0xf8U) != 0xe0 || code[at + 2] != mask) continue;
    for (size_t jump = at + 3; jump < at + kDispatch; ++jump)
      if (is_indirect_jump(code, jump)) return true;
  }
  return false;
}

std::optional<Loop> look_at(const elf::Image& image, elf::CodeRange range, const gp_lua& lua) {
  const Bytes code = code_of(image, range);
  Loop loop{.code = range, .state = find_state(code), .pc = kNowhere, .at = kNowhere};
  if (loop.state.reg == GP_LUA_NOWHERE) return std::nullopt;
  find_place(code, lua, loop);
  if (lua.version == GP_LUA_51) loop.at = find_closure(code, lua);
  return loop;
}

std::optional<size_t> target_of_call(Bytes code, size_t at) {
  constexpr size_t kBytes = 5;
  const auto distance = read_at<int32_t>(code, at + 1);
  if (at >= code.size() || code[at] != 0xe8 || !distance) return std::nullopt;
  return at + kBytes + static_cast<size_t>(int64_t{*distance});
}

// luaV_finishOp(L); luaV_execute(L): nothing else calls the loop right behind another call (ldo.c: unroll).
void find_unroll(const elf::Image& image, const gp_lua& lua, Loop& loop) {
  constexpr size_t kCall = 5;
  const size_t moves = lua.version >= GP_LUA_54 ? 6 : 3;  // bytes that set the arguments: two or one
  size_t found = 0;
  for (const auto& part : image.executable_ranges()) {
    const auto begin = image.to_vaddr(part.begin);
    if (!begin) continue;
    const Bytes code = code_at(image, *begin, part.end - part.begin);
    for (size_t at = kCall + moves; at < code.size() && found < loop.unroll.size(); ++at) {
      if (code[at] != 0xe8) continue;
      const auto target = target_of_call(code, at);
      if (!target || *begin + *target != loop.code.begin) continue;
      bool only_moves = target_of_call(code, at - moves - kCall).has_value();
      for (size_t move = at - moves; move < at; move += 3) {
        const auto modrm = wide(code, move, 0x89);
        only_moves = only_moves && modrm && modrm->mod == 3;
      }
      if (only_moves) loop.unroll[found++] = *begin + at + kCall;
    }
  }
}

}  // namespace

std::optional<Loop> find_loop(const elf::Image& image, const gp_lua& lua) {
  if (image.machine() != elf::Machine::kX86_64) return std::nullopt;
  const uint8_t mask = lua.version >= GP_LUA_54 ? 0x7f : 0x3f;
  std::optional<Loop> best;
  uint64_t most = kMinLoop - 1;
  for (const elf::CodeRange range : functions_of(image)) {
    const uint64_t size = range.end - range.begin;
    if (size <= most || size > kMaxLoop || !dispatches(code_of(image, range), mask)) continue;
    if (const auto loop = look_at(image, range, lua)) {
      best = loop;
      most = size;
    }
  }
  if (best && lua.version != GP_LUA_51) find_unroll(image, lua, *best);
  return best;
}

}  // namespace gp::runtimes::lua
