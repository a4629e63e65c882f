#include "app/log_file.h"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/clock.h"

namespace gp::app {
namespace {

constexpr uint64_t kLookIntervalNs = 1'000'000'000;

// WARNING rather than warning: what log searches of the agent expect.
class UpperLevel final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    for (const char c : spdlog::level::to_string_view(message.level)) {
      out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<UpperLevel>(); }
};

}  // namespace

LogFile::LogFile(LogFileOptions options) : options_(std::move(options)) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<UpperLevel>('*').set_pattern("[%Y-%m-%d %H:%M:%S,%e UTC] %*: %n: %v");
  base_sink::set_formatter_(std::move(formatter));
}

Result<std::shared_ptr<LogFile>> LogFile::open(const LogFileOptions& options) {
  std::shared_ptr<LogFile> file(new LogFile(options));
  GP_TRY(file->reopen());
  file->reopened_ = 0;
  return file;
}

Result<void> LogFile::reopen() {
  std::error_code ignored;  // opening says it better
  std::filesystem::create_directories(std::filesystem::path(options_.path).parent_path(), ignored);
  // Not through a link: the folder may be writable by others.
  auto fd = os::open_file(options_.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0640);
  if (!fd) return std::unexpected(std::move(fd).error());
  struct stat info{};
  if (::fstat(fd->get(), &info) != 0) return fail_errno("look at " + options_.path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kUnsupported, options_.path + " is not a regular file");
  fd_ = std::move(*fd);
  bytes_ = static_cast<uint64_t>(info.st_size);
  ++reopened_;
  return {};
}

void LogFile::follow_name(uint64_t now_ns) {
  if (now_ns - looked_ns_ < kLookIntervalNs && fd_) return;
  looked_ns_ = now_ns;
  struct stat named{};
  struct stat held{};
  const bool same = fd_ && ::stat(options_.path.c_str(), &named) == 0 && ::fstat(fd_.get(), &held) == 0 &&
                    named.st_dev == held.st_dev && named.st_ino == held.st_ino;
  if (same) {
    bytes_ = static_cast<uint64_t>(held.st_size);  // less after a truncation
  } else if (!reopen()) {
    fd_.reset();
  }
}

void LogFile::rotate() {
  for (uint32_t i = options_.backups; i > 0; --i) {
    const std::string from = i == 1 ? options_.path : fmt::format("{}.{}", options_.path, i - 1);
    static_cast<void>(std::rename(from.c_str(), fmt::format("{}.{}", options_.path, i).c_str()));
  }
  if (options_.backups == 0) static_cast<void>(::unlink(options_.path.c_str()));
  if (!reopen()) fd_.reset();
}

void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  follow_name(monotonic_ns());
  spdlog::memory_buf_t line;
  base_sink::formatter_->format(message, line);
  if (bytes_ > 0 && bytes_ + line.size() > options_.max_bytes) rotate();
  if (dropped_ > dropped_before_) {
    write(fmt::format("{} lines of log could not be written before this one\n", dropped_ - dropped_before_));
    dropped_before_ = dropped_;
  }
  write({line.data(), line.size()});
}

void LogFile::write(std::string_view line) {
  if (fd_ && os::write_all(fd_.get(), line, options_.path)) {
    bytes_ += line.size();
  } else {
    ++dropped_;
  }
}

uint64_t LogFile::dropped() {
  const std::lock_guard lock(base_sink::mutex_);
  return dropped_;
}
uint64_t LogFile::reopened() {
  const std::lock_guard lock(base_sink::mutex_);
  return reopened_;
}

}  // namespace gp::app
