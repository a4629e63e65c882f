// Opening files inside another root directory (a container's, through /proc/PID/root), where whoever owns that root may
// have put symbolic links out of it, FIFOs or devices. Owner thread: any; may block where the file system hangs.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

// Opens the regular file `path` (absolute, as seen inside) for reading; no symbolic link leads out of `root`.
// "" is this host's own root. kUnsupported when it is not a regular file, which is then never opened.
Result<UniqueFd> open_in_root(const std::string& root, const std::string& path);

// stat(2) of the same file, whatever kind it is.
Result<struct stat> stat_in_root(const std::string& root, const std::string& path);

}  // namespace gp::os
