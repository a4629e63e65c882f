// Functions in which a stack ends although their tables tell a caller. greenlet (gevent, eventlet) runs its coroutines on
// the thread's own stack: below UserGreenlet::inner_bootstrap(), which never returns (src/greenlet/TUserGreenlet.cpp from
// 2.0 on), lies what other coroutines have put there since. Owner thread: one at a time.
#pragma once

#include <optional>

#include "elf/image.h"
#include "elf/rule_source.h"

namespace gp::elf {

class RootSource final : public RuleSource {
 public:
  // Nothing for files without such a function. Reads the names of .dynsym.
  static std::optional<RootSource> from_image(const Image& image);

  void start_page() override {}
  void seek(Vaddr) override {}
  std::optional<CodeSpan> next(Vaddr from, Vaddr limit) override;
  void emit(Vaddr begin, Vaddr end, PageRows& rows) override;
  [[nodiscard]] size_t owned_bytes() const override { return sizeof(*this); }

 private:
  explicit RootSource(CodeSpan function) : function_(function) {}

  CodeSpan function_;
};

}  // namespace gp::elf
