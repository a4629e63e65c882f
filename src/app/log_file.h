// The log in a file, as operators of the gProfiler agent know it: "[time UTC] LEVEL: logger: message", rotated by size. The
// file may be moved away, deleted or truncated under us at any time (logrotate(8), a full disk being cleared): it is
// opened anew under its name within a second. What cannot be written is dropped and counted, never waited for.
// Owner thread: any (spdlog's lock).
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::app {

struct LogFileOptions {
  std::string path = "/var/log/gprofiler/gprofiler.log";
  uint64_t max_bytes = 5'242'880;  // of one file; as --log-rotate-max-size of the agent
  uint32_t backups = 1;            // PATH.1 is the newest; 0: the file begins anew
  bool operator==(const LogFileOptions&) const = default;
};

class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Makes missing folders. Fails when the file cannot be opened now; later it goes on without one.
  static Result<std::shared_ptr<LogFile>> open(const LogFileOptions& options);

  [[nodiscard]] uint64_t dropped();  // lines that could not be written
  [[nodiscard]] uint64_t reopened();

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  explicit LogFile(LogFileOptions options);
  Result<void> reopen();
  void follow_name(uint64_t now_ns);
  void rotate();
  void write(std::string_view line);

  LogFileOptions options_;
  os::UniqueFd fd_;
  uint64_t bytes_ = 0;
  uint64_t looked_ns_ = 0;  // when the name was last compared with the open file
  uint64_t dropped_ = 0;
  uint64_t dropped_before_ = 0;  // of those, told in the log already
  uint64_t reopened_ = 0;
};

}  // namespace gp::app
