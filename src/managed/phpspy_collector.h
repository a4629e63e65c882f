// https://github.com/adsr/phpspy: one tool for all PHP processes, as it finds them by name itself.
#pragma once

#include <string>

#include "managed/collector.h"
#include "managed/launcher.h"

namespace gp::managed {

class PhpspyCollector final : public Collector {
 public:
  // `filter`: a pattern for pgrep, of which processes to look at.
  PhpspyCollector(std::string program, std::string filter, Launcher& launcher)
      : program_(std::move(program)), filter_(std::move(filter)), launcher_(launcher) {}

  [[nodiscard]] std::string_view name() const override { return "phpspy"; }
  [[nodiscard]] Collection collect(const Window& window, const std::stop_token& cancel) override;

 private:
  std::string program_;
  std::string filter_;
  Launcher& launcher_;
};

}  // namespace gp::managed
