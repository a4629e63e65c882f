#include "runtimes/pcre/pcre_runtime.h"

#include <algorithm>
#include <array>

#include "bpf/abi/pcre.h"
#include "elf/symbol_table.h"
#include "runtimes/code.h"

namespace gp::runtimes::pcre {
namespace {

// Length of the call that begins at `code`: FF /2 with any operand (Intel SDM volume 2, CALL); 0: it is none.
size_t indirect_call_bytes(Bytes code) {
  if (code.size() < 3 || code[0] != 0xff || (code[1] >> 3U & 7U) != 2) return 0;
  const uint8_t mode = code[1] >> 6U;
  const uint8_t base = code[1] & 7U;
  if (mode == 3) return 2;
  const size_t scaled = base == 4 ? 1 : 0;
  if (mode == 1) return 3 + scaled;
  if (mode == 2 || base == 5) return 6 + scaled;
  return 2 + scaled;
}

std::optional<elf::CodeRange> function_at(const std::vector<elf::CodeRange>& functions, Vaddr address) {
  const auto found =
      std::ranges::lower_bound(functions, address.value, {}, [](const auto& range) { return range.begin.value; });
  if (found == functions.end() || found->begin.value != address.value) return std::nullopt;
  return *found;
}

// jit_machine_stack_exec (pcre2_jit_match.c), which calls the pattern on the machine's stack, may be a function of its
// own: one that makes room for MACHINE_STACK_SIZE, 32 KiB (pcre2_jit_compile.c), among those that pcre2_jit_match calls.
bool has_machine_stack(Bytes code) {
  constexpr std::array<uint8_t, 3> kSubtract = {0x48, 0x81, 0xec};  // sub $imm32, %rsp
  constexpr uint32_t kMachineStack = 32768;
  for (auto found = std::ranges::search(code, kSubtract); !found.empty();
       found = std::ranges::search(code, kSubtract)) {
    code = code.subspan(static_cast<size_t>(found.end() - code.begin()));
    const auto bytes = read_at<uint32_t>(code, 0);
    if (bytes && *bytes >= kMachineStack && *bytes < 2 * kMachineStack) return true;
  }
  return false;
}

void add_sites(const elf::Image& image, elf::CodeRange range, std::vector<Vaddr>& sites) {
  const auto found = return_sites(code_of(image, range), range.begin);
  sites.insert(sites.end(), found.begin(), found.end());
}

std::vector<Vaddr> sites_of(const elf::Image& image, elf::CodeRange match,
                            const std::vector<elf::CodeRange>& functions) {
  std::vector<Vaddr> sites;
  add_sites(image, match, sites);
  const Bytes code = code_of(image, match);
  for (size_t at = 0; at + 5 <= code.size(); ++at) {
    if (code[at] != 0xe8) continue;  // call rel32
    const auto distance = read_at<int32_t>(code, at + 1);
    if (!distance) break;
    const auto callee = function_at(functions, match.begin + (at + 5 + static_cast<uint64_t>(int64_t{*distance})));
    if (callee && has_machine_stack(code_of(image, *callee))) add_sites(image, *callee, sites);
  }
  return sites;
}

std::optional<Vaddr> find_match(const elf::Image& image) {
  constexpr std::array<std::string_view, 3> kNames = {"pcre2_jit_match_8", "pcre2_jit_match_16", "pcre2_jit_match_32"};
  const auto symbols = elf::SymbolTable::dynamic(image);
  for (size_t i = 0; i < symbols.size(); ++i) {
    const auto symbol = symbols.function(i);
    if (symbol && std::ranges::find(kNames, symbol->name) != kNames.end()) return symbol->address;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Vaddr> return_sites(Bytes code, Vaddr address) {
  std::vector<Vaddr> sites;
  for (size_t at = 0; at < code.size(); ++at) {
    const size_t bytes = indirect_call_bytes(code.subspan(at));
    if (bytes == 0) continue;
    at += bytes - 1;
    sites.push_back(address + (at + 1));
  }
  return sites;
}

std::optional<targets::RuntimeFile> PcreRuntime::detect(const elf::Image& image, std::string_view /*path*/) const {
  if (image.machine() != elf::Machine::kX86_64) return std::nullopt;
  const auto match = find_match(image);
  if (!match) return std::nullopt;
  targets::RuntimeFile file;
  file.version = "2";
  const auto functions = functions_of(image);
  const auto range = function_at(functions, *match);
  if (!range) return file;
  const auto sites = sites_of(image, *range, functions);
  file.supported = !sites.empty() && sites.size() <= GP_PCRE_SITES;  // else no call is known for what it is
  if (file.supported) std::ranges::copy(sites, file.state.begin());
  return file;
}

Result<gp_runtime_entry> PcreRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& /*memory*/,
                                             uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, "pcre 2");
  gp_pcre layout{};
  for (size_t i = 0; i < GP_PCRE_SITES; ++i)
    if (file.state[i].value != 0) layout.sites[i] = file.state[i].value + bias;
  return targets::entry_with(kind(), layout);
}

}  // namespace gp::runtimes::pcre
