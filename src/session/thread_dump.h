// The stacks of all threads of a process at one moment, whether they run or wait. Owner thread: control.
//
// Threads that wait are walked in the memory of their process, from the registers they wait with, by the loader; one that
// has run meanwhile (its count of switches tells) is walked again. Threads that run are sampled for a moment. The process
// is never stopped.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "session/reader.h"
#include "session/session_state.h"

namespace gp::session {

struct DumpOptions {
  int32_t pid = 0;
  bool inlines = false;
  bool python_versions = true;
};

struct ThreadDump {
  struct Thread {
    int32_t tid = 0;
    std::string name;
    char state = '?';  // as in /proc/PID/stat
    enum class Source : uint8_t {
      kNone,     // it ran and was not caught
      kWaiting,  // walked where it waits
      kMoved,    // the same, but it ran while it was walked: frames may be of different moments
      kSampled,  // while it ran on a CPU
    } source = Source::kNone;
    std::vector<profile::Function> frames;  // leaf first; what the walker has to say comes among them as markers
  };
  ProcessDescription process;
  std::vector<Thread> threads;  // by tid
};

// One dump in progress. Makes two profiles: of samples, by a session that ticks, and of walks.
class ThreadDumper {
 public:
  ThreadDumper(Reader& reader, int32_t pid);
  ~ThreadDumper();
  ThreadDumper(const ThreadDumper&) = delete;
  ThreadDumper& operator=(const ThreadDumper&) = delete;

  [[nodiscard]] std::shared_ptr<ProfileSink> sampled_sink() const;
  [[nodiscard]] std::shared_ptr<ProfileSink> walked_sink() const;
  // Looks at the threads until all are caught, or nearly a second has passed; hands their stacks to `walked`, to be named.
  Result<void> gather(const std::shared_ptr<SessionState>& walked);
  // Once both profiles are there.
  ThreadDump finish();

 private:
  class Keep;
  struct Round;

  Result<void> round(Round& now);

  Reader& reader_;
  int32_t pid_;
  std::shared_ptr<Keep> sampled_;
  std::shared_ptr<Keep> walked_;
  ThreadDump dump_;
};

}  // namespace gp::session
