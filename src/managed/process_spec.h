// What is to be run and what came of it. Owner thread: none (values).
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "managed/captured_text.h"

namespace gp::managed {

inline constexpr size_t kOutputBytes = 64U << 10U;  // that a pipe may cost

// Where a child's output goes, or its input comes from.
struct ToNull {};
struct ToFile {
  std::string path;  // made or emptied; only its owner may read it
};
struct ToMemory {
  Keep keep = Keep::kNewest;
  size_t max_bytes = kOutputBytes;
};
struct ToParser {
  // Gets each line without its newline, on the thread that drains; false: no more are wanted, the rest is counted as
  // dropped. Lines above kOutputBytes are dropped and counted.
  std::function<bool(std::string_view)> line;
};
using Output = std::variant<ToNull, ToFile, ToMemory, ToParser>;

struct FromNull {};
struct FromFile {
  std::string path;
};
struct FromText {
  std::string text;  // through a pipe, which is closed behind it
};
using Input = std::variant<FromNull, FromFile, FromText>;

struct ProcessSpec {
  std::string name;                      // for people: "py-spy"
  std::vector<std::string> arguments;    // the program first
  std::vector<std::string> environment;  // "NAME=value", all of it
  Input input = FromNull{};
  Output output = ToMemory{};
  Output errors = ToMemory{.keep = Keep::kNewest, .max_bytes = 4096};
  std::string mount_namespace;  // a file such as /proc/PID/ns/mnt; empty: ours
  std::string pid_namespace;    // a descendant of ours; empty: ours
  std::vector<std::pair<int, rlimit>> limits;
  int nice = 0;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  // Between SIGTERM and SIGKILL.
  std::chrono::milliseconds patience{5000};
};

enum class Ending : uint8_t {
  kExited,
  kSignalled,    // by somebody else, or by its own fault
  kOutOfMemory,  // SIGKILL by the kernel's OOM killer
  kTimedOut,     // its deadline passed, we ended it
  kCancelled,    // we ended it
  kStuck,        // it has not ended even after SIGKILL; nothing of it is held any more but its own entry
};

struct ProcessResult {
  std::string name;
  Ending ending = Ending::kExited;
  int exit_code = 0;  // as a shell tells it: 128 + signal for one that was killed
  int signal = 0;
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds cpu{0};  // its own and that of children it waited for
  // Only where it is above what we had when we forked: the kernel counts that in as well.
  std::optional<uint64_t> peak_rss_bytes;
  std::string output;  // with ToMemory
  std::string errors;
  uint64_t dropped_output_bytes = 0;
  uint64_t dropped_error_bytes = 0;
  bool had_descendants = false;  // something was left in its group and was killed

  [[nodiscard]] bool ok() const { return ending == Ending::kExited && exit_code == 0; }
  // Which program and what happened, in one line: "py-spy: exit code 1: Error: no such process".
  [[nodiscard]] std::string describe() const;
};

}  // namespace gp::managed
