#include "os/self_usage.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <string>

#include "os/proc_text.h"
#include "os/procfs.h"
#include "os/unique_fd.h"

namespace gp::os {
namespace {

constexpr size_t kMaxText = 64U << 10U;
constexpr size_t kMaxFds = 65536;

// The number after "NAME:" at the start of a line; a unit behind it is not looked at.
std::optional<uint64_t> field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return parse_decimal(line.substr(0, line.find_first_of(" \t")));
  }
  return std::nullopt;
}

struct KindName {
  std::string_view prefix;  // of the link
  FdKind kind;
};
// Names the kernel gives: fs/pipe.c, net/socket.c, kernel/events/core.c, kernel/bpf/{syscall,btf}.c, fs/eventfd.c,
// fs/timerfd.c, fs/signalfd.c, fs/eventpoll.c, kernel/fork.c, fs/pidfs.c ("pidfd:[…]", 6.9), mm/memfd.c.
constexpr std::array kKindNames{
    KindName{"pipe:", FdKind::kPipe},
    KindName{"socket:", FdKind::kSocket},
    KindName{"anon_inode:[perf_event]", FdKind::kPerfEvent},
    KindName{"anon_inode:bpf-map", FdKind::kBpfMap},
    KindName{"anon_inode:bpf-prog", FdKind::kBpfProgram},
    KindName{"anon_inode:bpf_link", FdKind::kBpfLink},
    KindName{"anon_inode:bpf_iter", FdKind::kBpfLink},
    KindName{"anon_inode:btf", FdKind::kBtf},
    KindName{"anon_inode:[eventfd]", FdKind::kEventFd},
    KindName{"anon_inode:[timerfd]", FdKind::kTimerFd},
    KindName{"anon_inode:[signalfd]", FdKind::kSignalFd},
    KindName{"anon_inode:[eventpoll]", FdKind::kEpoll},
    KindName{"anon_inode:[pidfd]", FdKind::kPidFd},
    KindName{"pidfd:", FdKind::kPidFd},
    KindName{"/memfd:", FdKind::kMemFd},
    KindName{"/", FdKind::kFile},
};

// Names in a directory that are numbers.
Result<std::vector<uint32_t>> numbered_entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return fail_errno("list " + path);
  std::vector<uint32_t> numbers;
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto number = parse_decimal(entry->d_name);
    if (number && static_cast<int>(*number) != ::dirfd(directory.get())) {
      numbers.push_back(static_cast<uint32_t>(*number));
    }
    if (numbers.size() == kMaxFds) break;
  }
  return numbers;
}

}  // namespace

std::optional<ResidentMemory> parse_resident_memory(std::string_view status_text) {
  const auto anonymous = field(status_text, "RssAnon:");
  const auto file = field(status_text, "RssFile:");
  const auto shared = field(status_text, "RssShmem:");
  const auto peak = field(status_text, "VmHWM:");
  const auto threads = field(status_text, "Threads:");
  if (!anonymous || !file || !shared || !peak || !threads) return std::nullopt;
  return ResidentMemory{.anonymous = *anonymous * 1024,
                        .shared = *shared * 1024,
                        .file = *file * 1024,
                        .peak = *peak * 1024,
                        .threads = static_cast<uint32_t>(*threads)};
}

Result<ResidentMemory> own_resident_memory() {
  GP_ASSIGN(const std::string text, read_file("/proc/self/status", kMaxText));
  if (const auto memory = parse_resident_memory(text)) return *memory;
  return fail(ErrorCode::kUnsupported, "/proc/self/status does not tell RssAnon, RssFile and RssShmem");
}

std::string_view fd_kind_name(FdKind kind) {
  static constexpr std::array<std::string_view, kFdKinds> kNames{
      "pipe",    "socket",   "perf event", "bpf map", "bpf program", "bpf link", "btf",  "eventfd",
      "timerfd", "signalfd", "epoll",      "pidfd",   "memfd",       "file",     "other"};
  return kNames[static_cast<size_t>(kind)];
}

FdKind classify_fd(std::string_view link) {
  const auto* const found =
      std::ranges::find_if(kKindNames, [&](const KindName& name) { return link.starts_with(name.prefix); });
  return found == kKindNames.end() ? FdKind::kOther : found->kind;
}

uint32_t OpenFds::total() const { return std::accumulate(by_kind.begin(), by_kind.end(), 0U); }

std::optional<BpfMapInfo> parse_bpf_map_info(std::string_view fdinfo_text) {
  const auto id = field(fdinfo_text, "map_id:");
  const auto bytes = field(fdinfo_text, "memlock:");
  if (!id || !bytes) return std::nullopt;
  return BpfMapInfo{.id = *id, .memlock_bytes = *bytes};
}

Result<OpenFds> own_open_fds() {
  GP_ASSIGN(const std::vector<uint32_t> numbers, numbered_entries("/proc/self/fd"));
  OpenFds fds;
  std::set<uint64_t> maps;
  for (const uint32_t number : numbers) {
    const auto link = read_link(fmt::format("/proc/self/fd/{}", number));
    if (!link) continue;  // closed meanwhile
    const FdKind kind = classify_fd(*link);
    ++fds.by_kind[static_cast<size_t>(kind)];
    if (kind != FdKind::kBpfMap) continue;
    const auto text = read_file(fmt::format("/proc/self/fdinfo/{}", number), kMaxText);
    const auto info = text ? parse_bpf_map_info(*text) : std::nullopt;
    if (info && maps.insert(info->id).second) fds.bpf_map_bytes += info->memlock_bytes;
  }
  return fds;
}

std::optional<Children> own_children() {
  const auto threads = list_threads(::getpid());
  if (!threads) return std::nullopt;
  Children children;
  for (const int32_t thread : *threads) {
    const auto text = read_file(fmt::format("/proc/self/task/{}/children", thread), kMaxText);
    if (!text) {
      if (thread == ::getpid()) return std::nullopt;  // the main thread is always there: it is the file that is not
      continue;                                       // ended meanwhile
    }
    std::string_view rest = *text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      const auto pid = parse_decimal(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto stat = pid ? read_stat(static_cast<int32_t>(*pid)) : fail(ErrorCode::kNotFound, "");
      if (stat) ++(stat->state == 'Z' ? children.zombies : children.running);
    }
  }
  return children;
}

}  // namespace gp::os
