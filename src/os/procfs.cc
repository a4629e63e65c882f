#include "os/procfs.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "os/unique_fd.h"

namespace gp::os {
namespace {

constexpr size_t kMaxText = 64UL * 1024UL;           // stat, status and cgroup are a few KiB at most
constexpr size_t kMaxDirectory = 4UL * 1024 * 1024;  // PID_MAX_LIMIT, include/linux/threads.h

template <class T>
Result<T> parsed(std::optional<T> value, std::string_view path) {
  if (!value) return fail(ErrorCode::kMalformed, fmt::format("{}: not as expected", path));
  return std::move(*value);
}

Result<std::string> read_line(const std::string& path) {
  auto text = read_file(path, kMaxText);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

Result<std::vector<int32_t>> numbered_entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return fail_errno(fmt::format("open {}", path));
  std::vector<int32_t> numbers;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto number = parse_decimal(entry->d_name);
    if (number && *number <= INT32_MAX) numbers.push_back(static_cast<int32_t>(*number));
    if (numbers.size() > kMaxDirectory) return fail(ErrorCode::kLimit, fmt::format("{}: too many entries", path));
    errno = 0;
  }
  if (errno != 0) return fail_errno(fmt::format("list {}", path));
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace

Result<ProcStat> read_stat(int32_t pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  GP_ASSIGN(const std::string text, read_file(path, kMaxText));
  return parsed(parse_stat(text), path);
}

Result<ProcStatus> read_status(int32_t pid) {
  const std::string path = fmt::format("/proc/{}/status", pid);
  GP_ASSIGN(const std::string text, read_file(path, kMaxText));
  return parsed(parse_status(text), path);
}

Result<ProcessKey> process_key(int32_t pid) {
  GP_ASSIGN(const ProcStat stat, read_stat(pid));
  return ProcessKey{pid, stat.start_ticks};
}

Result<std::string> read_comm(int32_t pid) { return read_line(fmt::format("/proc/{}/comm", pid)); }

Result<std::string> read_thread_comm(int32_t pid, int32_t tid) {
  return read_line(fmt::format("/proc/{}/task/{}/comm", pid, tid));
}

Result<std::string> read_executable(int32_t pid) { return read_link(fmt::format("/proc/{}/exe", pid)); }

Result<std::vector<std::string>> read_arguments(int32_t pid) {
  const std::string path = fmt::format("/proc/{}/cmdline", pid);
  GP_ASSIGN(const UniqueFd fd, open_file(path));
  std::string text(kMaxText, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return fail_errno(fmt::format("read {}", path));
  text.resize(static_cast<size_t>(got));
  std::vector<std::string> arguments;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\0', at), text.size());
    arguments.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

Result<std::string> read_container_id(int32_t pid) {
  GP_ASSIGN(const std::string text, read_file(fmt::format("/proc/{}/cgroup", pid), kMaxText));
  return parse_container_id(text);
}

Result<std::vector<int32_t>> list_processes() { return numbered_entries("/proc"); }

Result<std::vector<int32_t>> list_threads(int32_t pid) { return numbered_entries(fmt::format("/proc/{}/task", pid)); }

int32_t living_thread(int32_t pid) {
  const auto lives = [](int32_t tid) {
    const auto stat = read_stat(tid);
    return stat && stat->state != 'Z' && stat->state != 'X';
  };
  if (lives(pid)) return pid;
  const auto threads = list_threads(pid);
  if (!threads) return pid;
  const auto found = std::ranges::find_if(*threads, [&](int32_t tid) { return tid != pid && lives(tid); });
  return found == threads->end() ? pid : *found;
}

std::string root_of(int32_t pid) { return fmt::format("/proc/{}/root", living_thread(pid)); }

Result<uint64_t> namespace_id(int32_t pid, NamespaceKind kind) {
  const char* name = "pid";
  if (kind == NamespaceKind::kMount) name = "mnt";
  if (kind == NamespaceKind::kUser) name = "user";
  const std::string path = fmt::format("/proc/{}/ns/{}", pid, name);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(fmt::format("stat {}", path));
  return status.st_ino;
}

Result<size_t> read_memory(int32_t pid, Pc address, std::span<uint8_t> into) {
  const iovec local{into.data(), into.size()};
  // The address is another process' and only the kernel follows it.
  const iovec remote{reinterpret_cast<void*>(address.value), into.size()};  // NOLINT(performance-no-int-to-ptr)
  ssize_t got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  if (got < 0 && errno == ESRCH) got = ::process_vm_readv(living_thread(pid), &local, 1, &remote, 1, 0);
  if (got < 0) return fail_errno(fmt::format("read memory of process {} at {:#x}", pid, address.value));
  return static_cast<size_t>(got);
}

}  // namespace gp::os
