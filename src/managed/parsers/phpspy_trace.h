// Traces of `phpspy --verbose-fields=p`: blocks of lines "INDEX FUNCTION FILE:LINE", leaf first, closed by "# pid = N".
// Foreign text. Owner thread: whoever made it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace gp::managed {

// "3 Class::method /srv/index.php:17"; internal functions have "<internal>:-1".
std::optional<profile::Function> parse_phpspy_frame(std::string_view line);

class PhpspyTrace {
 public:
  // Gets each stack, root first.
  using Callback = std::function<void(int32_t pid, std::span<const profile::Function> stack)>;
  explicit PhpspyTrace(Callback callback) : callback_(std::move(callback)) {}

  void line(std::string_view text);
  [[nodiscard]] uint64_t malformed() const { return malformed_; }

 private:
  Callback callback_;
  std::vector<profile::Function> frames_;  // leaf first
  uint64_t malformed_ = 0;
};

}  // namespace gp::managed
