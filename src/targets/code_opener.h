// Opens a file that processes run code from and looks at what it is: image, unwind source, runtimes. Touches foreign
// bytes, so that each call may hang for ever. Owner thread: a loader thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "elf/unwind_source.h"
#include "targets/loader.h"

namespace gp::targets {

struct OpenedCode {
  CodeFile::State state = CodeFile::State::kUnreadable;
  FileChange change;
  std::shared_ptr<const elf::Image> image;
  std::unique_ptr<elf::UnwindSource> source;
  std::vector<RuntimeFile> runtimes;
};

OpenedCode open_code(const CodeFile& file, const FileHint& hint, std::span<const Runtime* const> runtimes);

// Whether the file behind a known one's key and place has other contents now.
bool has_changed(const CodeFile& file, const FileHint& hint);

}  // namespace gp::targets
