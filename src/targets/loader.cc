#include "targets/loader.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "os/event_fd.h"
#include "os/proc_maps.h"
#include "targets/live_memory.h"

namespace gp::targets {
namespace {

constexpr uint32_t kMaxReplacements = 2;
constexpr int kThreadNice = -10;       // below the reader's
constexpr size_t kMaxUrgent = 65536;   // never met while the thread works
constexpr int kMaxPagesPerStack = 64;  // pages one deferred stack may have loaded
// A file gets at most this many directory words: 1 GiB of code.
constexpr uint64_t kMaxFilePages = 16384;

// Unwind rules of one file and its run in the page directory. Owned by the loader, kept alive by a stuck thread too.
struct LoadedFile {
  const CodeFile* file = nullptr;  // identity only: the reader decides how long it lives
  std::shared_ptr<const elf::Image> image;
  std::unique_ptr<elf::UnwindSource> source;
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t base = 0;
  Charge charge{account("unwind indexes")};
};

// The kernel's own shared library is in no file, but in every process, ours too.
Result<elf::Image> vdso_image() {
  const auto base = ::getauxval(AT_SYSINFO_EHDR);
  if (base == 0) return fail(ErrorCode::kNotFound, "no vdso");
  std::vector<uint8_t> bytes;
  GP_ASSIGN(const auto scan, os::for_each_mapping(::getpid(), [&](const os::MapsEntry& entry) {
              if (entry.start != base) return true;
              const auto* data = reinterpret_cast<const uint8_t*>(base);
              bytes.assign(data, data + (entry.end - entry.start));
              return false;
            }));
  static_cast<void>(scan);
  return elf::Image::from_memory(std::move(bytes));
}

FileChange change_of(const struct stat& info) {
  return {.size = info.st_size, .modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
}

// The reader has to act on it before samples to come can be walked. All else waits until it looks in of itself: a wake-up
// costs more than what it would bring.
bool changes_walks(const LoaderResult& result) {
  if (const auto* done = std::get_if<FileDone>(&result))
    return done->file->runtime.has_value() || done->file->state.load() == CodeFile::State::kNotElf;
  return std::holds_alternative<FileChanged>(result) || std::holds_alternative<AttachDone>(result);
}

// A regular file's descriptor: the mapping itself where that can be opened, else the path as its process sees it.
Result<os::UniqueFd> open_code(const CodeFile& file, const FileHint& hint) {
  auto fd =
      os::open_file(fmt::format("/proc/{}/map_files/{:x}-{:x}", hint.pid, hint.start, hint.end), O_RDONLY | O_NONBLOCK);
  if (fd) return fd;
  for (const auto& path : {fmt::format("/proc/{}/root{}", hint.pid, file.path), file.path}) {
    fd = os::open_file(path, O_RDONLY | O_NONBLOCK);
    struct stat info{};
    if (fd && ::fstat(fd->get(), &info) == 0 && info.st_ino == file.key.inode) return fd;
  }
  return fail(ErrorCode::kNotFound, fmt::format("cannot open {}", file.path));
}

}  // namespace

struct Loader::Shared {
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<LoaderRequest> urgent;  // files, pages, runtimes
  std::deque<LoaderRequest> stacks;  // deferred samples: after what they may need
  Charge queue_charge{account("loader queue")};
  std::vector<LoaderResult> results;
  os::UniqueFd result_event;
  bool busy = false;
  bool stop = false;
  Stats stats;

  walk::Tables* tables = nullptr;
  std::vector<const Runtime*> runtimes;
  LoaderOptions options;
  // The loader thread's; handed on when a thread is replaced.
  std::unique_ptr<walk::RowPool> rows;
  std::unique_ptr<walk::RangePool> directory;
  std::unordered_map<uint32_t, std::shared_ptr<LoadedFile>> files;  // by slot
};

// One incarnation of the loader thread.
class Loader::Worker {
 public:
  explicit Worker(std::shared_ptr<Shared> shared) : shared_(std::move(shared)), walker_(*shared_->tables) {}

  void run();
  // Gives up on a worker that has been reading foreign bytes since before `limit_ns`; `reading` is then the file it
  // reads, or null when it is a process' own memory.
  bool abandon_if_stuck(uint64_t limit_ns, std::shared_ptr<CodeFile>* reading);

 private:
  static constexpr uint64_t kIdle = 0;
  static constexpr uint64_t kAbandoned = 1;

  // Runs what may block on `file`. False: meanwhile this worker was given up and must touch nothing any more.
  template <class Work>
  bool foreign(const std::shared_ptr<CodeFile>& file, Work work) {
    {
      const std::lock_guard lock(shared_->mutex);
      reading_ = file;
    }
    since_ns_.store(monotonic_ns(), std::memory_order_release);
    work();
    uint64_t since = since_ns_.load();
    return since != kAbandoned && since_ns_.compare_exchange_strong(since, kIdle);
  }

  bool handle(OpenRequest& request);
  bool handle(PageRequest& request);
  bool handle(AttachRequest& request);
  bool handle(RetireRequest& request);
  bool handle(PerfMapRequest& request);
  bool handle(ShrinkRequest& request);
  bool handle(DeferredSample& request);
  bool open(const OpenRequest& request);
  bool look_again(const OpenRequest& request);
  bool install(const CodeFile& file, const std::shared_ptr<LoadedFile>& loaded);
  bool load_page(const std::shared_ptr<CodeFile>& file, uint64_t page);
  void note_rows();
  bool load_missing(const DeferredSample& request, uint64_t pc, bool* progress);
  void answer(LoaderResult result);
  void settle(const std::shared_ptr<CodeFile>& file, CodeFile::State state);

  std::shared_ptr<Shared> shared_;
  walk::NativeWalker walker_;
  std::atomic<uint64_t> since_ns_{kIdle};
  std::shared_ptr<CodeFile> reading_;  // under the mutex
};

void Loader::Worker::run() {
  ::pthread_setname_np(::pthread_self(), "gp-loader");
  // On a busy host stacks would wait seconds for rows, and processes be gone before they are read.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kThreadNice));
  while (true) {
    LoaderRequest request;
    {
      std::unique_lock lock(shared_->mutex);
      shared_->busy = false;
      shared_->wake.wait(lock,
                         [this] { return shared_->stop || !shared_->urgent.empty() || !shared_->stacks.empty(); });
      if (shared_->stop) return;
      auto& queue = shared_->urgent.empty() ? shared_->stacks : shared_->urgent;
      request = std::move(queue.front());
      queue.pop_front();
      shared_->queue_charge.set((shared_->urgent.size() + shared_->stacks.size()) * sizeof(LoaderRequest));
      shared_->busy = true;
    }
    if (!std::visit([this](auto& body) { return handle(body); }, request)) return;
  }
}

bool Loader::Worker::abandon_if_stuck(uint64_t limit_ns, std::shared_ptr<CodeFile>* reading) {
  uint64_t since = since_ns_.load(std::memory_order_acquire);
  if (since == kIdle || since == kAbandoned || since > limit_ns) return false;
  if (!since_ns_.compare_exchange_strong(since, kAbandoned)) return false;
  const std::lock_guard lock(shared_->mutex);
  *reading = reading_;
  return true;
}

void Loader::Worker::answer(LoaderResult result) {
  const bool awaited = changes_walks(result);
  const std::lock_guard lock(shared_->mutex);
  shared_->results.push_back(std::move(result));
  if (awaited) static_cast<void>(os::signal_eventfd(shared_->result_event.get()));
}

void Loader::Worker::settle(const std::shared_ptr<CodeFile>& file, CodeFile::State state) {
  gp_file& entry = shared_->tables->files[file->slot];
  const bool loaded = state == CodeFile::State::kReady || state == CodeFile::State::kNotElf;
  __atomic_store_n(&entry.state, loaded ? GP_FILE_LOADED : GP_FILE_UNREADABLE, __ATOMIC_RELEASE);
  file->state.store(state, std::memory_order_release);
  answer(FileDone{file});
}

bool Loader::Worker::handle(OpenRequest& request) { return request.again ? look_again(request) : open(request); }

bool Loader::Worker::open(const OpenRequest& request) {
  if (request.file->state.load() != CodeFile::State::kNew) return true;
  auto loaded = std::make_shared<LoadedFile>();
  loaded->file = request.file.get();
  auto state = CodeFile::State::kUnreadable;
  std::shared_ptr<const elf::Image> image;
  std::optional<RuntimeFile> runtime;
  FileChange change;
  const bool alive = foreign(request.file, [&] {
    Result<elf::Image> opened = fail(ErrorCode::kNotFound, "");
    if (request.file->key.inode == 0) {
      opened = vdso_image();
    } else {
      const auto fd = open_code(*request.file, request.hint);
      struct stat info{};
      if (!fd || ::fstat(fd->get(), &info) != 0) return;
      change = change_of(info);
      opened = elf::Image::from_fd(fd->get());
    }
    if (!opened) {
      const auto code = opened.error().code();
      const bool readable = code == ErrorCode::kMalformed || code == ErrorCode::kUnsupported;
      state = readable ? CodeFile::State::kNotElf : CodeFile::State::kUnreadable;
      return;
    }
    image = std::make_shared<const elf::Image>(std::move(*opened));
    loaded->image = image;
    loaded->source = std::make_unique<elf::UnwindSource>(*image);
    for (const Runtime* candidate : shared_->runtimes) {
      runtime = candidate->detect(*image, request.file->path);
      if (!runtime) continue;
      runtime->kind = candidate->kind();
      runtime->name = candidate->name();
      break;
    }
    state = CodeFile::State::kReady;
  });
  if (!alive) return false;
  request.file->change = change;
  request.file->image = std::move(image);
  request.file->runtime = std::move(runtime);
  if (state == CodeFile::State::kReady && !install(*request.file, loaded)) state = CodeFile::State::kUnreadable;
  settle(request.file, state);
  return true;
}

bool Loader::Worker::look_again(const OpenRequest& request) {
  bool changed = false;
  const bool alive = foreign(request.file, [&] {
    const auto fd = open_code(*request.file, request.hint);
    struct stat info{};
    changed = fd && ::fstat(fd->get(), &info) == 0 && change_of(info) != request.file->change;
  });
  if (!alive) return false;
  if (changed) answer(FileChanged{request.file, request.hint});
  return true;
}

// Gives the file its run of the page directory and shows it to the walker.
bool Loader::Worker::install(const CodeFile& file, const std::shared_ptr<LoadedFile>& loaded) {
  const auto ranges = loaded->image->executable_ranges();
  gp_file& entry = shared_->tables->files[file.slot];
  entry = {};
  if (!ranges.empty()) {
    const uint64_t first = ranges.front().begin.value >> GP_PAGE_SHIFT;
    const uint64_t end = (ranges.back().end.value + GP_PAGE_SIZE - 1) >> GP_PAGE_SHIFT;
    const uint64_t count = std::min(end - first, kMaxFilePages);
    const auto run = shared_->directory->take(static_cast<uint32_t>(count), monotonic_ns());
    if (!run) return false;
    loaded->first = *run;
    loaded->count = static_cast<uint32_t>(count);
    loaded->base = static_cast<uint32_t>(first);
    for (uint32_t i = 0; i < loaded->count; ++i) {
      walk::store_word(shared_->tables->pages[loaded->first + i], GP_PAGE_NOT_LOADED);
    }
    entry.page_first = loaded->first;
    entry.page_base = loaded->base;
    entry.page_count = loaded->count;
  }
  if (const auto& runtime = file.runtime) {
    for (size_t i = 0; i < runtime->eval.size(); ++i)
      entry.eval[i] = {.start = runtime->eval[i].start.value, .end = runtime->eval[i].end.value};
    entry.runtime = runtime->kind;
  }
  loaded->charge.set(loaded->source->owned_bytes());
  shared_->files[file.slot] = loaded;
  return true;
}

bool Loader::Worker::handle(PageRequest& request) { return load_page(request.file, request.page); }

// Compiles a page and publishes it. False: this worker was given up.
bool Loader::Worker::load_page(const std::shared_ptr<CodeFile>& file, uint64_t page) {
  const auto known = shared_->files.find(file->slot);
  if (known == shared_->files.end() || known->second->file != file.get()) return true;
  const std::shared_ptr<LoadedFile> loaded = known->second;
  if (page < loaded->base || page - loaded->base >= loaded->count) return true;
  const auto index = static_cast<uint32_t>(loaded->first + (page - loaded->base));
  uint64_t& word = shared_->tables->pages[index];
  if (walk::load_word(word) != GP_PAGE_NOT_LOADED) return true;
  elf::UnwindPage rows;
  if (!foreign(file, [&] { rows = loaded->source->compile_page(page); })) return false;
  if (rows.rows.empty()) {
    walk::store_word(word, GP_PAGE_EMPTY);
  } else if (const auto place = shared_->rows->place(index, rows.rules, rows.rows, monotonic_ns())) {
    walk::store_word(word, *place);
  }
  loaded->charge.set(loaded->source->owned_bytes());  // an index may be made at the first page
  note_rows();
  const std::lock_guard lock(shared_->mutex);
  ++shared_->stats.pages_compiled;
  return true;
}

void Loader::Worker::note_rows() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stats.rows_bytes = shared_->rows->memory_bytes();
  shared_->stats.rows_used_bytes = shared_->rows->used_bytes();
  shared_->stats.evictions = shared_->rows->evictions();
}

bool Loader::Worker::handle(ShrinkRequest& request) {
  walk::RowPool& rows = *shared_->rows;
  rows.refuse_growth(request.refuse_growth);
  if (!request.give_back) return true;
  rows.vacate(rows.segments() / 2, monotonic_ns());
  // Walks that saw the old directory words end meanwhile. Memory is short: that page loads wait for it matters less.
  std::this_thread::sleep_for(std::chrono::nanoseconds(walk::kGraceNs));
  rows.give_back(monotonic_ns());
  note_rows();
  return true;
}

bool Loader::Worker::handle(AttachRequest& request) {
  AttachDone done{.process = request.process, .file = request.file, .entry = std::nullopt};
  const bool alive = foreign(request.file, [&] {
    const LiveMemory memory(request.process.pid);
    for (const Runtime* runtime : shared_->runtimes) {
      if (runtime->kind() != request.file->runtime->kind) continue;
      if (auto entry = runtime->attach(*request.file->runtime, memory, request.bias)) done.entry = *entry;
    }
  });
  if (!alive) return false;
  answer(std::move(done));
  return true;
}

bool Loader::Worker::handle(RetireRequest& request) {
  const auto known = shared_->files.find(request.slot);
  gp_file& entry = shared_->tables->files[request.slot];
  __atomic_store_n(&entry.state, GP_FILE_NOT_LOADED, __ATOMIC_RELEASE);
  if (known == shared_->files.end()) return true;
  const LoadedFile& loaded = *known->second;
  for (uint32_t i = 0; i < loaded.count; ++i) {
    walk::store_word(shared_->tables->pages[loaded.first + i], GP_PAGE_NOT_LOADED);
    shared_->rows->release(loaded.first + i, monotonic_ns());
  }
  if (loaded.count > 0) shared_->directory->give_back(loaded.first, loaded.count, monotonic_ns());
  shared_->files.erase(known);
  return true;
}

bool Loader::Worker::handle(PerfMapRequest& request) {
  PerfMapDone done{.process = request.process, .namespace_pid = 0, .fd = {}};
  const bool alive = foreign(nullptr, [&] {
    const auto status = os::read_status(request.process.pid);
    if (!status) return;
    done.namespace_pid = status->namespace_pids.empty() ? request.process.pid : status->namespace_pids.back();
    auto fd = os::open_file(fmt::format("/proc/{}/root/tmp/perf-{}.map", request.process.pid, done.namespace_pid),
                            O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    struct stat info{};
    if (fd && ::fstat(fd->get(), &info) == 0 && S_ISREG(info.st_mode)) done.fd = std::move(*fd);
  });
  if (!alive) return false;
  answer(std::move(done));
  return true;
}

bool Loader::Worker::handle(DeferredSample& request) {
  gp_sample sample{};
  gp_stack_copy copy{};
  std::memcpy(&sample, request.sample.data(), sizeof(sample));
  std::memcpy(&copy, request.copy.data(), sizeof(copy));
  const auto* frames = reinterpret_cast<const gp_frame*>(request.sample.data() + sizeof(sample));
  const walk::DeferredStack stack{
      .registers = copy.registers,
      .thread_pointer = copy.thread_pointer,
      .base = copy.base,
      .stack = Bytes(request.copy).subspan(sizeof(copy), copy.bytes),
      .mappings = request.run->mappings,
      .pid = sample.pid,
      .before = {frames, size_t{sample.user_frames} - sample.pending_frames},
      .pending = {frames + (sample.user_frames - sample.pending_frames), sample.pending_frames},
  };
  walk::WalkedStack walked = walker_.walk(stack);
  for (int turn = 0; turn < kMaxPagesPerStack && walked.end == GP_END_PAGE_MISSING; ++turn) {
    bool progress = false;
    if (!load_missing(request, walked.missing_pc, &progress)) return false;
    if (!progress) break;
    walked = walker_.walk(stack);
  }
  // Past a full copy the stack goes on, it only was not taken.
  const bool copy_ended = walked.end == GP_END_STACK_READ && copy.bytes == GP_STACK_COPY_SIZE;
  answer(DeferredDone{.sample = std::move(request.sample),
                      .frames = {walked.frames.begin(), walked.frames.end()},
                      .end = copy_ended ? GP_END_DEPTH : walked.end,
                      .guessed = walked.guessed || (sample.flags & GP_SAMPLE_GUESSED) != 0});
  return true;
}

// Loads the page of a pc in the sample's process. False: this worker was given up.
bool Loader::Worker::load_missing(const DeferredSample& request, uint64_t pc, bool* progress) {
  // A return address is looked up one before; one page early is tried when it begins a page.
  for (const uint64_t address : {pc - 1, pc}) {
    const auto& mappings = request.run->mappings;
    const auto after = std::ranges::upper_bound(mappings, address, {}, &gp_mapping::start);
    if (after == mappings.begin()) continue;
    const gp_mapping& mapping = *std::prev(after);
    if (address >= mapping.end || mapping.file == GP_NO_FILE) continue;
    const auto file = std::ranges::find(request.files, mapping.file, &CodeFile::slot);
    if (file == request.files.end()) continue;
    const uint64_t page = (address - mapping.start + mapping.offset) >> GP_PAGE_SHIFT;
    const auto known = shared_->files.find(mapping.file);
    if (known == shared_->files.end()) continue;
    if (!load_page(*file, page)) return false;
    const LoadedFile& loaded = *known->second;
    if (page < loaded.base || page - loaded.base >= loaded.count) continue;
    *progress |= walk::load_word(shared_->tables->pages[loaded.first + (page - loaded.base)]) != GP_PAGE_NOT_LOADED;
  }
  return true;
}

Loader::Loader(walk::Tables* tables, walk::SegmentSource* segments, std::span<const Runtime* const> runtimes,
               const LoaderOptions& options)
    : shared_(std::make_shared<Shared>()) {
  shared_->tables = tables;
  shared_->options = options;
  shared_->runtimes.assign(runtimes.begin(), runtimes.end());
  shared_->rows = std::make_unique<walk::RowPool>(segments, tables, options.row_budget_bytes);
  shared_->directory = std::make_unique<walk::RangePool>(static_cast<uint32_t>(tables->pages.size()));
  if (auto event = os::make_eventfd()) shared_->result_event = std::move(*event);
  start_worker();
}

void Loader::start_worker() {
  worker_ = std::make_shared<Worker>(shared_);
  thread_ = std::jthread([worker = worker_] { worker->run(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->wake.notify_all();
  // A thread that hangs in a foreign file would hang us: it is left behind with what it holds.
  const auto busy = [this] {
    const std::lock_guard lock(shared_->mutex);
    return shared_->busy;
  };
  for (int wait = 0; wait < 200 && busy(); ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::shared_ptr<CodeFile> reading;
  if (worker_->abandon_if_stuck(monotonic_ns(), &reading)) thread_.detach();
}

bool Loader::post(LoaderRequest request) {
  {
    const std::lock_guard lock(shared_->mutex);
    auto* const stack = std::get_if<DeferredSample>(&request);
    auto& queue = stack != nullptr ? shared_->stacks : shared_->urgent;
    if (queue.size() >= (stack != nullptr ? shared_->options.max_deferred : kMaxUrgent)) return false;
    if (stack != nullptr) {
      stack->charge = Charge(account("deferred stacks"), stack->sample.capacity() + stack->copy.capacity());
    }
    queue.push_back(std::move(request));
    shared_->queue_charge.set((shared_->urgent.size() + shared_->stacks.size()) * sizeof(LoaderRequest));
  }
  shared_->wake.notify_one();
  return true;
}

std::vector<LoaderResult> Loader::take_results() {
  os::take_eventfd(shared_->result_event.get());
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->results, {});
}

int Loader::result_fd() const { return shared_->result_event.get(); }

bool Loader::idle() const {
  const std::lock_guard lock(shared_->mutex);
  return !shared_->busy && shared_->urgent.empty() && shared_->stacks.empty() && shared_->results.empty();
}

void Loader::check_stuck(uint64_t now_ns) {
  const uint64_t limit = now_ns > shared_->options.stuck_ns ? now_ns - shared_->options.stuck_ns : 0;
  if (replacements_ >= kMaxReplacements) return;
  std::shared_ptr<CodeFile> file;
  if (!worker_->abandon_if_stuck(limit, &file)) return;
  ++replacements_;
  thread_.detach();
  if (file) {
    // The file keeps its mapping and loses its names; what waits for it goes on without.
    __atomic_store_n(&shared_->tables->files[file->slot].state, GP_FILE_UNREADABLE, __ATOMIC_RELEASE);
    file->state.store(CodeFile::State::kUnreadable, std::memory_order_release);
    const std::lock_guard lock(shared_->mutex);
    ++shared_->stats.stuck_files;
    shared_->results.emplace_back(FileDone{file});
  }
  start_worker();
}

Loader::Stats Loader::stats() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->stats;
}

}  // namespace gp::targets
