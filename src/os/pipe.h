// Pipes between us and a child. Owner thread: whoever holds the object.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

// Both ends are closed on exec.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

inline Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// Reads and writes of this end return EAGAIN rather than wait; the other end is not touched.
inline Result<void> do_not_block(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return fail_errno("fcntl");
  return {};
}

}  // namespace gp::os
