#include "output/compressed_output.h"

#include <zstd.h>

#include <array>

namespace gp::output {
namespace {

constexpr int kLevel = 3;
constexpr size_t kPiece = size_t{64} * 1024;

}  // namespace

Result<void> CompressedOutput::expand(Sink& sink) const {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (!context) return fail(ErrorCode::kLimit, "no memory to expand " + name_);
  ZSTD_inBuffer in{.src = data_.data(), .size = data_.size(), .pos = 0};
  std::array<char, kPiece> piece{};
  while (true) {
    ZSTD_outBuffer out{.dst = piece.data(), .size = piece.size(), .pos = 0};
    const size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0U || (left != 0 && out.pos == 0 && in.pos == in.size)) {
      return fail(ErrorCode::kMalformed, fmt::format("{}: held bytes are broken", name_));
    }
    sink.append({piece.data(), out.pos});
    if (left == 0) return {};
  }
}

CompressingSink::CompressingSink(std::string name) : context_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {
  output_.name_ = std::move(name);
  failed_ = !context_;
  if (failed_) return;
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

CompressingSink::~CompressingSink() = default;

void CompressingSink::append(std::string_view bytes) { feed(bytes, false); }

void CompressingSink::feed(std::string_view bytes, bool last) {
  if (failed_) return;
  output_.plain_bytes_ += bytes.size();
  ZSTD_inBuffer in{.src = bytes.data(), .size = bytes.size(), .pos = 0};
  std::array<char, kPiece> piece{};
  size_t left = 1;
  while (last ? left != 0 : in.pos < in.size) {
    ZSTD_outBuffer out{.dst = piece.data(), .size = piece.size(), .pos = 0};
    left = ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0U) {
      failed_ = true;
      return;
    }
    output_.data_.append(piece.data(), out.pos);
  }
  output_.charge_.set(output_.data_.capacity());
}

Result<CompressedOutput> CompressingSink::finish() {
  feed({}, true);
  if (failed_) return fail(ErrorCode::kLimit, "no memory to hold " + output_.name_);
  output_.data_.shrink_to_fit();
  output_.charge_.set(output_.data_.capacity());
  return std::move(output_);
}

}  // namespace gp::output
