#include "session/package_finder.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/account.h"
#include "base/clock.h"
#include "os/procfs.h"
#include "os/rooted_file.h"

namespace gp::session {
namespace {

constexpr size_t kMaxWaiting = 4096;
constexpr size_t kMaxLibraries = 64;
constexpr int kThreadNice = 10;                // nobody waits for it
constexpr uint64_t kTickNs = 10'000'000;       // of Program::key.start_ticks
constexpr int64_t kStartSlackNs = 50'000'000;  // ticks are coarse, and so are times of files
constexpr auto kEndPoll = std::chrono::milliseconds(10);

// When the program began, as UNIX time.
int64_t started_ns(const targets::Program& program) {
  const uint64_t age = program.exec_ns != 0 ? monotonic_ns() - program.exec_ns
                                            : clock_ns(CLOCK_BOOTTIME) - program.key.start_ticks * kTickNs;
  return wall_ns() - static_cast<int64_t>(age) + kStartSlackNs;
}

int64_t ns_of(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

bool is_alive(ProcessKey process) {
  const auto now = os::process_key(process.pid);
  return now && targets::same_start(now->start_ticks, process.start_ticks);
}

}  // namespace

// The runtime's own library.
class PackageFinder::Library final : public targets::PackageNames {
 public:
  Library(const targets::Runtime& runtime, std::string version) : runtime_(runtime), version_(std::move(version)) {}
  [[nodiscard]] std::string package_of(std::string_view file) const override {
    return runtime_.library_of(file, version_);
  }

 private:
  const targets::Runtime& runtime_;
  std::string version_;
};

// A directory of packages as one process has it: known once it is read.
class PackageFinder::Directory final : public targets::PackageNames {
 public:
  Directory(std::string path, int64_t started_ns) : path_(std::move(path)), started_ns_(started_ns) {}
  [[nodiscard]] std::string package_of(std::string_view file) const override {
    if (!file.starts_with(path_)) return {};
    std::shared_ptr<const targets::InstalledPackages> installed;
    {
      const std::lock_guard lock(mutex_);
      installed = installed_;
    }
    return installed ? std::string(installed->package_of(file.substr(path_.size()), started_ns_)) : std::string();
  }
  void settle(std::shared_ptr<const targets::InstalledPackages> installed) {
    const std::lock_guard lock(mutex_);
    installed_ = std::move(installed);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int64_t started_ns_;
  mutable std::mutex mutex_;
  std::shared_ptr<const targets::InstalledPackages> installed_;
};

struct PackageFinder::Request {
  ProcessKey process;
  const targets::Runtime* runtime = nullptr;
  std::shared_ptr<Directory> directory;
};

// Everything is guarded by the mutex. Outlives the finder where a thread hangs.
struct PackageFinder::Shared {
  // What a directory held when it was read; by runtime, device and inode.
  struct Known {
    int64_t modified_ns = 0;
    uint64_t used = 0;
    std::shared_ptr<const targets::InstalledPackages> installed;
  };
  using Place = std::tuple<uint32_t, uint64_t, uint64_t>;
  struct Held {
    std::shared_ptr<const targets::InstalledPackages> installed;
    Charge charge;
  };

  std::mutex mutex;
  std::deque<Request> waiting;
  std::vector<std::string> hanging;  // paths that threads given up are reading
  std::string reading;               // by the thread of this turn
  uint64_t since_ns = 0;             // since when; 0: it is not
  uint64_t turn = 0;                 // a thread of another turn was given up
  bool working = false;              // there is a thread
  bool stop = false;
  std::map<Place, Known> known;
  uint64_t uses = 0;
  Account& all = account("package versions");
  bool full = false;

  [[nodiscard]] bool hangs(const std::string& path) const { return std::ranges::find(hanging, path) != hanging.end(); }
  std::shared_ptr<const targets::InstalledPackages> find(const Place& place) {
    const auto found = known.find(place);
    if (found == known.end()) return nullptr;
    found->second.used = ++uses;
    return found->second.installed;
  }
  // What was read, accounted for as long as anybody refers to it. Null: there is no room, even without all that nobody
  // does any more.
  std::shared_ptr<const targets::InstalledPackages> keep(const Place& place, int64_t modified_ns,
                                                         std::shared_ptr<const targets::InstalledPackages> read) {
    const size_t more = read->memory_bytes();
    while (all.bytes() + more > kMaxBytes) {
      auto oldest = known.end();
      for (auto each = known.begin(); each != known.end(); ++each) {
        if (each->second.installed.use_count() > 1) continue;
        if (oldest == known.end() || each->second.used < oldest->second.used) oldest = each;
      }
      if (oldest == known.end()) {
        if (!std::exchange(full, true)) spdlog::info("versions of packages: no room for more");
        return nullptr;
      }
      known.erase(oldest);
    }
    const auto held = std::make_shared<Held>(Held{.installed = std::move(read), .charge = Charge(all, more)});
    const std::shared_ptr<const targets::InstalledPackages> kept(held, held->installed.get());
    known[place] = {.modified_ns = modified_ns, .used = ++uses, .installed = kept};
    return kept;
  }
};

PackageFinder::PackageFinder() : shared_(std::make_shared<Shared>()) {}

PackageFinder::~PackageFinder() {
  const std::shared_ptr<Shared> shared = shared_;
  {
    const std::lock_guard lock(shared->mutex);
    shared->stop = true;
  }
  // A thread that hangs is left behind.
  const uint64_t end = monotonic_ns() + kStuckNs;
  while (!idle() && monotonic_ns() < end) std::this_thread::sleep_for(kEndPoll);
}

std::shared_ptr<const targets::PackageNames> PackageFinder::names_of(const targets::Program& program,
                                                                     const targets::Runtime& runtime,
                                                                     std::string_view file) {
  const std::string path(runtime.package_directory(file));
  if (path.empty()) {
    const auto* found = program.runtime(runtime.kind());
    if (found == nullptr || found->version.empty() || runtime.library_of(file, found->version).empty()) return nullptr;
    const std::pair key(runtime.kind(), found->version);
    if (libraries_.size() >= kMaxLibraries && !libraries_.contains(key)) return nullptr;
    auto& library = libraries_[key];
    if (!library) library = std::make_shared<Library>(runtime, found->version);
    return library;
  }
  auto& place = directories_[{program.key, program.exec_ns, runtime.kind(), path}];
  if (auto known = place.lock()) return known;
  auto directory = std::make_shared<Directory>(path, started_ns(program));
  place = directory;
  const std::lock_guard lock(shared_->mutex);
  if (shared_->waiting.size() < kMaxWaiting)
    shared_->waiting.push_back({.process = program.key, .runtime = &runtime, .directory = directory});
  if (!shared_->working && shared_->hanging.size() < kMaxHung) {
    shared_->working = true;
    std::thread(work, shared_, shared_->turn).detach();
  }
  return directory;
}

void PackageFinder::check_stuck(uint64_t now_ns) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->working && shared_->since_ns != 0 && now_ns > shared_->since_ns + kStuckNs) {
    spdlog::warn("{}: its filesystem does not answer; packages there are not known", shared_->reading);
    shared_->hanging.push_back(std::exchange(shared_->reading, {}));
    shared_->since_ns = 0;
    shared_->working = false;
    ++shared_->turn;
  }
  if (shared_->working || shared_->waiting.empty() || shared_->hanging.size() >= kMaxHung) return;
  shared_->working = true;
  std::thread(work, shared_, shared_->turn).detach();
}

void PackageFinder::forget_unused() {
  std::erase_if(directories_, [](const auto& place) { return place.second.expired(); });
}

bool PackageFinder::idle() const {
  const std::lock_guard lock(shared_->mutex);
  return !shared_->working && (shared_->stop || shared_->waiting.empty());
}

uint32_t PackageFinder::hung() const {
  const std::lock_guard lock(shared_->mutex);
  return static_cast<uint32_t>(shared_->hanging.size());
}

// One thread's life: until nothing is left, or it was given up.
void PackageFinder::work(const std::shared_ptr<Shared>& shared, uint64_t turn) {
  ::pthread_setname_np(::pthread_self(), "gp-packages");
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kThreadNice));  // on Linux the thread's own
  std::unique_lock lock(shared->mutex);
  while (!shared->waiting.empty() && !shared->stop) {
    const Request request = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    const std::string path = request.directory->path();
    if (shared->hangs(path)) continue;
    shared->reading = path;
    shared->since_ns = monotonic_ns();
    lock.unlock();
    read(*shared, request);
    lock.lock();
    if (shared->turn != turn) {
      shared->hanging.erase(std::ranges::find(shared->hanging, path));
      return;
    }
    shared->since_ns = 0;
  }
  shared->working = false;
}

// Reads the directory, or finds that it was read before.
void PackageFinder::read(Shared& shared, const Request& request) {
  if (!is_alive(request.process)) return;
  const std::string root = os::root_of(request.process.pid);
  const std::string& path = request.directory->path();
  const auto status = os::stat_in_root(root, path);
  if (!status) return;
  const Shared::Place place{request.runtime->kind(), status->st_dev, status->st_ino};
  const int64_t modified_ns = ns_of(status->st_mtim);
  std::shared_ptr<const targets::InstalledPackages> installed;
  bool current = false;
  {
    const std::lock_guard lock(shared.mutex);
    installed = shared.find(place);
    current = installed && shared.known[place].modified_ns == modified_ns;
  }
  if (!current) {
    installed = request.runtime->read_packages(root, path, installed.get());
    // Else it may be of another process that has its number now.
    if (!installed || !is_alive(request.process)) return;
    const std::lock_guard lock(shared.mutex);
    installed = shared.keep(place, modified_ns, std::move(installed));
  }
  request.directory->settle(std::move(installed));
}

}  // namespace gp::session
