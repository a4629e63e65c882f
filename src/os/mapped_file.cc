#include "os/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

namespace gp::os {
namespace {

// What the signal handler knows of one mapping. begin: 0 free, 1 being filled or emptied, else an address.
struct Slot {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> damaged{false};
};

constexpr size_t kMaxMappedFiles = 8192;
constexpr uintptr_t kSlotBusy = 1;

constinit std::array<Slot, kMaxMappedFiles> slots;
constinit uintptr_t page_mask = 0;
struct sigaction previous_action;

// Zero pages over [address, end of its mapping). Only mmap(2) itself is called here, which has no state in
// libc.
bool cover_with_zeros(uintptr_t address) {
  for (Slot& slot : slots) {
    const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    const uintptr_t end = slot.end.load(std::memory_order_relaxed);
    if (begin <= kSlotBusy || address < begin || address >= end) continue;
    const uintptr_t page = address & page_mask;
    slot.damaged.store(true, std::memory_order_relaxed);
    return mmap(reinterpret_cast<void*>(page), end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
           MAP_FAILED;
  }
  return false;
}

void on_sigbus(int number, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  if (!cover_with_zeros(reinterpret_cast<uintptr_t>(info->si_addr))) sigaction(number, &previous_action, nullptr);
  errno = saved_errno;  // the faulting instruction runs again: over zeros, or under the previous handler
}

Result<void> install_handler() {
  static std::once_flag once;
  static int failed_errno = 0;
  std::call_once(once, [] {
    page_mask = ~(static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)) - 1);
    struct sigaction action{};
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, &previous_action) != 0) failed_errno = errno;
  });
  if (failed_errno != 0) return fail_errno("install SIGBUS handler", failed_errno);
  return {};
}

// Filesystems behind which stands a process or another host (include/uapi/linux/magic.h; Lustre's and GPFS' own sources).
bool is_served(int fd) {
  constexpr std::array<uint32_t, 9> kServed = {0x65735546,   // FUSE
                                               0x00006969,   // NFS
                                               0xff534d42,   // CIFS
                                               0xfe534d42,   // SMB2
                                               0x01021997,   // 9p
                                               0x00c36400,   // Ceph
                                               0x5346414f,   // AFS
                                               0x0bd00bd0,   // Lustre
                                               0x47504653};  // GPFS
  struct statfs info{};
  if (::fstatfs(fd, &info) != 0) return true;  // a FUSE server need not answer this
  return std::ranges::find(kServed, static_cast<uint32_t>(info.f_type)) != kServed.end();
}

std::optional<size_t> take_slot() {
  for (size_t i = 0; i < slots.size(); ++i) {
    uintptr_t expected = 0;
    if (slots[i].begin.compare_exchange_strong(expected, kSlotBusy, std::memory_order_acq_rel)) return i;
  }
  return std::nullopt;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  const int place = ::open(path.c_str(), O_PATH | O_CLOEXEC);  // looks without opening
  if (place < 0) return fail_errno(fmt::format("open {}", path));
  struct stat status{};
  int saved_errno = fstat(place, &status) == 0 ? 0 : errno;
  if (saved_errno == 0 && !S_ISREG(status.st_mode)) {
    ::close(place);
    return fail(ErrorCode::kUnsupported, fmt::format("open {}: not a regular file", path));
  }
  const int fd = saved_errno == 0 ? ::open(fmt::format("/proc/self/fd/{}", place).c_str(), O_RDONLY | O_CLOEXEC) : -1;
  if (saved_errno == 0 && fd < 0) saved_errno = errno;
  ::close(place);
  if (fd < 0) return fail_errno(fmt::format("open {}", path), saved_errno);
  auto mapped = map(fd);
  ::close(fd);
  if (!mapped) return std::unexpected(std::move(mapped.error()).context(path));
  return mapped;
}

Result<MappedFile> MappedFile::map(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return fail_errno("fstat");
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kUnsupported, "not a regular file");
  if (status.st_size == 0) return MappedFile();
  GP_TRY(install_handler());
  const auto slot = take_slot();
  if (!slot) return fail(ErrorCode::kLimit, fmt::format("{} files are mapped already", kMaxMappedFiles));

  const auto size = static_cast<size_t>(status.st_size);
  void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (start == MAP_FAILED) {
    const int saved_errno = errno;
    slots[*slot].begin.store(0, std::memory_order_release);
    return fail_errno("mmap", saved_errno);
  }
  const auto begin = reinterpret_cast<uintptr_t>(start);
  slots[*slot].damaged.store(false, std::memory_order_relaxed);
  slots[*slot].end.store(begin + size, std::memory_order_relaxed);
  slots[*slot].begin.store(begin, std::memory_order_release);
  return MappedFile(Bytes(static_cast<const uint8_t*>(start), size), *slot, is_served(fd));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), slot_(std::exchange(other.slot_, 0)), may_hang_(other.may_hang_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    bytes_ = std::exchange(other.bytes_, {});
    slot_ = std::exchange(other.slot_, 0);
    may_hang_ = other.may_hang_;
  }
  return *this;
}

MappedFile::~MappedFile() { release(); }

bool MappedFile::damaged() const { return !bytes_.empty() && slots[slot_].damaged.load(std::memory_order_relaxed); }

void MappedFile::release() {
  if (bytes_.empty()) return;
  slots[slot_].begin.store(kSlotBusy, std::memory_order_release);
  munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
  slots[slot_].begin.store(0, std::memory_order_release);
  bytes_ = {};
}

}  // namespace gp::os
