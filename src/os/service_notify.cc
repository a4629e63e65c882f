#include "os/service_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "os/proc_text.h"

namespace gp::os {
namespace {

std::string take_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

}  // namespace

ServiceNotify ServiceNotify::from_environment() {
  ServiceNotify notify;
  notify.socket_path_ = take_variable("NOTIFY_SOCKET");
  const auto interval_us = parse_decimal(take_variable("WATCHDOG_USEC"));
  const std::string pid = take_variable("WATCHDOG_PID");
  const bool ours = pid.empty() || parse_decimal(pid) == static_cast<uint64_t>(::getpid());
  if (interval_us && *interval_us > 0 && *interval_us < uint64_t{INT64_MAX} && ours) {
    notify.watchdog_interval_ = std::chrono::microseconds(*interval_us / 2);
  }
  return notify;
}

Result<void> ServiceNotify::reloading() {
  return send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ns() / 1000));
}

Result<void> ServiceNotify::status(std::string_view line) {
  std::string message = fmt::format("STATUS={}", line);
  std::ranges::replace(message, '\n', ' ');
  return send(message);
}

Result<void> ServiceNotify::send(std::string_view message) {
  if (socket_path_.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() >= sizeof(address.sun_path) || (socket_path_[0] != '/' && socket_path_[0] != '@')) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("NOTIFY_SOCKET={}: neither a path nor an abstract name", socket_path_));
  }
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("make a socket");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  const ssize_t sent = ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), size);
  if (sent < 0) return fail_errno("tell the service manager");
  return {};
}

}  // namespace gp::os
