// File descriptors with one owner, and bounded reading of small files.
// Owner thread: whoever holds the object. Every descriptor made here is closed on exec.
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <string>
#include <utility>

#include "base/result.h"

namespace gp::os {

// A descriptor that is closed when its owner goes. Move-only; -1 means none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC added.
Result<UniqueFd> open_file(const std::string& path, int flags = O_RDONLY, mode_t mode = 0);

// Another descriptor of the same open file, with which it shares the position.
Result<UniqueFd> duplicate(int fd);

// The whole file. More than `max_bytes` is an error (kLimit), never a silent cut.
Result<std::string> read_file(const std::string& path, size_t max_bytes);

// What is left to read in `fd`, bounded as above; `what` names it in errors.
Result<std::string> read_all(int fd, size_t max_bytes, std::string_view what);

// Writes all of `text`, going on after short writes and signals.
Result<void> write_all(int fd, std::string_view text, std::string_view what);

// Target of a symbolic link, as the kernel gives it (" (deleted)" included).
Result<std::string> read_link(const std::string& path);

}  // namespace gp::os
