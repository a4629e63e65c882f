// A deferred sample as the native walker takes it, and what lies behind an address of its process.
// Owner thread: the loader's.
#pragma once

#include <optional>

#include "targets/loader.h"
#include "walk/native_walker.h"

namespace gp::targets {

// The parts of a deferred sample; views into its bytes.
struct DeferredWalk {
  explicit DeferredWalk(const DeferredSample& request);

  // What the sample becomes, given where its walk ended.
  [[nodiscard]] DeferredDone done(const walk::WalkedStack& walked, DeferredSample request) const;

  gp_sample sample{};
  gp_stack_copy copy{};
  walk::DeferredStack stack;
};

struct FilePage {
  std::shared_ptr<CodeFile> file;
  uint64_t page = 0;
};
// The page of the file that is mapped at an address of the process; `files`: those of the run.
std::optional<FilePage> page_at(const MappingRun& run, std::span<const std::shared_ptr<CodeFile>> files,
                                uint64_t address);

}  // namespace gp::targets
