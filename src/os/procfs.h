// What /proc tells of one process, read now. Every read may find the process gone (kNotFound) or closed to us
// (kPermission); all sizes are bounded. Owner thread: any; these calls may block while the process holds its own
// memory locks, so not on a thread that must keep a schedule.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "os/proc_text.h"

namespace gp::os {

Result<ProcStat> read_stat(int32_t pid);
Result<ProcStatus> read_status(int32_t pid);
Result<ProcessKey> process_key(int32_t pid);

Result<std::string> read_comm(int32_t pid);                      // of the main thread
Result<std::string> read_thread_comm(int32_t pid, int32_t tid);  // of any thread
Result<std::string> read_executable(int32_t pid);                // path in its namespace, may end in " (deleted)"
Result<std::vector<std::string>> read_arguments(int32_t pid);    // first 64 KiB of them
Result<std::string> read_container_id(int32_t pid);              // empty outside containers

Result<std::vector<int32_t>> list_processes();           // ascending, by the pids of our own /proc
Result<std::vector<int32_t>> list_threads(int32_t pid);  // ascending

// A thread by whose id /proc shows the process' files and memory: its first one, as long as that lives (what it had is gone
// for /proc once it has ended, though other threads go on), else another; `pid` where none is found.
int32_t living_thread(int32_t pid);
// "/proc/N/root": where its root directory can be entered.
std::string root_of(int32_t pid);

enum class NamespaceKind : uint8_t { kPid, kMount, kUser };
// Inode number of a namespace: equal for processes that share it.
Result<uint64_t> namespace_id(int32_t pid, NamespaceKind kind);

// Numbers the kernel gives its first namespaces (include/linux/proc_ns.h: PROC_PID_INIT_INO, PROC_USER_INIT_INO).
inline constexpr uint64_t kInitialPidNamespace = 0xEFFFFFFC;
inline constexpr uint64_t kInitialUserNamespace = 0xEFFFFFFD;

// Reads bytes of another process' memory, also of one whose first thread has ended. Returns how many were read: fewer than asked where a page in the middle is
// not readable, an error (EFAULT) where the first is not.
Result<size_t> read_memory(int32_t pid, Pc address, std::span<uint8_t> into);

}  // namespace gp::os
