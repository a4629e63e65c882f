#include "os/memory_limits.h"

#include <algorithm>
#include <array>

#include "os/proc_text.h"

namespace gp::os {
namespace {

constexpr size_t kMaxText = 1U << 20U;
constexpr size_t kMaxDepth = 64;
// The old hierarchy writes PAGE_COUNTER_MAX, LONG_MAX rounded down to a page of up to 64 KiB.
constexpr uint64_t kNoLimit = uint64_t{INT64_MAX} - 65535;

template <class OnLine>
void for_each_line(std::string_view text, OnLine on_line) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    on_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::vector<std::string_view> words(std::string_view line, char separator) {
  std::vector<std::string_view> found;
  while (!line.empty()) {
    const size_t end = std::min(line.find(separator), line.size());
    if (end > 0) found.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return found;
}

struct Mount {
  std::string_view root;  // the part of the hierarchy that is mounted
  std::string_view point;
};

// "36 35 98:0 ROOT POINT OPTIONS [optional fields…] - TYPE SOURCE SUPER-OPTIONS"
std::optional<Mount> cgroup_mount(std::string_view mountinfo_text, bool unified) {
  std::optional<Mount> found;
  for_each_line(mountinfo_text, [&](std::string_view line) {
    const size_t dash = line.find(" - ");
    if (found || dash == std::string_view::npos) return;
    const auto front = words(line.substr(0, dash), ' ');
    const auto back = words(line.substr(dash + 3), ' ');
    if (front.size() < 5 || back.size() < 3) return;
    const auto options = words(back[2], ',');
    const bool wanted =
        unified ? back[0] == "cgroup2" : back[0] == "cgroup" && std::ranges::find(options, "memory") != options.end();
    if (wanted) found = Mount{.root = front[3], .point = front[4]};
  });
  return found;
}

// The group's folder and those above it, up to the mount point.
std::vector<std::string> folders(const std::optional<Mount>& mount, std::optional<std::string_view> group) {
  if (!mount || !group || !group->starts_with('/')) return {};
  std::string_view path = *group;
  // In a container the mount's root is the group itself; what lies above does not show.
  if (mount->root != "/" && path.starts_with(mount->root)) path.remove_prefix(mount->root.size());
  if (path.find("..") != std::string_view::npos) path = {};
  std::vector<std::string> found;
  while (path.size() > 1 && found.size() < kMaxDepth) {
    found.push_back(std::string(mount->point) + std::string(path));
    path = path.substr(0, path.rfind('/'));
  }
  found.emplace_back(mount->point);
  return found;
}

std::optional<uint64_t> smallest_limit(const std::vector<std::string>& folders, std::string_view file) {
  std::optional<uint64_t> smallest;
  for (const std::string& folder : folders) {
    const auto text = read_file(fmt::format("{}/{}", folder, file), 4096);
    const auto limit = text ? parse_memory_limit(*text) : std::nullopt;
    if (limit) smallest = std::min(*limit, smallest.value_or(UINT64_MAX));
  }
  return smallest;
}

}  // namespace

std::optional<uint64_t> parse_available_memory(std::string_view meminfo_text) {
  std::optional<uint64_t> bytes;
  for_each_line(meminfo_text, [&](std::string_view line) {
    const auto parts = words(line, ' ');
    if (parts.size() != 3 || parts[0] != "MemAvailable:" || parts[2] != "kB") return;
    if (const auto kib = parse_decimal(parts[1])) bytes = *kib * 1024;
  });
  return bytes;
}

Result<uint64_t> available_memory() {
  GP_ASSIGN(const std::string text, read_file("/proc/meminfo", kMaxText));
  if (const auto bytes = parse_available_memory(text)) return *bytes;
  return fail(ErrorCode::kUnsupported, "/proc/meminfo does not tell MemAvailable");
}

MemoryCgroup parse_memory_cgroup(std::string_view cgroup_text, std::string_view mountinfo_text) {
  std::optional<std::string_view> v2;
  std::optional<std::string_view> v1;
  // "ID:CONTROLLERS:PATH"; the unified hierarchy is "0::PATH".
  for_each_line(cgroup_text, [&](std::string_view line) {
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) return;
    const auto controllers = words(line.substr(first + 1, second - first - 1), ',');
    if (line.starts_with("0::")) v2 = line.substr(second + 1);
    if (std::ranges::find(controllers, "memory") != controllers.end()) v1 = line.substr(second + 1);
  });
  return {.v2 = folders(cgroup_mount(mountinfo_text, true), v2),
          .v1 = folders(cgroup_mount(mountinfo_text, false), v1)};
}

MemoryCgroup own_memory_cgroup() {
  const auto cgroup = read_file("/proc/self/cgroup", kMaxText);
  const auto mounts = read_file("/proc/self/mountinfo", kMaxText);
  if (!cgroup || !mounts) return {};
  return parse_memory_cgroup(*cgroup, *mounts);
}

std::optional<uint64_t> parse_memory_limit(std::string_view text) {
  const auto bytes = parse_decimal(text.substr(0, text.find('\n')));
  return bytes && *bytes < kNoLimit ? bytes : std::nullopt;
}

std::optional<uint64_t> memory_limit_of(const MemoryCgroup& cgroup) {
  const auto v2 = smallest_limit(cgroup.v2, "memory.max");
  const auto v1 = smallest_limit(cgroup.v1, "memory.limit_in_bytes");
  if (v1 && v2) return std::min(*v1, *v2);
  return v1 ? v1 : v2;
}

Result<UniqueFd> open_pressure_trigger(const std::string& path, uint32_t stall_us, uint32_t window_us) {
  auto fd = open_file(path, O_RDWR | O_NONBLOCK);
  if (!fd) {
    if (fd.error().code() != ErrorCode::kNotFound) return fd;
    return fail(ErrorCode::kUnsupported, fmt::format("{}: this kernel does not measure pressure", path));
  }
  // The kernel wants the terminating zero as well.
  std::string trigger = fmt::format("some {} {}", stall_us, window_us);
  trigger.push_back('\0');
  GP_TRY(write_all(fd->get(), trigger, path));
  return fd;
}

}  // namespace gp::os
