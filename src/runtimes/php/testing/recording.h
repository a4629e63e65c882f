// A stopped PHP.
#pragma once

#include "runtimes/php/offsets.h"
#include "runtimes/php/php_runtime.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::php {

struct Recording final : RecordingOf<Recording> {
  uint16_t version = 0;
  uint64_t globals = 0;  // executor_globals in the process

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    const auto php = offsets_of(version);
    file.supported = php.has_value();
    file.state[kGlobals] = Vaddr{globals};
    file.entry = targets::entry_with(GP_RUNTIME_PHP, php.value_or(gp_php{}));
    return file;
  }

  bool parse_value(const std::string& key, std::istringstream& in) {
    if (key == "version") return static_cast<bool>(in >> version);
    return key == "globals" && in >> globals;
  }
  [[nodiscard]] std::string head() const { return fmt::format("version\t{}\nglobals\t{}\n", version, globals); }
};

}  // namespace gp::runtimes::php
