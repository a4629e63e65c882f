#include "targets/loader_worker.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "os/procfs.h"
#include "os/scheduling.h"
#include "targets/code_opener.h"
#include "targets/live_memory.h"

namespace gp::targets {
namespace {

constexpr int kThreadNice = -10;  // below the reader's
constexpr uint64_t kThreadSliceNs = 500'000;
constexpr int kMaxPagesPerStack = 64;  // pages one deferred stack may have loaded

}  // namespace

void LoaderWorker::run() {
  ::pthread_setname_np(::pthread_self(), "gp-loader");
  // On a busy host stacks would wait seconds for rows, and processes be gone before they are read.
  os::run_soon(kThreadNice, kThreadSliceNs);
  while (true) {
    LoaderRequest request;  // ends with its turn: what it holds is charged
    if (!shared_->next(request) || !std::visit([this](auto& body) { return handle(body); }, request)) return;
  }
}

bool LoaderWorker::abandon_if_stuck(uint64_t limit_ns, std::shared_ptr<CodeFile>* reading) {
  uint64_t since = since_ns_.load(std::memory_order_acquire);
  if (since == kIdle || since == kAbandoned || since > limit_ns) return false;
  const std::lock_guard lock(shared_->mutex);
  if (!since_ns_.compare_exchange_strong(since, kAbandoned)) return false;
  *reading = reading_;
  shared_->begin_hang(reading_.get());
  return true;
}

void LoaderWorker::settle(const std::shared_ptr<CodeFile>& file, CodeFile::State state) {
  gp_file& entry = shared_->tables->files[file->slot];
  const bool loaded = state == CodeFile::State::kReady || state == CodeFile::State::kNotElf;
  __atomic_store_n(&entry.state, loaded ? GP_FILE_LOADED : GP_FILE_UNREADABLE, __ATOMIC_RELEASE);
  file->state.store(state, std::memory_order_release);
  shared_->answer(FileDone{file});
}

bool LoaderWorker::handle(OpenRequest& request) { return request.again ? look_again(request) : open(request); }

bool LoaderWorker::open(const OpenRequest& request) {
  const auto& file = request.file;
  if (file->state.load() != CodeFile::State::kNew) return true;
  OpenedCode opened;
  if (!foreign(file, [&] { opened = open_code(*file, request.hint, shared_->runtimes); })) return false;
  file->change = opened.change;
  file->image = opened.image;
  file->runtimes = std::move(opened.runtimes);
  if (opened.state == CodeFile::State::kReady) {
    auto loaded = std::make_shared<UnwindFile>();
    loaded->file = file.get();
    loaded->image = std::move(opened.image);
    loaded->source = std::move(opened.source);
    if (!shared_->files->install(*file, std::move(loaded))) opened.state = CodeFile::State::kUnreadable;
  }
  settle(file, opened.state);
  return true;
}

bool LoaderWorker::look_again(const OpenRequest& request) {
  bool changed = false;
  if (!foreign(request.file, [&] { changed = has_changed(*request.file, request.hint); })) return false;
  if (changed) shared_->answer(FileChanged{request.file, request.hint});
  return true;
}

bool LoaderWorker::handle(PageRequest& request) { return load_page(request.file, request.page); }

// Compiles a page and publishes it.
bool LoaderWorker::load_page(const std::shared_ptr<CodeFile>& file, uint64_t page) {
  const auto loaded = shared_->files->lacking(*file, page);
  if (!loaded) return true;
  elf::UnwindPage rows;
  if (!foreign(file, [&] { rows = loaded->source->compile_page(page, builder_); })) return false;
  shared_->files->publish(*loaded, page, rows);
  note_rows();
  const std::lock_guard lock(shared_->mutex);
  ++shared_->stats.pages_compiled;
  return true;
}

void LoaderWorker::note_rows() {
  const walk::RowPool& rows = shared_->files->rows();
  const std::lock_guard lock(shared_->mutex);
  shared_->stats.rows_bytes = rows.memory_bytes();
  shared_->stats.rows_used_bytes = rows.used_bytes();
  shared_->stats.evictions = rows.evictions();
}

bool LoaderWorker::handle(AttachRequest& request) {
  AttachDone done{.process = request.process, .file = request.file, .entry = std::nullopt};
  const bool alive = foreign(request.file, [&] {
    const LiveMemory memory(request.process.pid);
    const auto file = std::ranges::find(request.file->runtimes, request.kind, &RuntimeFile::kind);
    const auto runtime = std::ranges::find(shared_->runtimes, request.kind, &Runtime::kind);
    if (file == request.file->runtimes.end() || runtime == shared_->runtimes.end()) return;
    if (auto entry = (*runtime)->attach(*file, memory, request.bias)) done.entry = *entry;
  });
  if (!alive) return false;
  shared_->answer(std::move(done));
  return true;
}

bool LoaderWorker::handle(RetireRequest& request) {
  shared_->files->retire(request.slot);
  return true;
}

bool LoaderWorker::handle(PerfMapRequest& request) {
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
  shared_->answer(std::move(done));
  return true;
}

bool LoaderWorker::handle(ShrinkRequest& request) {
  shared_->files->refuse_growth(request.refuse_growth);
  if (!request.give_back) return true;
  shared_->files->give_segments_back();
  note_rows();
  return true;
}

bool LoaderWorker::handle(DeferredSample& request) {
  const DeferredWalk walk(request);
  walk::WalkedStack walked = walker_.walk(walk.stack);
  for (int turn = 0; turn < kMaxPagesPerStack && walked.end == GP_END_PAGE_MISSING; ++turn) {
    bool progress = false;
    if (!load_missing(*request.run, request.files, walked.missing_pc, &progress)) return false;
    if (!progress) break;
    walked = walker_.walk(walk.stack);
  }
  shared_->answer(walk.done(walked, std::move(request)));
  return true;
}

// Like a deferred sample, but for the memory: that is the process' own, and its interpreters are read as well.
bool LoaderWorker::handle(LiveThread& request) {
  if (!live_walker_) live_walker_ = std::make_unique<walk::LiveWalker>(*shared_->tables);
  const walk::LiveStack stack{.registers = request.registers,
                              .thread_pointer = request.thread_pointer,
                              .pid = static_cast<uint32_t>(request.process.pid),
                              .start_ticks = request.process.start_ticks,
                              .mappings = request.run->mappings,
                              .runtimes = request.runtimes};
  const LiveMemory memory(request.process.pid);
  const walk::ReadMemory read = [&memory](uint64_t address, std::span<uint8_t> to) {
    return memory.read(Pc{address}, to);
  };
  walk::WalkedStack walked;
  for (int turn = 0; turn < kMaxPagesPerStack; ++turn) {
    if (!foreign(nullptr, [&] { walked = live_walker_->walk(stack, read); })) return false;
    if (walked.end != GP_END_PAGE_MISSING) break;
    bool progress = false;
    if (!load_missing(*request.run, request.files, walked.missing_pc, &progress)) return false;
    if (!progress) break;
  }
  shared_->answer(LiveDone{.process = request.process,
                           .tid = request.tid,
                           .switches = request.switches,
                           .frames = {walked.frames.begin(), walked.frames.end()},
                           .end = walked.end,
                           .guessed = walked.guessed,
                           .symbols = live_walker_->symbols()});
  return true;
}

// A thread pointer is another thread's once its own has ended: then there is no such task any more.
bool LoaderWorker::handle(ThreadNamesRequest& request) {
  ThreadNamesDone done{.process = request.process, .names = {}};
  const bool alive = foreign(nullptr, [&] {
    const LiveMemory memory(request.process.pid);
    std::vector<ThreadName> names;
    for (const Runtime* runtime : shared_->runtimes) {
      for (const gp_runtime_entry& entry : request.runtimes) {
        if (runtime->kind() == entry.kind)
          std::ranges::move(runtime->thread_names(entry, memory), std::back_inserter(names));
      }
    }
    for (const auto& [tid, pointer] : request.threads) {
      const auto name = std::ranges::find(names, pointer, &ThreadName::thread);
      if (name == names.end() || !os::read_thread_comm(request.process.pid, tid)) continue;
      done.names.emplace_back(tid, name->name);
    }
  });
  if (!alive) return false;
  shared_->answer(std::move(done));
  return true;
}

// Loads the page of a pc in the process.
bool LoaderWorker::load_missing(const MappingRun& run, std::span<const std::shared_ptr<CodeFile>> files, uint64_t pc,
                                bool* progress) {
  // A return address is looked up one before; one page early is tried when it begins a page.
  for (const uint64_t address : {pc - 1, pc}) {
    const auto at = page_at(run, files, address);
    if (!at) continue;
    const auto loaded = shared_->files->in_slot(at->file->slot);
    if (!loaded) continue;
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->hangs(*at->file)) continue;
    }
    if (!load_page(at->file, at->page)) return false;
    *progress |= shared_->files->is_settled(*loaded, at->page);
  }
  return true;
}

}  // namespace gp::targets
