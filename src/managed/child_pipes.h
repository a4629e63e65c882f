// Our ends of a child's pipes: never waited on, never more in memory than agreed.
// Owner thread: whoever drains the child.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/line_cutter.h"
#include "base/result.h"
#include "managed/captured_text.h"
#include "managed/process_counts.h"
#include "managed/process_spec.h"
#include "os/unique_fd.h"

namespace gp::managed {

// One output of a child, from its descriptor to where it is wanted.
class OutputPipe {
 public:
  // `theirs` becomes what the child is to write to.
  static Result<OutputPipe> make(Output wanted, os::UniqueFd& theirs, ProcessCounts& counts);

  [[nodiscard]] int fd() const { return fd_.get(); }  // -1: there is none, or it has ended
  // Takes what is there, a bounded amount. True: there may be more at once.
  bool drain();
  // Takes what is left, also a bounded amount, hands out a last half line, and closes.
  void finish();

  [[nodiscard]] std::string text() const { return captured_ ? captured_->text() : std::string(); }
  [[nodiscard]] uint64_t dropped_bytes() const;

 private:
  void take(std::string_view chunk);
  void close();

  os::UniqueFd fd_;
  Gauged pipe_;
  Gauged descriptor_;
  std::optional<CapturedText> captured_;
  std::unique_ptr<LineCutter> lines_;
  bool satisfied_ = false;  // the parser wants no more
  uint64_t unwanted_bytes_ = 0;
};

// What a child reads.
class InputPipe {
 public:
  static Result<InputPipe> make(Input wanted, os::UniqueFd& theirs, ProcessCounts& counts);

  [[nodiscard]] int fd() const { return fd_.get(); }  // -1: all is written, or nobody reads
  void feed();
  void close();

 private:
  os::UniqueFd fd_;
  Gauged pipe_;
  Gauged descriptor_;
  std::string text_;
  size_t written_ = 0;
};

}  // namespace gp::managed
