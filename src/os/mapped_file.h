// A whole regular file mapped read-only. Pages cost the kernel's page cache, not our budget (clean RssFile).
//
// Somebody may truncate the file, or its disk may fail, while it is mapped: touching such a page raises
// SIGBUS. The first mapping installs a handler that puts zero pages over the file from the faulting page to
// its end, so that readers see zeros, which every parser of foreign bytes must bear anyway, and damaged()
// turns true. A SIGBUS outside our mappings goes to whoever handled it before. Threads that read mapped files
// must not block SIGBUS. Contents may also change under a reader: values are to be copied out before they are
// checked and used.
//
// Owner thread: any one at a time; concurrent readers are fine.
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gp::os {

class MappedFile {
 public:
  // Never opens what is not a regular file (a device node may have side effects, a FIFO may block).
  static Result<MappedFile> open(const std::string& path);
  // The file may be closed afterwards. kUnsupported for what is not a regular file, kLimit when too many are
  // mapped.
  static Result<MappedFile> map(int fd);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  // Some page could not be read: it and all after it read as zeros.
  [[nodiscard]] bool damaged() const;
  // Its filesystem is served by a process or another host, which may stop to answer: touching a page may block for ever.
  [[nodiscard]] bool may_hang() const { return may_hang_; }

 private:
  MappedFile(Bytes bytes, size_t slot, bool may_hang) : bytes_(bytes), slot_(slot), may_hang_(may_hang) {}
  void release();

  Bytes bytes_;      // empty: nothing mapped
  size_t slot_ = 0;  // in the table the signal handler searches
  bool may_hang_ = false;
};

}  // namespace gp::os
