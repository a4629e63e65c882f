// Finds the separate debug file of a stripped ELF file, as GDB does (GDB manual, "Separate Debug Files"): by build id
// under <debug directory>/.build-id, else by .gnu_debuglink beside the file, in .debug/ and under the debug directory.
// What is found must prove itself: same build id, or the CRC that the link states.
//
// Owner thread: the closer. Opens files of this host's, and of a target's root only when told to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "elf/image.h"

namespace gp::elf {

// Where to look.
struct DebugFileSearch {
  // Directory of the file as its process sees it ("/usr/bin"); empty: .gnu_debuglink is not followed.
  std::string directory;
  // Roots to look in, in order: "" is this host's, "/proc/PID/root" a container's. No symbolic link leads out of one.
  std::vector<std::string> roots{""};
  std::string debug_directory = "/usr/lib/debug";
};

// A debug file and its identity, for caches that must notice when another takes its place.
struct DebugFile {
  Image image;
  std::string path;
};

// Nothing when there is none, or none that proves itself.
std::optional<DebugFile> find_debug_file(const Image& image, const DebugFileSearch& search);

// A number that changes when the set of candidate files, or one of them, does; 0 when none exists. Opens nothing.
uint64_t debug_file_stamp(const Image& image, const DebugFileSearch& search);

}  // namespace gp::elf
