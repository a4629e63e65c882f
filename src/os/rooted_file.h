// Opening files inside another root directory (a container's, through /proc/PID/root), where whoever owns that root may
// have put symbolic links out of it, FIFOs or devices. Owner thread: any; may block where the file system hangs.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

// Opens the regular file `path` (absolute, as seen inside) for reading; no symbolic link leads out of `root`.
// "" is this host's own root. kUnsupported when it is not a regular file, which is then never opened.
Result<UniqueFd> open_in_root(const std::string& root, const std::string& path);

// stat(2) of the same file, whatever kind it is.
Result<struct stat> stat_in_root(const std::string& root, const std::string& path);

// What is in the directory but "." and "..", in no order; kLimit when that is more than `max_names`.
Result<std::vector<std::string>> list_in_root(const std::string& root, const std::string& path, size_t max_names);

}  // namespace gp::os
