#include "os/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <thread>

namespace gp::os {
namespace {

constexpr size_t kMaxMountinfoBytes = 4U << 20U;
constexpr size_t kMaxCgroupBytes = 64U << 10U;

// The text before the next separator, which is taken off `rest` too.
std::string_view next(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view word = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return word;
}

// Blanks in mountinfo are octal: "\040".
std::string unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr == text.data() + i + 4) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

std::optional<CgroupMount> parse_cgroup2_mount(std::string_view mountinfo) {
  while (!mountinfo.empty()) {
    std::string_view line = next(mountinfo, '\n');
    // "41 31 0:38 ROOT MOUNT_POINT OPTIONS [OPTIONAL…] - TYPE SOURCE OPTIONS", proc(5).
    const size_t separator = line.find(" - ");
    if (separator == std::string_view::npos || !line.substr(separator + 3).starts_with("cgroup2 ")) continue;
    line = line.substr(0, separator);
    for (int i = 0; i < 3; ++i) next(line, ' ');
    const std::string_view root = next(line, ' ');
    const std::string_view point = next(line, ' ');
    if (root.empty() || point.empty()) continue;
    return CgroupMount{.directory = unescape(point), .root = unescape(root)};
  }
  return std::nullopt;
}

std::optional<std::string> parse_cgroup2_path(std::string_view cgroups) {
  while (!cgroups.empty()) {
    const std::string_view line = next(cgroups, '\n');
    if (line.starts_with("0::/")) return std::string(line.substr(3));
  }
  return std::nullopt;
}

std::optional<std::string> cgroup_directory(const CgroupMount& mount, std::string_view path) {
  if (path.starts_with("/..")) return std::nullopt;  // above the root of our cgroup namespace
  const std::string_view root = mount.root == "/" ? std::string_view() : std::string_view(mount.root);
  if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) return std::nullopt;
  path.remove_prefix(root.size());
  return mount.directory + (path == "/" ? std::string() : std::string(path));
}

Result<std::string> own_cgroup_directory() {
  GP_ASSIGN(const std::string mounts, read_file("/proc/self/mountinfo", kMaxMountinfoBytes));
  GP_ASSIGN(const std::string cgroups, read_file("/proc/self/cgroup", kMaxCgroupBytes));
  const auto mount = parse_cgroup2_mount(mounts);
  const auto path = parse_cgroup2_path(cgroups);
  if (!mount || !path) return fail(ErrorCode::kNotFound, "no cgroup v2 hierarchy is mounted");
  if (auto directory = cgroup_directory(*mount, *path)) return *directory;
  return fail(ErrorCode::kNotFound, "our cgroup is outside the mounted hierarchy");
}

Result<CgroupLeaf> CgroupLeaf::make(std::string directory) {
  if (::mkdir(directory.c_str(), 0755) != 0) return fail_errno(fmt::format("mkdir {}", directory));
  auto fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) {
    ::rmdir(directory.c_str());
    return std::unexpected(std::move(fd).error());
  }
  return CgroupLeaf(std::move(directory), std::move(*fd));
}

CgroupLeaf::~CgroupLeaf() {
  constexpr std::chrono::milliseconds kPatience{1000};
  if (fd_) empty_cgroup(directory_, kPatience);
}

bool CgroupLeaf::holds_others(pid_t leader) const {
  // Not "populated" of cgroup.events: from Linux 6.19 on a leader that has just become a zombie may still count there.
  const UniqueFd file(::openat(fd_.get(), "cgroup.procs", O_RDONLY | O_CLOEXEC));
  const auto text = file ? read_all(file.get(), kMaxCgroupBytes, "cgroup.procs") : Result<std::string>("");
  if (!text) return text.error().code() == ErrorCode::kLimit;  // thousands
  const std::string own = fmt::format("{}", leader);
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view pid = next(rest, '\n');
    if (!pid.empty() && pid != own) return true;
  }
  return false;
}

void CgroupLeaf::kill() const {
  const UniqueFd file(::openat(fd_.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
  // A kernel without it leaves the group and session, which the caller signals as well.
  if (file) (void)write_all(file.get(), "1", "cgroup.kill");
}

bool empty_cgroup(const std::string& directory, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{2};
  const auto end = std::chrono::steady_clock::now() + patience;
  for (bool killed = false;; std::this_thread::sleep_for(kPause)) {
    if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY || std::chrono::steady_clock::now() > end) return false;
    if (killed) continue;
    if (const auto file = open_file(directory + "/cgroup.kill", O_WRONLY)) {
      (void)write_all(file->get(), "1", "cgroup.kill");
    }
    killed = true;
  }
}

}  // namespace gp::os
