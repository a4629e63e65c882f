#include "os/host.h"

#include <grp.h>
#include <pwd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "os/unique_fd.h"

namespace gp::os {
namespace {

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

utsname uname_of_host() {
  utsname name{};
  ::uname(&name);  // fails only for a bad pointer
  return name;
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  constexpr int kMaxGroups = 65536;  // NGROUPS_MAX, include/uapi/linux/limits.h
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  while (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0 && count <= kMaxGroups) {
    groups.resize(static_cast<size_t>(count));
  }
  groups.resize(static_cast<size_t>(std::min(count, kMaxGroups)));
  return groups;
}

}  // namespace

int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
int64_t realtime_ns() { return clock_ns(CLOCK_REALTIME); }

std::string host_name() { return uname_of_host().nodename; }
std::string kernel_release() { return uname_of_host().release; }
std::string kernel_version() { return uname_of_host().version; }

Result<std::string> boot_id() {
  constexpr size_t kLength = 36;
  GP_ASSIGN(std::string id, read_file("/proc/sys/kernel/random/boot_id", kLength + 1));
  if (id.ends_with('\n')) id.pop_back();
  return id;
}

Result<std::vector<int>> online_cpus() {
  const std::string path = "/sys/devices/system/cpu/online";
  GP_ASSIGN(const std::string text, read_file(path, 64UL * 1024UL));
  auto cpus = parse_cpu_list(text);
  if (!cpus || cpus->empty()) return fail(ErrorCode::kMalformed, fmt::format("{}: not a list of CPUs", path));
  return std::move(*cpus);
}

std::vector<CpuIdle> cpu_idle() {
  constexpr size_t kMaxBytes = 4UL << 20U;  // 100 bytes a CPU, and a number for each interrupt
  const auto text = read_file("/proc/stat", kMaxBytes);
  return text ? parse_cpu_idle(*text) : std::vector<CpuIdle>();
}

bool has_kernel_btf() { return ::access("/sys/kernel/btf/vmlinux", R_OK) == 0; }

bool kernel_addresses_visible() {
  const auto file = open_file("/proc/kallsyms");
  std::array<char, 4096> start{};  // about 100 symbols
  if (!file) return false;
  const ssize_t got = ::read(file->get(), start.data(), start.size());
  return got > 0 && shows_addresses({start.data(), static_cast<size_t>(got)});
}

bool shows_addresses(std::string_view kallsyms) {
  while (!kallsyms.empty()) {
    const size_t address = kallsyms.find(' ');
    if (address == std::string_view::npos) return false;
    if (kallsyms.find_first_not_of('0') < address) return true;
    kallsyms.remove_prefix(std::min(kallsyms.find('\n'), kallsyms.size() - 1) + 1);
  }
  return false;
}

std::string version_signature() {
  auto text = read_file("/proc/version_signature", 1024);
  if (!text) return {};
  if (text->ends_with('\n')) text->pop_back();
  return std::move(*text);
}

std::string parse_lockdown(std::string_view text) {
  const size_t open = text.find('[');
  const size_t close = text.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return "none";
  return std::string(text.substr(open + 1, close - open - 1));
}

std::string lockdown_mode() {
  const auto text = read_file("/sys/kernel/security/lockdown", 256);
  return text ? parse_lockdown(*text) : "none";
}

Result<std::optional<InvokingUser>> invoking_user() {
  const char* uid_text = ::getenv("SUDO_UID");
  const char* gid_text = ::getenv("SUDO_GID");
  if (uid_text == nullptr || gid_text == nullptr) return std::nullopt;
  const auto uid = parse_decimal(uid_text);
  const auto gid = parse_decimal(gid_text);
  if (!uid || !gid || *uid > UINT32_MAX - 1 || *gid > UINT32_MAX - 1) {
    return fail(ErrorCode::kUsage, fmt::format("SUDO_UID={} SUDO_GID={} is no user", uid_text, gid_text));
  }
  if (*uid == 0) return std::nullopt;
  InvokingUser user;
  user.uid = static_cast<uid_t>(*uid);
  user.gid = static_cast<gid_t>(*gid);
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  if (::getpwuid_r(user.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    user.name = entry.pw_name;
    user.home = entry.pw_dir;
    user.groups = groups_of(user.name, user.gid);
  } else {
    user.groups = {user.gid};
  }
  return user;
}

}  // namespace gp::os
