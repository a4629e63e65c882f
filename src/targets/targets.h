// The processes of the host: who they are, what they map, what of it the walker knows. Fed by sideband events in the
// order of their times and by scans of /proc; keeps the walker's tables true. Owner thread: reader.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/account.h"
#include "os/perf_record.h"
#include "os/proc_maps.h"
#include "targets/file_table.h"
#include "targets/filter.h"
#include "targets/kernel_processes.h"
#include "targets/loader.h"
#include "targets/process.h"

namespace gp::targets {

class Targets {
 public:
  Targets(walk::Tables* tables, Loader* loader);

  // Reads /proc once: every process that runs now. To be called when the sideband is open already, before its first
  // event is applied.
  void scan_all();
  // From now on the session in this slot (a bit of Process::sessions) samples what its filter asks for.
  void add_session(uint32_t slot, Filter filter);
  void remove_session(uint32_t slot);
  void apply(const os::SidebandEvent& event);
  // Shows the walker what the last events changed.
  void publish();
  void publish_due(uint64_t now_ns);
  // Takes what the loader has found out of a file or runtime.
  void take(const FileDone& done);
  void take(const FileChanged& changed);
  void take(AttachDone& done);

  // The process a sample was taken in. A start time within two ticks is the same process: a fork's time is known to
  // the sideband a little later than to the kernel. Null: not known.
  Process* find(ProcessKey key);
  // Which sessions ask for samples of this process; of one that is not known those that name it.
  [[nodiscard]] uint32_t sessions_of(ProcessKey key);
  // The process of a sample that met `pc` at a time and found no mapping of it. Where we know of none either its maps
  // are read again, at most once in 20 ms and for a twentieth of the time. Null: it has gone.
  Process* look_again(ProcessKey key, uint64_t pc, uint64_t time_ns);
  // An interpreter of this process was met unprepared: try once more to attach.
  void retry_attach(Process& process, uint64_t now_ns);
  // The files of a run, held so that their slots stay theirs.
  [[nodiscard]] std::vector<std::shared_ptr<CodeFile>> files_of(const MappingRun& run) const;
  // What the walker is told of the process' runtimes.
  [[nodiscard]] std::vector<gp_runtime_entry> entries_of(const Process& process) const;
  [[nodiscard]] const std::shared_ptr<CodeFile>& file_in_slot(uint32_t slot) const { return files_.in_slot(slot); }
  // Forgets ended processes and unused files, reads /proc where events were lost. To be called after every record written before has been read.
  void collect();

  [[nodiscard]] size_t process_count() const { return processes_.size(); }
  [[nodiscard]] const std::unordered_map<int32_t, std::unique_ptr<Process>>& processes() const { return processes_; }
  // Processes, mappings or runtimes the walker's tables had no room for; their samples are deferred.
  [[nodiscard]] uint64_t no_room() const {
    return kernel_.no_room() + files_.refused() + mappings_dropped_ + entries_refused_;
  }

 private:
  void on_mmap(const os::MmapEvent& event, uint64_t time_ns);
  void on_comm(const os::CommEvent& event, uint64_t time_ns);
  void on_fork(const os::ForkEvent& event, uint64_t time_ns);
  void on_exit(const os::ExitEvent& event);

  Process* add(ProcessKey key, int32_t parent_pid, std::shared_ptr<Program> program);
  Process* discover(int32_t pid);
  void scan_after_loss();
  void check(int32_t pid);
  bool read_maps(Process& process);
  void begin_program(Process& process, std::string_view comm, uint64_t time_ns);
  void mark_dirty(Process& process);
  std::shared_ptr<CodeFile> file_for(const FileKey& key, std::string_view path, const FileHint& hint);
  void attach(Process& process);
  [[nodiscard]] std::optional<gp_runtime_entry> entry_of_new(const CodeFile& file, const RuntimeFile& runtime,
                                                             uint64_t bias) const;
  bool take_entry(Process& process, const CodeFile& file, const gp_runtime_entry& entry);
  bool give_entry(Process& process, const gp_runtime_entry& entry);
  void release_entries(Process& process);
  void store(Process& process);
  static bool is_due(const Process& process, uint64_t now_ns);
  static std::vector<gp_mapping> walkers_view(const Process& process);
  void publish(Process& process);
  void drop(int32_t pid);
  [[nodiscard]] uint32_t wanted_by(int32_t pid, int32_t parent_pid) const;
  void spread_to_children(uint32_t slot);

  walk::Tables* tables_;
  Loader* loader_;
  std::map<uint32_t, Filter> filters_;  // by session slot
  KernelProcesses kernel_;
  FileTable files_;
  std::unordered_map<int32_t, std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Process>> replaced_;  // their pid was reused; until the next collect()
  std::vector<int32_t> exiting_;
  std::vector<ProcessKey>
      gone_;  // until the next collect(): samples of their last moments come after their end is seen
  std::vector<int32_t> dirty_;
  bool events_lost_ = false;
  uint64_t resync_due_ns_ = 0;
  uint64_t mappings_dropped_ = 0;       // beyond GP_MAPPINGS_PER_PROCESS
  std::vector<uint16_t> free_entries_;  // of the walker's table of runtimes: 1 + index
  uint64_t entries_refused_ = 0;
  std::unordered_map<uint32_t, uint64_t> looked_ns_;  // by file slot: when a known file was last checked for change
  Charge charge_{account("processes and mappings")};  // brought up to date by collect()
};

}  // namespace gp::targets
