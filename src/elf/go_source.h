// Rules for Go functions from Go's own tables (amd64).
//
// Go code keeps a frame pointer: a function that takes stack pushes rbp right below its return address. Nothing else
// survives a call. A few functions move between the goroutine's stack and the thread's (g0): they keep rbp, so the
// walk crosses there by rbp (runtime/asm_amd64.s, runtime/sys_linux_amd64.s, runtime/time_linux_amd64.s).
#pragma once

#include <optional>

#include "elf/go_pclntab.h"
#include "elf/rule_source.h"

namespace gp::elf {

// The image must outlive it.
class GoSource final : public RuleSource {
 public:
  static std::optional<GoSource> from_image(const Image& image);

  void start_page() override;
  void seek(Vaddr address) override;
  std::optional<CodeSpan> next(Vaddr from, Vaddr limit) override;
  void emit(Vaddr begin, Vaddr end, PageRows& rows) override;
  [[nodiscard]] size_t owned_bytes() const override { return sizeof(*this); }

 private:
  GoSource(const Image& image, const GoPclntab& table) : image_(&image), table_(table) {}
  [[nodiscard]] std::optional<Vaddr> rbp_saved_from();
  [[nodiscard]] gp_rule popped_rule(const GoPcValues::Step& step) const;
  void emit_steps(Vaddr begin, Vaddr end, bool crosses_stacks, PageRows& rows);
  void emit_morestack(Vaddr begin, Vaddr end, PageRows& rows);

  const Image* image_;
  GoPclntab table_;
  size_t cursor_ = 0;
  GoFunction function_;  // what next() gave last
  uint64_t budget_ = 0;  // steps left for this page
};

}  // namespace gp::elf
