// A file that processes run code from.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "elf/image.h"
#include "targets/runtime.h"

namespace gp::targets {

// What the kernel says of the file behind a mapping. Two files can follow each other under one key (rewritten in
// place); CodeFile::change tells them apart.
struct FileKey {
  uint32_t dev_major = 0;
  uint32_t dev_minor = 0;
  uint64_t inode = 0;  // 0: not a file; the vdso is told by its path
  auto operator<=>(const FileKey&) const = default;
};

// Size and times of a file: another value under the same key means other contents.
struct FileChange {
  int64_t size = 0;
  int64_t modified_ns = 0;
  auto operator<=>(const FileChange&) const = default;
};

// Shared between the reader (mappings, samples), the loader (fills it) and sessions (names it later). The loader
// writes image and runtimes, then sets `state`; nobody writes them after that.
struct CodeFile {
  enum class State : uint8_t {
    kNew,         // asked for, not looked at
    kReady,       // image and rows can be had
    kNotElf,      // code, but in no ELF file: memfd, shared memory
    kGone,        // there is no way to it: the process that brought it ended before it was opened
    kUnreadable,  // could not be opened, or does not answer
  };

  FileKey key;
  std::string path;        // as the process that brought it sees it
  int32_t brought_by = 0;  // that process: debug files may lie in its root
  uint32_t slot = 0;       // in the walker's file table
  std::atomic<State> state{State::kNew};
  FileChange change;
  std::shared_ptr<const elf::Image> image;
  std::vector<RuntimeFile> runtimes;  // at most one has frames of its own: its loop is the one that the walker knows
  uint32_t runtimes_proven = 0;       // the reader's; bit n: runtime n was found in a process as the file has it
};

}  // namespace gp::targets
