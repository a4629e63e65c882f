// A stopped PHP.
#pragma once

#include "runtimes/php/offsets.h"
#include "runtimes/php/php_runtime.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::php {

struct Recording final : RecordingOf<Recording> {
  uint16_t version = 0;
  uint64_t globals = 0;  // executor_globals in the process
  // With thread safety:
  uint64_t globals_offset = 0;  // executor_globals_offset
  uint64_t cache_distance = 0;  // of the program's _tsrm_ls_cache from the thread pointer
  uint64_t thread_pointer = 0;

  [[nodiscard]] bool is_threaded() const { return globals_offset != 0; }

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    auto php = offsets_of(version);
    file.supported = php.has_value();
    file.state[kGlobals] = Vaddr{globals};
    file.state[kGlobalsOffset] = Vaddr{globals_offset};
    if (php && is_threaded()) {
      php->cache = {.slot = 0, .offset = cache_distance, .model = GP_THREAD_OFFSET, .is_musl = 0};
      php->globals_current = static_cast<uint16_t>(current_call_offset(version));
    }
    file.entry = targets::entry_with(GP_RUNTIME_PHP, php.value_or(gp_php{}));
    return file;
  }

  bool parse_value(const std::string& key, std::istringstream& in) {
    if (key == "version") return static_cast<bool>(in >> version);
    if (key == "threads") return static_cast<bool>(in >> globals_offset >> cache_distance >> thread_pointer);
    return key == "globals" && in >> globals;
  }
  [[nodiscard]] std::string head() const {
    if (!is_threaded()) return fmt::format("version\t{}\nglobals\t{}\n", version, globals);
    return fmt::format("version\t{}\nthreads\t{} {} {}\n", version, globals_offset, cache_distance, thread_pointer);
  }
};

}  // namespace gp::runtimes::php
