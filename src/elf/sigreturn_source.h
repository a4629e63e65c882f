// Signal trampolines without unwind information, known by their bytes: musl's __restore_rt (src/signal/x86_64/restore.s)
// and Go's runtime.sigreturn__sigaction (runtime/sys_linux_amd64.s). Both are `mov $15, %rax; syscall`.
#pragma once

#include <optional>

#include "elf/image.h"
#include "elf/rule_source.h"

namespace gp::elf {

// Searches the code of the page at hand, so a big static binary is never scanned as a whole.
// The image must outlive it.
class SigreturnSource final : public RuleSource {
 public:
  explicit SigreturnSource(const Image& image) : image_(&image) {}

  // The C library may be in this file: static programs and musl itself, which needs no other file (nor has it a name
  // everywhere).
  static bool may_be_needed(const Image& image);

  void start_page() override {}
  void seek(Vaddr) override {}
  std::optional<CodeSpan> next(Vaddr from, Vaddr limit) override;
  void emit(Vaddr begin, Vaddr end, PageRows& rows) override;
  [[nodiscard]] size_t owned_bytes() const override { return sizeof(*this); }

 private:
  const Image* image_;
};

}  // namespace gp::elf
