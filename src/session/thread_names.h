// What runtimes call the threads of processes that are sampled (Python's threading.Thread(name=…)), read while these live,
// for all sessions. A process is asked for when a thread of it is met that has no name yet, and now and then, as threads
// can be renamed.
//
// Owner thread: reader.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/account.h"
#include "base/ids.h"
#include "session/recording.h"
#include "targets/loader.h"

namespace gp::session {

class ThreadNames {
 public:
  static constexpr size_t kMaxThreads = 8192;           // of all processes; more have the kernel's names
  static constexpr uint64_t kNewNs = 200'000'000;       // between two questions for new threads of a process
  static constexpr uint64_t kAgainNs = 10'000'000'000;  // and for all that were met since
  static constexpr size_t kMaxNameBytes = 4 * 128;      // what a runtime may say

  ThreadNames();

  // A thread was sampled. What is to be asked now, if anything; its runtimes are for the caller to fill in.
  std::optional<targets::ThreadNamesRequest> meet(ProcessKey process, int32_t tid, uint64_t thread_pointer,
                                                  uint64_t now_ns);
  // The same, whenever it was asked last; nothing of a process that nobody met.
  [[nodiscard]] targets::ThreadNamesRequest question(ProcessKey process) const;
  void take(targets::ThreadNamesDone& done);
  // Gives the recording's threads the names that are known.
  void give_to(Recording& recording) const;
  void forget_processes(const std::function<bool(ProcessKey)>& has_ended);

 private:
  struct Thread {
    uint64_t pointer = 0;
    std::string name;  // empty: none is known
  };
  struct Process {
    uint64_t asked_ns = 0;
    bool has_new = false;
    std::unordered_map<int32_t, Thread> threads;
  };

  std::map<ProcessKey, Process> processes_;
  size_t threads_ = 0;
  size_t bytes_ = 0;
  Charge charge_;
};

}  // namespace gp::session
