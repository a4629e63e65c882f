// Whether a mapped file can still be read. One on a filesystem whose other end stopped to answer (FUSE, NFS) would hold
// up whoever touches a page of it for ever, and names are looked up in mapped files.
// Owner thread: the closer; pages are touched by threads of its own, which stay behind where they hang.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "elf/debug_link.h"
#include "elf/image.h"

namespace gp::symbols {

class FileProbe {
 public:
  // So long all probes of a window may take together.
  static constexpr uint64_t kBudgetNs = 2'000'000'000;

  void begin_window();
  // Reads what naming needs of the file and looks for its debug file; false when that takes too long. Asked again in this
  // window it says the same.
  bool answers(const std::shared_ptr<const elf::Image>& image, const elf::DebugFileSearch& search);

 private:
  struct Attempt;

  std::unordered_map<elf::FileId, bool> verdicts_;                      // of this window
  std::unordered_map<elf::FileId, std::shared_ptr<Attempt>> attempts_;  // under way; one a file
  uint64_t left_ns_ = kBudgetNs;
};

// What the probe does, without a thread: touches every page of the sections that tell of names.
void touch_names(const elf::Image& image);

}  // namespace gp::symbols
