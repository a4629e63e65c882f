// Memory without end for fuzzing: its few bytes are everywhere, but for some addresses that cannot be read.
// Owner thread: whoever made it.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes {

struct EndlessMemory final : targets::MemoryReader {
  Bytes bytes;  // not empty

  bool read(Pc address, std::span<uint8_t> to) const override {
    if ((address.value & 0xff) == 0xff) return false;
    for (size_t at = address.value % bytes.size(), done = 0; done < to.size(); at = 0) {
      const size_t part = std::min(bytes.size() - at, to.size() - done);
      std::memcpy(&to[done], &bytes[at], part);
      done += part;
    }
    return true;
  }
};

}  // namespace gp::runtimes
