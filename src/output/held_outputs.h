// Outputs that wait to be written or sent: compressed as they are made, bounded as a whole. Over the bound the oldest goes,
// and is counted: a server that is down for an hour costs the hour's oldest profiles, not the host's memory.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/account.h"
#include "base/result.h"
#include "output/sink.h"

// Of zstd.h.
struct ZSTD_CCtx_s;  // NOLINT(readability-identifier-naming): its name

namespace gp::output {

// One output under way. Owner thread: whoever writes it.
class CompressedOutput {
 public:
  [[nodiscard]] const std::string& name() const { return name_; }  // what it is, for its reader
  [[nodiscard]] size_t bytes() const { return data_.capacity(); }
  [[nodiscard]] uint64_t plain_bytes() const { return plain_bytes_; }
  // Hands the plain bytes to `sink` in pieces. kMalformed: never, but for broken memory.
  Result<void> expand(Sink& sink) const;

 private:
  friend class CompressingSink;
  std::string name_;
  std::string data_;  // one zstd frame (RFC 8878) with a checksum
  uint64_t plain_bytes_ = 0;
  Charge charge_{account("outputs held")};
};

// Compresses what is appended, as it comes.
class CompressingSink final : public Sink {
 public:
  explicit CompressingSink(std::string name);
  ~CompressingSink() override;
  void append(std::string_view bytes) override;
  Result<CompressedOutput> finish();  // once only

 private:
  void feed(std::string_view bytes, bool last);

  std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> context_;
  CompressedOutput output_;
  bool failed_ = false;
};

// First in, first out. Any thread.
class HeldOutputs {
 public:
  explicit HeldOutputs(size_t max_bytes) : max_bytes_(max_bytes) {}

  void push(CompressedOutput output);
  std::optional<CompressedOutput> take();
  // Back in front: it could not be sent, and is older than all others.
  void put_back(CompressedOutput output);

  [[nodiscard]] size_t count() const;
  [[nodiscard]] size_t bytes() const;
  [[nodiscard]] uint64_t dropped() const;  // outputs that had to go

 private:
  void keep_within_bound();

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  std::deque<CompressedOutput> outputs_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace gp::output
