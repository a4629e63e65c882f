#include "os/rooted_file.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

namespace gp::os {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The place itself (O_PATH), without opening what is there.
Result<UniqueFd> find_in_root(const std::string& root, const std::string& path) {
  GP_ASSIGN(const UniqueFd top, open_file(root.empty() ? "/" : root, O_PATH | O_DIRECTORY));
  struct open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd place(static_cast<int>(::syscall(SYS_openat2, top.get(), path.c_str(), &how, sizeof(how))));
  if (!place) return fail_errno(fmt::format("open {}{}", root, path));
  return place;
}

Result<struct stat> stat_of(const UniqueFd& place, const std::string& path) {
  struct stat status{};
  if (::fstat(place.get(), &status) != 0) return fail_errno("stat " + path);
  return status;
}

}  // namespace

Result<UniqueFd> open_in_root(const std::string& root, const std::string& path) {
  GP_ASSIGN(const UniqueFd place, find_in_root(root, path));
  GP_ASSIGN(const struct stat status, stat_of(place, path));
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kUnsupported, path + " is not a regular file");
  return open_file(fmt::format("/proc/self/fd/{}", place.get()));
}

Result<struct stat> stat_in_root(const std::string& root, const std::string& path) {
  GP_ASSIGN(const UniqueFd place, find_in_root(root, path));
  return stat_of(place, path);
}

Result<std::vector<std::string>> list_in_root(const std::string& root, const std::string& path, size_t max_names) {
  GP_ASSIGN(const UniqueFd place, find_in_root(root, path));
  GP_ASSIGN(UniqueFd fd, open_file(fmt::format("/proc/self/fd/{}", place.get()), O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
  if (!directory) return fail_errno("list " + path);
  static_cast<void>(fd.release());  // the stream's now
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= max_names) return fail(ErrorCode::kLimit, path + " holds too much");
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace gp::os
