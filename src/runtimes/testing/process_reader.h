// Reads a waiting process for a recording, which keeps what was read. Owner thread: whoever made it.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include "runtimes/testing/memory_pieces.h"

namespace gp::runtimes {

struct ProcessReader final : targets::MemoryReader {
  pid_t pid = 0;
  const MemoryPieces* into = nullptr;

  bool read(Pc address, std::span<uint8_t> to) const override {
    iovec local{to.data(), to.size()};
    iovec remote{reinterpret_cast<void*>(address.value), to.size()};
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(to.size())) return false;
    into->add(address.value, to);
    return true;
  }
};

}  // namespace gp::runtimes
