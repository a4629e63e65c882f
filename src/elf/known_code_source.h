// Rules for code without unwind information that is known by its bytes:
// - signal trampolines: musl's __restore_rt (src/signal/x86_64/restore.s) and Go's runtime.sigreturn__sigaction
//   (runtime/sys_linux_amd64.s), both `mov $15, %rax; syscall`;
// - the root of a musl program's main thread: exit(main(...)) in libc_start_main_stage2 (src/env/__libc_start_main.c),
//   compiled to an indirect call, `mov %eax, %edi`, and a direct call;
// - the end of a shim, `pop %rcx; ret` after a call: main of a Rust program built with panic=abort, which rustc
//   (create_entry_fn in compiler/rustc_codegen_ssa/src/base.rs) makes without unwind tables;
// - the root of a coroutine made by makecontext(): glibc's __start_context, whose first byte is the return address of the
//   coroutine's function (sysdeps/unix/sysv/linux/x86_64/__start_context.S);
// - glibc's clone and clone3 from the system call on: their unwind tables end ahead of it, so that the child's stack has
//   an end (sysdeps/unix/sysv/linux/x86_64/clone.S, clone3.S).
#pragma once

#include <optional>
#include <span>

#include "elf/image.h"
#include "elf/rule_source.h"

namespace gp::elf {

// What must stand ahead of a pattern.
enum class Ahead : uint8_t { kAnything, kCallOfRegister, kCallOfPlace };

struct CodePattern {
  std::span<const uint8_t> bytes;
  Ahead ahead = Ahead::kAnything;
  uint64_t covered = 0;  // bytes of the pattern that the rule holds for, besides the one ahead of it
  gp_rule rule;
};

// Searches the code of the page at hand, so a big static binary is never scanned as a whole. A span begins one byte
// ahead of its pattern: return addresses are looked up one byte lower. The image must outlive it.
class KnownCodeSource final : public RuleSource {
 public:
  static KnownCodeSource signal_trampolines(const Image& image);
  static KnownCodeSource exits_of_main(const Image& image);
  static KnownCodeSource ends_of_shims(const Image& image);
  static KnownCodeSource starts_of_contexts(const Image& image);
  static KnownCodeSource clones(const Image& image);

  // The C library may be in this file: static programs and musl itself, which needs no other file (nor has it a name
  // everywhere).
  static bool may_hold_libc(const Image& image);

  void start_page() override {}
  void seek(Vaddr) override {}
  std::optional<CodeSpan> next(Vaddr from, Vaddr limit) override;
  void emit(Vaddr begin, Vaddr end, PageRows& rows) override;
  [[nodiscard]] size_t owned_bytes() const override { return sizeof(*this); }

 private:
  KnownCodeSource(const Image& image, const CodePattern& pattern) : image_(&image), pattern_(pattern) {}
  [[nodiscard]] bool matches(Bytes code, size_t at) const;

  const Image* image_;
  CodePattern pattern_;
};

}  // namespace gp::elf
