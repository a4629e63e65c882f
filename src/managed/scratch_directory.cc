#include "managed/scratch_directory.h"

#include <stdlib.h>

#include <filesystem>

namespace gp::managed {

Result<ScratchDirectory> ScratchDirectory::make() {
  const char* const folder = ::getenv("TMPDIR");
  std::string path = fmt::format("{}/gprofiler.XXXXXX", folder != nullptr && *folder == '/' ? folder : "/tmp");
  if (::mkdtemp(path.data()) == nullptr) return fail_errno(fmt::format("cannot make a directory like {}", path));
  return ScratchDirectory(std::move(path));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);  // does not follow links
}

}  // namespace gp::managed
