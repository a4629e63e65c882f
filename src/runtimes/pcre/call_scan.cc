#include "runtimes/pcre/call_scan.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "runtimes/code.h"
#include "runtimes/symbols.h"

namespace gp::runtimes::pcre {
namespace {

constexpr size_t kMaxFunction = 4096;          // bytes of pcre2_jit_match: 450 to 800 in every build seen
constexpr size_t kPrologue = 64;               // in which a function makes its frame
constexpr uint64_t kMaxScanned = 128U << 20U;  // of code, in files without a name for it
constexpr uint64_t kMaxConstants = 8U << 20U;  // of files that are searched for the compiler's text
constexpr std::array<uint8_t, 4> kBadOption = {0xd3, 0xff, 0xff, 0xff};  // PCRE2_ERROR_JIT_BADOPTION, -45 (pcre2.h)

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

// Where the calls (call rel32) in a piece of code that begins at `address` lead.
std::vector<Vaddr> callees(Bytes code, Vaddr address) {
  std::vector<Vaddr> found;
  for (size_t at = 0; at + 5 <= code.size(); ++at) {
    if (code[at] != 0xe8) continue;
    if (const auto distance = read_at<int32_t>(code, at + 1))
      found.push_back(address + (at + 5 + static_cast<uint64_t>(int64_t{*distance})));
  }
  return found;
}

Bytes code_of_function(const elf::Image& image, elf::CodeRange range) {
  return code_at(image, range.begin, std::min<uint64_t>(range.end - range.begin, kMaxFunction));
}

void add_sites(const elf::Image& image, elf::CodeRange range, std::vector<Vaddr>& sites) {
  const auto found = return_sites(code_of_function(image, range), range.begin);
  sites.insert(sites.end(), found.begin(), found.end());
}

std::optional<elf::CodeRange> function_at(const std::vector<elf::CodeRange>& functions, Vaddr address) {
  const auto found =
      std::ranges::lower_bound(functions, address.value, {}, [](const auto& range) { return range.begin.value; });
  if (found == functions.end() || found->begin.value != address.value) return std::nullopt;
  return *found;
}

// PHP's own PCRE has its names with a prefix (main/php_compat.h).
std::vector<Vaddr> named_matches(const elf::Image& image) {
  constexpr std::array<std::string_view, 2> kStarts = {"pcre", "php_"};
  constexpr std::array<std::string_view, 4> kNames = {"pcre2_jit_match_8", "pcre2_jit_match_16", "pcre2_jit_match_32",
                                                      "php_pcre2_jit_match"};
  std::vector<Vaddr> found;
  each_symbol(image, SymbolSection::kDynamic, kStarts, [&](std::string_view name, const Symbol& symbol) {
    if (std::ranges::find(kNames, name) != kNames.end()) found.push_back(symbol.address);
  });
  return found;
}

std::vector<Vaddr> sites_of_named(const elf::Image& image, const std::vector<Vaddr>& matches) {
  const auto functions = functions_of(image);
  std::vector<Vaddr> sites;
  for (const Vaddr match : matches) {
    const auto range = function_at(functions, match);
    if (!range) continue;
    add_sites(image, *range, sites);
    for (const Vaddr address : callees(code_of_function(image, *range), range->begin)) {
      const auto callee = function_at(functions, address);
      if (callee && has_machine_stack(code_of_function(image, *callee))) add_sites(image, *callee, sites);
    }
  }
  return sites;
}

// What pcre2_config() says of the compiler's target is in every PCRE2 that has the compiler (sljit_get_platform_name() in
// sljitNativeX86_common.c, SLJIT_CPUINFO in sljitConfigCPU.h; alike in 10.36 to 10.47). It maps the memory that its code is
// to lie in: a library without that is not searched.
bool has_compiler(const elf::Image& image) {
  constexpr std::string_view kTarget = "x86 64bit (little endian + unaligned)";
  if (!image.is_static() && !imports(image, "mmap") && !imports(image, "mmap64")) return false;
  const auto* constants = image.section(".rodata");
  if (constants == nullptr || constants->size > kMaxConstants) return false;
  const Bytes bytes = image.raw(*constants);
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).contains(kTarget);
}

// pcre2_jit_match is what calls a function with room for the machine's stack and an indirect call, has such a call itself
// and can say that it does not know an option.
std::vector<Vaddr> sites_by_code(const elf::Image& image) {
  const auto functions = functions_of(image);
  std::vector<elf::CodeRange> machine;
  for (const elf::CodeRange range : functions) {
    if (machine.size() < 8 &&
        has_machine_stack(code_at(image, range.begin, std::min(kPrologue, range.end - range.begin))) &&
        !return_sites(code_of_function(image, range), range.begin).empty())
      machine.push_back(range);
  }
  std::vector<Vaddr> sites;
  uint64_t scanned = 0;
  for (const elf::CodeRange range : functions) {
    const Bytes code = code_of_function(image, range);
    scanned += code.size();
    if (machine.empty() || scanned > kMaxScanned) break;
    if (range.end - range.begin > kMaxFunction || std::ranges::search(code, kBadOption).empty()) continue;
    const auto called = callees(code, range.begin);
    for (const elf::CodeRange callee : machine) {
      if (std::ranges::find(called, callee.begin) == called.end() || return_sites(code, range.begin).empty()) continue;
      add_sites(image, range, sites);
      add_sites(image, callee, sites);
    }
  }
  return sites;
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

bool has_machine_stack(Bytes code) {
  using Start = std::array<uint8_t, 4>;
  constexpr int64_t kMachineStack = 32768;
  struct Form {
    Bytes start;
    int64_t sign;
  };
  static constexpr std::array<uint8_t, 3> kSubtract = {0x48, 0x81, 0xec};  // sub $imm32, %rsp
  // GCC's and Clang's -fstack-clash-protection probe each page down to there first.
  static constexpr Start kLea = {0x4c, 0x8d, 0x9c, 0x24};                      // lea disp32(%rsp), %r11
  static constexpr std::array<uint8_t, 3> kSubtractCopy = {0x49, 0x81, 0xeb};  // sub $imm32, %r11
  code = code.first(std::min(code.size(), kPrologue));
  for (const Form& form : {Form{kSubtract, 1}, Form{kLea, -1}, Form{kSubtractCopy, 1}}) {
    const auto found = std::ranges::search(code, form.start);
    if (found.empty()) continue;
    const auto bytes = read_at<int32_t>(code, static_cast<size_t>(found.end() - code.begin()));
    if (bytes && form.sign * *bytes >= kMachineStack && form.sign * *bytes < 2 * kMachineStack) return true;
  }
  return false;
}

std::optional<std::vector<Vaddr>> find_sites(const elf::Image& image) {
  if (image.machine() != elf::Machine::kX86_64) return std::nullopt;
  if (const auto matches = named_matches(image); !matches.empty()) return sites_of_named(image, matches);
  if (!has_compiler(image)) return std::nullopt;
  auto sites = sites_by_code(image);
  if (sites.empty()) return std::nullopt;  // it may only speak of it
  return sites;
}

}  // namespace gp::runtimes::pcre
