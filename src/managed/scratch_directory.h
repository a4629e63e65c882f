// A directory of our own for a tool's files, gone with all that is in it when its owner goes. Owner thread: any.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace gp::managed {

class ScratchDirectory {
 public:
  static Result<ScratchDirectory> make();  // below TMPDIR or /tmp; only we may enter it
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace gp::managed
