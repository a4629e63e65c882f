#include "os/unique_fd.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

namespace gp::os {

void UniqueFd::reset(int fd) {
  // The descriptor is gone after close() whatever it returns (close(2), "Dealing with error returns").
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail_errno(fmt::format("open {}", path));
  return fd;
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("duplicate a descriptor");
  return copy;
}

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  GP_ASSIGN(const UniqueFd fd, open_file(path));
  return read_all(fd.get(), max_bytes, path);
}

Result<std::string> read_all(int fd, size_t max_bytes, std::string_view what) {
  std::string text;
  while (text.size() <= max_bytes) {
    const size_t had = text.size();
    text.resize(had + std::min<size_t>(std::max<size_t>(had, 4096), max_bytes - had + 1));
    const ssize_t got = ::read(fd, text.data() + had, text.size() - had);
    const int saved_errno = errno;
    text.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return text;
    if (got < 0 && saved_errno != EINTR) return fail_errno(fmt::format("read {}", what), saved_errno);
  }
  return fail(ErrorCode::kLimit, fmt::format("read {}: larger than {} bytes", what, max_bytes));
}

Result<void> write_all(int fd, std::string_view text, std::string_view what) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(fmt::format("write {}", what));
    text.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Result<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX + 16> target;  // room for " (deleted)"
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return fail_errno(fmt::format("readlink {}", path));
  return std::string(target.data(), static_cast<size_t>(length));
}

}  // namespace gp::os
