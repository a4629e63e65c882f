// A stopped Perl.
#pragma once

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

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    auto perl = offsets_of(static_cast<uint8_t>(version));
    file.supported = perl.has_value();
    file.state[kThreadKey] = Vaddr{key};
    file.state[kFirst] = Vaddr{first};
    file.state[kLoop] = Vaddr{loop};
    file.state[kDebugLoop] = Vaddr{debug_loop};
    if (perl) perl->loop_register[0] = kRegister;
    file.entry = targets::entry_with(GP_RUNTIME_PERL, perl.value_or(gp_perl{}));
    return file;
  }
  static constexpr uint16_t kRegister = 3;  // rbx

  bool parse_value(const std::string& what, std::istringstream& in) {
    if (what == "version") return static_cast<bool>(in >> version);
    return what == "addresses" && in >> key >> first >> loop >> debug_loop >> thread_pointer;
  }
  [[nodiscard]] std::string head() const {
    return fmt::format("version\t{}\naddresses\t{} {} {} {} {}\n", version, key, first, loop, debug_loop,
                       thread_pointer);
  }
};

}  // namespace gp::runtimes::perl
