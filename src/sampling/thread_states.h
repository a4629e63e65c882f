// Where the threads of one process are at this moment: of each that is off CPU the user registers it waits with and its
// kernel stack, by an iterator in the kernel (bpf/threads.bpf.c; Linux 5.15: bpf_task_pt_regs). Nothing is stopped.
// Owner thread: whoever made it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "bpf/abi/threads.h"

struct threads_bpf;  // skeleton made by bpftool  NOLINT(readability-identifier-naming): its name

namespace gp::sampling {

class ThreadStates {
 public:
  static Result<std::unique_ptr<ThreadStates>> load(int32_t pid);
  ~ThreadStates();
  ThreadStates(const ThreadStates&) = delete;
  ThreadStates& operator=(const ThreadStates&) = delete;

  // All threads, as they are now; none when the process has gone.
  [[nodiscard]] Result<std::vector<gp_thread_state>> read() const;

 private:
  ThreadStates() = default;

  threads_bpf* skeleton_ = nullptr;
};

}  // namespace gp::sampling
