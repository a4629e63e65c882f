#include "sampling/bpf_log.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>

#include <memory>

namespace gp::sampling {
namespace {

constexpr size_t kMaxReason = 300;  // bytes

// Of this thread. The first one: those that follow say that something else failed because of it.
thread_local std::string first_warning;

[[gnu::format(printf, 2, 0)]] int keep_warning(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || !first_warning.empty()) return 0;
  char* text = nullptr;
  if (::vasprintf(&text, format, arguments) < 0) return 0;
  const std::unique_ptr<char, decltype(&::free)> owner(text, &::free);
  if (std::string_view(text).find("BPF program load failed") == std::string_view::npos) first_warning = reason_in(text);
  return 0;
}

}  // namespace

void listen_to_libbpf() {
  libbpf_set_print(keep_warning);
  first_warning.clear();
}

std::unexpected<Error> fail_bpf(std::string_view doing, int result) {
  Error error = Error::system(doing, -result);
  if (first_warning.empty()) return std::unexpected(std::move(error));
  return std::unexpected(Error(error.code(), fmt::format("{} ({})", error.message(), first_warning), -result));
}

std::string reason_in(std::string_view warning) {
  std::string_view last;
  while (!warning.empty()) {
    const size_t end = std::min(warning.find('\n'), warning.size());
    const std::string_view line = warning.substr(0, end);
    warning.remove_prefix(std::min(end + 1, warning.size()));
    if (line.starts_with("processed ") || line.find("-- END PROG LOAD LOG --") != std::string_view::npos) break;
    if (!line.empty()) last = line;
  }
  return std::string(last.substr(0, kMaxReason));
}

}  // namespace gp::sampling
