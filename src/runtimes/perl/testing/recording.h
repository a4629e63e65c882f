// A stopped Perl.
#pragma once

#include <algorithm>
#include <array>

#include "runtimes/perl/offsets.h"
#include "runtimes/perl/perl_runtime.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::perl {

struct Recording final : RecordingOf<Recording> {
  uint16_t version = 0;
  uint64_t key = 0;         // PL_thr_key in the process
  uint64_t first = 0;       // PL_curinterp
  uint64_t loop = 0;        // Perl_runops_standard
  uint64_t debug_loop = 0;  // Perl_runops_debug
  uint64_t thread_pointer = 0;
  std::array<Vaddr, kVariables> variables{};  // of builds without threads

  // Built without threads.
  [[nodiscard]] bool is_single() const { return variables[kOp].value != 0; }

  // What the interpreter's variables are told from; 0: it cannot be read.
  [[nodiscard]] uint64_t interpreter(const targets::MemoryReader& memory) const {
    std::array<uint8_t, sizeof(uint64_t)> word{};
    if (is_single()) return variables[kOp].value;
    return memory.read(Pc{first}, word) ? read_at<uint64_t>(word, 0).value_or(0) : 0;
  }

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    const auto number = static_cast<uint8_t>(version);
    auto perl = is_single() ? offsets_of(number, variables) : offsets_of(number);
    file.supported = perl.has_value();
    file.state[kThreadKey] = Vaddr{key};
    file.state[kFirst] = Vaddr{first};
    file.state[kOnly] = variables[kOp];
    file.state[kLoop] = Vaddr{loop};
    file.state[kDebugLoop] = Vaddr{debug_loop};
    if (perl) perl->loop_register[0] = kRegister;
    file.entry = targets::entry_with(GP_RUNTIME_PERL, perl.value_or(gp_perl{}));
    return file;
  }
  static constexpr uint16_t kRegister = 3;  // rbx

  bool parse_value(const std::string& what, std::istringstream& in) {
    if (what == "version") return static_cast<bool>(in >> version);
    if (what == "variables")
      return std::ranges::all_of(variables, [&](Vaddr& at) { return static_cast<bool>(in >> at.value); });
    return what == "addresses" && in >> key >> first >> loop >> debug_loop >> thread_pointer;
  }
  [[nodiscard]] std::string head() const {
    auto text =
        fmt::format("version\t{}\naddresses\t{} {} {} {} {}\n", version, key, first, loop, debug_loop, thread_pointer);
    if (!is_single()) return text;
    text += "variables\t";
    for (const Vaddr at : variables) text += fmt::format("{} ", at.value);
    return text + "\n";
  }
};

}  // namespace gp::runtimes::perl
