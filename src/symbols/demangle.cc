#include "symbols/demangle.h"

#define HAVE_DECL_BASENAME 1  // libiberty.h declares its own otherwise, which clashes with libc's
#include <libiberty/demangle.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace gp::symbols {
namespace {

constexpr std::string_view kPltSuffix = "@plt";

// GCC: gcc/cgraphclones.cc, ipa-split.cc, lto-partition.cc; Clang: ThinLTO promotion, unique internal linkage names.
// A number may follow each.
constexpr std::array<std::string_view, 12> kCloneSuffixes{".cold",   ".part",     ".constprop",  ".isra",
                                                          ".llvm",   ".lto_priv", ".localalias", ".clone",
                                                          ".__uniq", ".warm",     ".hot",        ".unlikely"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_punctuation(char c) {
  return static_cast<unsigned char>(c) < 0x80 && !is_digit(c) && c != '_' && !(c >= 'a' && c <= 'z') &&
         !(c >= 'A' && c <= 'Z');
}

// One suffix cut off, or nothing to cut.
std::optional<std::string_view> cut_clone_suffix(std::string_view name) {
  std::string_view word = name;
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  if (dot + 1 < name.size() && std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(), is_digit))
    word = name.substr(0, dot);
  for (const std::string_view suffix : kCloneSuffixes)
    if (word.size() > suffix.size() && word.ends_with(suffix)) return word.substr(0, word.size() - suffix.size());
  return std::nullopt;
}

// Output of libiberty's printers, which go on until they are done: a name of 100 bytes may print 2^30. Once too much
// has come, the printer is left by longjmp; its C frames own nothing on the heap then (see append).
struct Printed {
  std::array<char, kMaxDemangledBytes> text;
  size_t size = 0;
  bool overflow = false;
  std::jmp_buf stop;
};

// The Rust printer holds a heap block while it prints an identifier decoded from Punycode, letter by letter. Such
// letters are alphanumeric or beyond ASCII; every larger construct also prints punctuation, where it is safe to leave.
bool may_leave(const char* text, size_t size) { return std::any_of(text, text + size, is_punctuation); }

void append(const char* text, size_t size, void* opaque) {
  if (size == 0) return;  // and perhaps no text
  auto* printed = static_cast<Printed*>(opaque);
  if (!printed->overflow && size <= printed->text.size() - printed->size) {
    std::memcpy(printed->text.data() + printed->size, text, size);
    printed->size += size;
    return;
  }
  printed->overflow = true;
  // NOLINTNEXTLINE(cert-err52-cpp): the only way out of a C printer that takes no "no"
  if (may_leave(text, size)) std::longjmp(printed->stop, 1);
}

using Printer = int (*)(const char*, int, demangle_callbackref, void*);

bool print(Printer printer, const char* mangled, int options, Printed& printed) {
  // NOLINTNEXTLINE(cert-err52-cpp): see append
  if (setjmp(printed.stop) != 0) return false;
  return printer(mangled, options, append, &printed) != 0 && !printed.overflow;
}

// libiberty reserves (templates x scopes) records of 16 bytes on the stack before it prints a C++ name (cp-demangle.c,
// d_print_init): each template argument list is a template, each reference to a template parameter a scope, both
// counted up to twice. Half a MiB is far more than real names need.
bool stack_bounded(std::string_view mangled) {
  size_t templates = 0;
  size_t scopes = 0;
  for (size_t i = 0; i < mangled.size(); ++i) {
    const char next = i + 1 < mangled.size() ? mangled[i + 1] : '\0';
    if (mangled[i] == 'I') ++templates;
    if ((mangled[i] == 'R' || mangled[i] == 'O') && (next == 'T' || next == 'S')) ++scopes;
  }
  return templates * scopes <= 8192;
}

// D's printer returns one string, so its size must be bounded beforehand: a back reference 'Q' prints again at most
// all that lies between its target and itself (D ABI, "Back references": base 26, last digit lower case).
bool d_output_bounded(std::string_view mangled) {
  constexpr size_t kMaxPrinted = size_t{1} << 20U;
  std::vector<size_t> printed{0};  // [i]: bytes printed for mangled[0, i) at most
  for (size_t i = 0; i < mangled.size(); ++i) {
    size_t cost = 16;  // a letter may print a word: 'x' is "const("
    size_t distance = 0;
    for (size_t j = i + 1; mangled[i] == 'Q' && j < mangled.size() && distance <= mangled.size(); ++j) {
      const bool last = mangled[j] >= 'a' && mangled[j] <= 'z';
      if (!last && (mangled[j] < 'A' || mangled[j] > 'Z')) break;
      distance = distance * 26 + static_cast<size_t>(mangled[j] - (last ? 'a' : 'A'));
      if (!last) continue;
      if (distance <= i) cost += printed[i] - printed[i - distance];
      break;
    }
    printed.push_back(printed.back() + cost);
    if (printed.back() > kMaxPrinted) return false;
  }
  return true;
}

std::optional<std::string> demangle_d(const std::string& mangled) {
  if (!d_output_bounded(mangled)) return std::nullopt;
  const std::unique_ptr<char, void (*)(void*)> text(dlang_demangle(mangled.c_str(), DMGL_DLANG), std::free);
  if (!text || std::strlen(text.get()) > kMaxDemangledBytes) return std::nullopt;
  return std::string(text.get());
}

std::optional<std::string> demangle_whole(std::string_view name) {
  if (name.size() < 3 || name.size() >= kMaxMangledBytes || name[0] != '_') return std::nullopt;
  const std::string mangled(name);
  if (name[1] == 'D' && is_digit(name[2])) return demangle_d(mangled);
  if (name[1] != 'R' && name[1] != 'Z') return std::nullopt;
  Printed printed;
  if (!print(rust_demangle_callback, mangled.c_str(), DMGL_RUST, printed)) {
    if (printed.overflow || name[1] == 'R' || !stack_bounded(name)) return std::nullopt;
    printed.size = 0;
    if (!print(cplus_demangle_v3_callback, mangled.c_str(), DMGL_PARAMS | DMGL_ANSI, printed)) return std::nullopt;
  }
  if (printed.size == 0) return std::nullopt;
  return std::string(printed.text.data(), printed.size);
}

}  // namespace

std::string_view without_clone_suffix(std::string_view name) {
  while (const auto shorter = cut_clone_suffix(name)) name = *shorter;
  return name;
}

std::string demangle(std::string_view raw) {
  std::string_view suffix;
  if (raw.ends_with(kPltSuffix)) suffix = kPltSuffix;
  const std::string_view name = without_clone_suffix(raw.substr(0, raw.size() - suffix.size()));
  return demangle_whole(name).value_or(std::string(name)) + std::string(suffix);
}

}  // namespace gp::symbols
