// The files of a session (output.h: prepare_directory, write_files).
//
// Every format goes to a hidden temporary file in the directory first; only when all are complete do they get their
// names, by a rename that refuses to replace. Data is not synced: it is the next minute's profile that replaces one
// lost in a power cut, and a sync would stall on a busy disk of the host we are to leave alone.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/account.h"
#include "os/unique_fd.h"
#include "output/output.h"
#include "output/text.h"

namespace gp::output {

namespace {

constexpr int kMaxSameSecond = 1000;  // sessions that end in one second, in one directory

std::string join(const std::string& directory, std::string_view name) {
  return fmt::format("{}{}{}", directory, directory.ends_with('/') ? "" : "/", name);
}

// What the operator can do about it, as the end of a one-line error.
std::string_view advice(int saved_errno) {
  switch (saved_errno) {
    case ENOSPC:
    case EDQUOT: return "; free some space or choose another output directory";
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR: return "; choose an output directory that can be written to";
    default: return "";
  }
}

std::unexpected<Error> cannot(std::string_view doing, const std::string& path, int saved_errno) {
  const Error error = Error::system(fmt::format("cannot {} {}", doing, path), saved_errno);
  return std::unexpected(Error(error.code(), fmt::format("{}{}", error.message(), advice(saved_errno)), saved_errno));
}

// A file under a hidden name until it is published; gone with its owner if it never is.
class PendingFile : public Sink {
 public:
  static Result<std::unique_ptr<PendingFile>> create(const std::string& directory, std::string_view extension) {
    for (int i = 0; i < kMaxSameSecond; ++i) {
      std::string path = join(directory, fmt::format(".gprofiler-{}-{}{}.tmp", getpid(), i, extension));
      auto fd = os::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
      if (fd) return std::make_unique<PendingFile>(std::move(*fd), std::move(path));
      const int saved_errno = fd.error().system_errno();
      if (saved_errno != EEXIST) return cannot("create a file in", directory, saved_errno);
    }
    return fail(ErrorCode::kLimit, fmt::format("too many unfinished files .gprofiler-*.tmp in {}", directory));
  }

  PendingFile(os::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  PendingFile(PendingFile&&) = delete;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile() override {
    if (published_.empty()) unlink(path_.c_str());
  }

  void append(std::string_view bytes) override {
    buffer_ += bytes;
    if (buffer_.size() >= kBufferBytes) flush();
  }

  // All is with the kernel, or why not. Some file systems tell of a full disk only at close(2).
  Result<void> finish() {
    flush();
    if (close(fd_.release()) != 0 && error_ == 0) error_ = errno;
    if (error_ != 0) return cannot("write", path_, error_);
    return {};
  }

  // Gives the file its name, which must be free: false when it is not.
  Result<bool> publish(const std::string& path) {
    if (!rename_to_free_name(path)) {
      if (errno == EEXIST) return false;
      return cannot("create", path, errno);
    }
    published_ = path;
    return true;
  }
  // Takes the name away again.
  void withdraw() {
    if (!published_.empty() && rename(published_.c_str(), path_.c_str()) == 0) published_.clear();
  }

 private:
  static constexpr size_t kBufferBytes = size_t{64} * 1024;

  void flush() {
    if (error_ == 0) {
      if (const auto written = os::write_all(fd_.get(), buffer_, path_); !written) {
        error_ = written.error().system_errno();
      }
    }
    buffer_.clear();
  }

  // renameat2(2) that refuses to replace; file systems without it (NFS) have link(2), which refuses as well.
  [[nodiscard]] bool rename_to_free_name(const std::string& path) const {
    if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    return link(path_.c_str(), path.c_str()) == 0 && unlink(path_.c_str()) == 0;
  }

  os::UniqueFd fd_;
  std::string path_;
  std::string published_;
  std::string buffer_;
  Charge charge_{account(kBuffersAccount), kBufferBytes};
  int error_ = 0;  // errno of the first write that failed
};

struct Pending {
  Format format;
  std::unique_ptr<PendingFile> file;
};

// Gives all files the same free stem, or none of them a name.
Result<WrittenFiles> publish(const std::string& directory, const std::string& end, std::vector<Pending>& pending) {
  const auto attempt = [&](const std::string& stem) -> Result<WrittenFiles> {
    WrittenFiles written;
    for (const auto& [format, file] : pending) {
      std::string path = join(directory, fmt::format("{}{}", stem, format_extension(format)));
      GP_ASSIGN(const bool named, file->publish(path));
      if (!named) return WrittenFiles();
      written.files.push_back({format, std::move(path)});
    }
    return written;
  };
  for (int i = 1; i <= kMaxSameSecond; ++i) {
    auto written = attempt(i == 1 ? fmt::format("profile_{}", end) : fmt::format("profile_{}-{}", end, i));
    if (written && written->files.size() == pending.size()) return written;
    for (const auto& [format, file] : pending) file->withdraw();
    if (!written) return written;
  }
  return fail(ErrorCode::kLimit, fmt::format("too many profiles named {} in {}", end, directory));
}

// What a link of ours points at, if that is a profile beside it.
std::string linked_profile(const std::string& directory, std::string_view name) {
  const auto target = os::read_link(join(directory, name));
  const bool ours = target && target->starts_with("profile_") && target->find('/') == std::string::npos;
  return ours ? *target : "";
}

// Makes directory/name a symbolic link to `target` in the same directory, in one step for whoever looks.
Result<void> point_link(const std::string& directory, std::string_view name, const std::string& target) {
  const std::string path = join(directory, name);
  const std::string pending = join(directory, fmt::format(".{}-{}.tmp", name, getpid()));
  unlink(pending.c_str());  // of an earlier process with our pid
  if (symlink(target.c_str(), pending.c_str()) != 0) return cannot("create", pending, errno);
  if (rename(pending.c_str(), path.c_str()) != 0) {
    const int saved_errno = errno;
    unlink(pending.c_str());
    return cannot("replace", path, saved_errno);
  }
  return {};
}

}  // namespace

Result<void> prepare_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return cannot("create the directory", directory, error.value());
  GP_TRY(PendingFile::create(directory, ""));
  return {};
}

Result<WrittenFiles> name_files(const std::string& directory, int64_t end_unix_ns, std::span<const Format> formats,
                                const FileContent& content) {
  GP_TRY(prepare_directory(directory));
  std::vector<Pending> pending;
  for (const Format format : formats) {
    GP_ASSIGN(auto file, PendingFile::create(directory, format_extension(format)));
    GP_TRY(content(format, *file));
    GP_TRY(file->finish());
    pending.push_back({format, std::move(file)});
  }
  return publish(directory, iso_seconds(end_unix_ns), pending);
}

Result<void> link_files(const std::string& directory, const WrittenFiles& written, Retention retention) {
  for (const auto& file : written.files) {
    const std::string name = std::filesystem::path(file.path).filename();
    const std::string before = linked_profile(directory, format_link(file.format));
    if (auto linked = point_link(directory, format_link(file.format), name); !linked) {
      return std::unexpected(std::move(linked).error().context(fmt::format("{} is written, but", file.path)));
    }
    if (retention == Retention::kNewest && !before.empty() && before != name) unlink(join(directory, before).c_str());
  }
  return {};
}

Result<WrittenFiles> write_files(const std::string& directory, const profile::Profile& profile,
                                 std::span<const Format> formats, Retention retention) {
  const auto content = [&profile](Format format, Sink& sink) -> Result<void> {
    write(format, profile, sink);
    return {};
  };
  GP_ASSIGN(auto written, name_files(directory, profile.end_unix_ns, formats, content));
  GP_TRY(link_files(directory, written, retention));
  return written;
}

}  // namespace gp::output
