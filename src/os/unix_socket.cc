#include "os/unix_socket.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <thread>

namespace gp::os {
namespace {

constexpr int kBacklog = 64;

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Result<Name> name_of(std::string_view text, bool abstract) {
  Name name;
  name.address.sun_family = AF_UNIX;
  const size_t skip = abstract ? 1 : 0;
  if (text.empty() || text.size() + 1 > sizeof(name.address.sun_path)) {
    return fail(ErrorCode::kUsage, fmt::format("'{}' is no path for a socket: give one of up to {} bytes", text,
                                               sizeof(name.address.sun_path) - 1));
  }
  std::ranges::copy(text, name.address.sun_path + skip);
  // An abstract name ends with the address, a path with its NUL.
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + 1);
  return name;
}

Result<UniqueFd> make_socket(int flags) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd) return fail_errno("make a socket");
  return fd;
}

Result<UniqueFd> hold_here(std::string_view name) {
  GP_ASSIGN(const Name address, name_of(name, true));
  GP_ASSIGN(UniqueFd fd, make_socket(0));
  if (::bind(fd.get(), address.get(), address.size) == 0) return fd;
  if (errno == EADDRINUSE) return fail(ErrorCode::kLimit, fmt::format("the name {} is taken", name));
  return fail_errno(fmt::format("hold the name {}", name));
}

}  // namespace

Result<UniqueFd> listen_on(const std::string& path) {
  GP_ASSIGN(const Name name, name_of(path, false));
  std::error_code ignored;  // bind tells
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (connect_to(path)) return fail(ErrorCode::kLimit, fmt::format("another program listens on {}", path));
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
  GP_ASSIGN(UniqueFd fd, make_socket(SOCK_NONBLOCK));
  if (::bind(fd.get(), name.get(), name.size) != 0) return fail_errno(fmt::format("listen on {}", path));
  // Nobody can connect before listen(2).
  if (::chmod(path.c_str(), 0600) != 0) return fail_errno(fmt::format("protect {}", path));
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno(fmt::format("listen on {}", path));
  return fd;
}

Result<UniqueFd> accept_connection(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return fail_errno("accept");
  return fd;
}

Result<UniqueFd> connect_to(const std::string& path) {
  GP_ASSIGN(const Name name, name_of(path, false));
  GP_ASSIGN(UniqueFd fd, make_socket(0));
  if (::connect(fd.get(), name.get(), name.size) == 0) return fd;
  if (errno == ECONNREFUSED || errno == ENOENT) {
    return fail(ErrorCode::kNotFound, fmt::format("nobody listens on {}", path));
  }
  return fail_errno(fmt::format("connect to {}", path));
}

Result<uid_t> peer_user(int connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_errno("ask who connected");
  return peer.uid;
}

Result<UniqueFd> hold_host_name(std::string_view name) {
  Result<UniqueFd> held;
  // A thread of its own: its network namespace is not ours to keep.
  std::jthread([&] {
    if (auto host = open_file("/proc/1/ns/net")) static_cast<void>(::setns(host->get(), CLONE_NEWNET));
    held = hold_here(name);
  }).join();
  return held;
}

}  // namespace gp::os
