// One format of a profile that waits: zstd-compressed as it is made. Owner thread: whoever has it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/account.h"
#include "base/result.h"
#include "output/sink.h"

// Of zstd.h.
struct ZSTD_CCtx_s;  // NOLINT(readability-identifier-naming): its name

namespace gp::output {

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

}  // namespace gp::output
