// Source lines and inlined functions by DWARF (versions 2 to 5, in the file or its separate debug file; dwz's common
// file where it is installed). Split DWARF (.dwo) gives lines without inlined functions.
//
// Work is libdw's. What it reads is kept until the object goes: memory_bytes() estimates it. Files whose debug
// information is too large are refused, so that one file cannot take the agent's memory.
//
// Owner thread: one at a time. Addresses are those of the mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "elf/image.h"
#include "elf/source_frame.h"

namespace gp::elf {

class LineInfo {
 public:
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30U;  // of all debug sections as they lie in the file
  static constexpr uint64_t kMaxDecompressedBytes = uint64_t{256} << 20U;  // of those that must be decompressed

  // `image` has the debug information itself and must outlive the result. kNotFound when it has none, kLimit when too
  // much, kMalformed when libdw refuses it.
  static Result<LineInfo> open(const Image& image);
  // The same for a separate debug file, which is kept.
  static Result<LineInfo> open(Image&& debug_file);

  LineInfo(LineInfo&&) noexcept;
  LineInfo& operator=(LineInfo&&) noexcept;
  LineInfo(const LineInfo&) = delete;
  LineInfo& operator=(const LineInfo&) = delete;
  ~LineInfo();

  // The functions at `address`, outermost first, each with the line that is being executed in it: of the call for all
  // but the last. Empty when nothing is known; the only frame has no function when just its line is known.
  std::vector<SourceFrame> lookup(Vaddr address);

  [[nodiscard]] size_t memory_bytes() const;

 private:
  struct State;
  explicit LineInfo(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace gp::elf
