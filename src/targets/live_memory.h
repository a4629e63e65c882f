// Memory of a process that runs now. Owner thread: any; reads may block on the process' own memory locks.
#pragma once

#include "os/procfs.h"
#include "targets/runtime.h"

namespace gp::targets {

class LiveMemory final : public MemoryReader {
 public:
  explicit LiveMemory(int32_t pid) : pid_(pid) {}
  bool read(Pc address, std::span<uint8_t> to) const override {
    const auto bytes = os::read_memory(pid_, address, to);
    return bytes && *bytes == to.size();
  }

 private:
  int32_t pid_;
};

}  // namespace gp::targets
