// Where the kernel and its modules lie now, read cheaply: the head of /proc/kallsyms and /proc/modules. With it the
// symbols of the same kernel and module, kept from another boot, serve again. Owner thread: whoever made it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "elf/file_id.h"

namespace gp::symbols {

// Where the kernel tells of itself.
struct KernelFiles {
  std::string kallsyms = "/proc/kallsyms";
  std::string modules = "/proc/modules";
  std::string notes = "/sys/kernel/notes";       // its build id
  std::string module_directory = "/sys/module";  // notes/.note.gnu.build-id in each
  bool watch_bpf = true;                         // ask bpf(2) for the newest program
};

// Code that moves as one: the kernel proper or a module's text.
struct KernelRegion {
  std::string module;  // empty: the kernel proper
  uint64_t begin = 0;  // what its symbols count from
  uint64_t end = 0;    // nothing of it at or past this address
  bool operator==(const KernelRegion&) const = default;
};

class KernelLayout {
 public:
  // Regions whose place cannot be told (addresses hidden, no _text where it should be) are left out.
  static KernelLayout read(const KernelFiles& files);

  [[nodiscard]] const KernelRegion* find(Pc pc) const;
  bool operator==(const KernelLayout&) const = default;

 private:
  std::vector<KernelRegion> regions_;  // by begin; they do not overlap
};

// Names the build that a region's symbols belong to; nothing where the kernel does not tell its build ids.
std::optional<elf::FileId> region_identity(const KernelFiles& files, const KernelRegion& region);

}  // namespace gp::symbols
