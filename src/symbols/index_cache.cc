#include "symbols/index_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "os/unique_fd.h"

namespace gp::symbols {
namespace {

constexpr size_t kMaxFilesSeen = 100'000;
constexpr auto kStaleAfter = std::chrono::hours(1);  // a temporary file this old has lost its writer
constexpr std::string_view kSuffix = ".symbols";
constexpr std::string_view kTemporarySuffix = ".new";

}  // namespace

IndexCache::IndexCache(std::string directory, uint64_t max_bytes)
    : directory_(std::move(directory)), max_bytes_(max_bytes) {
  if (auto ready = prepare(); !ready) error_ = std::move(ready).error();
}

Result<void> IndexCache::prepare() {
  if (directory_.empty()) return fail(ErrorCode::kUsage, "no directory for symbol indexes was given");
  std::error_code code;
  if (std::filesystem::create_directories(directory_, code)) ::chmod(directory_.c_str(), 0755);
  if (code) return fail_errno("make " + directory_, code.value());
  struct stat status{};
  if (::stat(directory_.c_str(), &status) != 0) return fail_errno("stat " + directory_);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!ours || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorCode::kPermission, directory_ + " may be written by others: symbol indexes stay in memory");
  if (::access(directory_.c_str(), W_OK | X_OK) != 0) return fail_errno("write to " + directory_);
  return {};
}

std::string IndexCache::path_of(const IndexIdentity& identity) const {
  return fmt::format("{}/{:016x}{:016x}{}", directory_, identity.file.high, identity.file.low, kSuffix);
}

std::optional<SymbolIndex> IndexCache::find(const IndexIdentity& identity) {
  if (error_) return std::nullopt;
  const std::string path = path_of(identity);
  const auto fd = os::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return std::nullopt;
  auto index = SymbolIndex::from_file(fd->get(), identity);
  if (!index) {
    if (index.error().code() == ErrorCode::kMalformed) ++counts_.damaged;
    ::unlink(path.c_str());
    return std::nullopt;
  }
  ++counts_.hits;
  ::futimens(fd->get(), nullptr);  // used now: removed last
  return std::move(*index);
}

Result<SymbolIndex> IndexCache::make(const IndexIdentity& identity, const IndexSources& sources) {
  const auto write = [&](IndexSink& sink) { return write_index(sources, identity, sink); };
  if (auto index = make_file(identity, write)) return index;
  return make_in_memory(identity, sources);
}

Result<SymbolIndex> IndexCache::make_file(const IndexIdentity& identity, const Write& write) {
  if (error_) return std::unexpected(*error_);
  const std::string path = path_of(identity);
  const std::string temporary = fmt::format("{}.{}{}", path, ::getpid(), kTemporarySuffix);
  GP_ASSIGN(const os::UniqueFd fd, os::open_file(temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
  FileSink sink(fd.get(), max_bytes_);
  auto written = write(sink);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = fail_errno("rename " + temporary);
  if (!written) {
    ::unlink(temporary.c_str());
    return std::unexpected(std::move(written).error());
  }
  ++counts_.made;
  struct stat status{};
  if (::fstat(fd.get(), &status) == 0) keep_within_budget(static_cast<uint64_t>(status.st_size));
  return SymbolIndex::from_file(fd.get(), identity);
}

void IndexCache::keep_within_budget(uint64_t added_bytes) {
  if (total_bytes_) *total_bytes_ += added_bytes;
  if (!total_bytes_ || *total_bytes_ > max_bytes_) total_bytes_ = evict();
}

Result<SymbolIndex> IndexCache::make_in_memory(const IndexIdentity& identity, const IndexSources& sources) {
  MemorySink sink(kMaxMemoryIndexBytes);
  GP_TRY(write_index(sources, identity, sink));
  ++counts_.in_memory;
  return SymbolIndex::from_memory(sink.take(), identity);
}

// Returns the bytes that stay.
uint64_t IndexCache::evict() {
  struct File {
    std::filesystem::file_time_type used;
    uint64_t bytes;
    std::filesystem::path path;
  };
  std::vector<File> files;
  uint64_t total = 0;
  std::error_code code;
  const auto now = std::filesystem::file_time_type::clock::now();
  for (std::filesystem::directory_iterator it(directory_, code), end; !code && it != end; it.increment(code)) {
    const std::string name = it->path().filename();
    const bool temporary = name.ends_with(kTemporarySuffix);
    if (files.size() >= kMaxFilesSeen || (!temporary && !name.ends_with(kSuffix))) continue;
    std::error_code gone;
    const File file{it->last_write_time(gone), it->file_size(gone), it->path()};
    if (gone) continue;
    if (temporary && now - file.used > kStaleAfter) std::filesystem::remove(file.path, gone);
    if (temporary) continue;
    total += file.bytes;
    files.push_back(file);
  }
  if (total <= max_bytes_) return total;
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (total <= max_bytes_ - max_bytes_ / 8) break;  // some room, so that not every new file evicts
    std::filesystem::remove(file.path, code);
    total -= file.bytes;
    ++counts_.evicted;
  }
  return total;
}

}  // namespace gp::symbols
