// Opens the files that processes run, compiles the unwind pages samples land in, prepares runtimes and finishes
// deferred stacks. Everything that may block on a foreign file or process happens on its thread, so that a file on a
// hung filesystem costs that file its names and nobody else anything: a watchdog marks it unreadable and puts a fresh
// thread in place. Two such files on one device, and the others there wait until a read comes back; eight in all, and
// loading stops until then (Stats says so).
//
// Threads: the loader's own; post() and take_results() are for the reader, check_stuck() too.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/account.h"
#include "base/ids.h"
#include "os/unique_fd.h"
#include "targets/code_file.h"
#include "targets/kernel_processes.h"
#include "targets/process.h"
#include "walk/native_walker.h"
#include "walk/row_pool.h"
#include "walk/tables.h"

namespace gp::targets {

// Where a file can be opened: through a mapping of a live process, else by path in its mount namespace.
struct FileHint {
  int32_t pid = 0;
  uint64_t start = 0;  // the mapping's bounds, for /proc/PID/map_files
  uint64_t end = 0;
};

// A sample whose walk the kernel could not finish, with all it needs to be finished.
struct DeferredSample {
  std::vector<uint8_t> sample;  // GP_RECORD_SAMPLE
  std::vector<uint8_t> copy;    // GP_RECORD_STACK_COPY
  std::vector<uint8_t> other;   // the one of another stack; may be empty
  std::shared_ptr<const MappingRun> run;
  std::vector<std::shared_ptr<CodeFile>> files;  // of the run, kept while walking
  std::vector<gp_runtime_entry> runtimes;        // of the process
  std::shared_ptr<const Program> program;        // that it ran then: may be long past when the walk is done
  Charge charge = {};                            // of the bytes above while they wait; set by post()
};

// What the reader asks for.
struct OpenRequest {
  std::shared_ptr<CodeFile> file;
  FileHint hint;
  bool again = false;  // only look whether it has changed
};
struct PageRequest {
  std::shared_ptr<CodeFile> file;
  uint64_t page = 0;  // file offset >> GP_PAGE_SHIFT
};
struct AttachRequest {
  ProcessKey process;
  std::shared_ptr<CodeFile> file;   // with a runtime of this kind
  uint32_t kind = GP_RUNTIME_NONE;  // enum gp_runtime
  uint64_t bias = 0;
};
struct RetireRequest {
  uint32_t slot = 0;
};
// A process runs code that is in no file: its perf map, if it writes one, is to be opened while it lives.
struct PerfMapRequest {
  ProcessKey process;
};
// Memory is short, or no longer: segments of the row pool used longest ago go back to the system, half of all. Pages that
// lay there are compiled again when hit.
struct ShrinkRequest {
  bool give_back = true;
  bool refuse_growth = false;  // from now on the pool gets no more segments, it evicts instead
};
// A thread that waits off CPU: to be walked in the memory of its process as that is now.
struct LiveThread {
  ProcessKey process;
  int32_t tid = 0;
  uint64_t switches = 0;  // its count when it was looked at; comes back
  gp_registers registers{};
  uint64_t thread_pointer = 0;
  std::shared_ptr<const MappingRun> run;
  std::vector<std::shared_ptr<CodeFile>> files;  // of the run, kept while walking
  std::vector<gp_runtime_entry> runtimes;        // of the process
};
// What the runtimes of a process call threads of it.
struct ThreadNamesRequest {
  ProcessKey process;
  std::vector<gp_runtime_entry> runtimes;             // of the process
  std::vector<std::pair<int32_t, uint64_t>> threads;  // tid, thread pointer
};
using LoaderRequest = std::variant<OpenRequest, PageRequest, AttachRequest, RetireRequest, PerfMapRequest,
                                   ShrinkRequest, LiveThread, ThreadNamesRequest, DeferredSample>;

// What it gets back.
struct FileDone {
  std::shared_ptr<CodeFile> file;  // its state is set
};
struct FileChanged {
  std::shared_ptr<CodeFile> file;
  FileHint hint;
};
struct AttachDone {
  ProcessKey process;
  std::shared_ptr<CodeFile> file;
  std::optional<gp_runtime_entry> entry;  // nothing: cannot be had now
};
struct DeferredDone {
  std::vector<uint8_t> sample;
  std::vector<gp_frame> frames;  // leaf first
  gp_walk_end end = GP_END_NONE;
  bool guessed = false;
  std::shared_ptr<const Program> program;  // as in DeferredSample
};
struct PerfMapDone {
  ProcessKey process;
  int32_t namespace_pid = 0;  // 0: the process has gone
  os::UniqueFd fd;            // none: there is no map (yet)
};
struct LiveDone {
  ProcessKey process;
  int32_t tid = 0;
  uint64_t switches = 0;
  std::vector<gp_frame> frames;  // leaf first
  gp_walk_end end = GP_END_NONE;
  bool guessed = false;
  std::vector<std::vector<uint8_t>> symbols;  // GP_RECORD_SYMBOL, of code in the frames
};
struct ThreadNamesDone {
  ProcessKey process;
  std::vector<std::pair<int32_t, std::string>> names;  // by tid; of threads that still live
};
using LoaderResult =
    std::variant<FileDone, FileChanged, AttachDone, DeferredDone, PerfMapDone, LiveDone, ThreadNamesDone>;

struct LoaderOptions {
  uint64_t row_budget_bytes = 8U << 20U;
  uint64_t stuck_ns = 2'000'000'000;  // a read of a foreign file that takes longer is stuck
  size_t max_deferred = 512;          // waiting at a time; more are refused
};

struct LoaderShared;
class LoaderWorker;

class Loader {
 public:
  Loader(walk::Tables* tables, walk::SegmentSource* segments, std::span<const Runtime* const> runtimes,
         const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // False when its queue is full: deferred samples under load; anything else only once the loader hangs for good.
  bool post(LoaderRequest request);
  std::vector<LoaderResult> take_results();
  [[nodiscard]] int result_fd() const;  // readable when results wait that are not to wait long
  [[nodiscard]] bool idle() const;      // nothing queued, running or waiting to be taken
  // Replaces a thread that has been reading one foreign file for too long.
  void check_stuck(uint64_t now_ns);

  struct Stats {
    uint64_t rows_bytes = 0;       // segments of the row pool
    uint64_t rows_used_bytes = 0;  // of those
    uint64_t pages_compiled = 0;
    uint64_t evictions = 0;
    uint64_t stuck_files = 0;  // given up: reading them hung
    bool stopped = false;      // too many threads hang: nothing is loaded
  };
  [[nodiscard]] Stats stats() const;
  // Those it was made with.
  [[nodiscard]] std::span<const Runtime* const> runtimes() const;

 private:
  void start_worker();
  void give_up(const std::shared_ptr<CodeFile>& file);

  std::shared_ptr<LoaderShared> shared_;
  std::shared_ptr<LoaderWorker> worker_;  // null while loading is stopped
  std::jthread thread_;
};

}  // namespace gp::targets
