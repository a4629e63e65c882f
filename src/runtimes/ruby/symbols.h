// The symbols that tell a Ruby. Only .dynsym is looked at: C extensions need what is in it, so every build has it, and
// the rest is found from there (code_scan.h).
#pragma once

#include "base/ids.h"
#include "elf/image.h"

namespace gp::runtimes::ruby {

// Addresses, 0: not defined. Owner thread: none (value).
struct Symbols {
  Vaddr version;          // ruby_version: "3.3.8"
  Vaddr object_class;     // rb_cObject
  Vaddr thread_current;   // rb_thread_current()
  Vaddr id_to_string;     // rb_id2str()
  Vaddr current_context;  // 2.7: ruby_current_execution_context_ptr
  Vaddr current_vm;       // 2.7: ruby_current_vm_ptr

  [[nodiscard]] bool any() const { return version.value != 0 && object_class.value != 0; }
};

Symbols find_symbols(const elf::Image& image);

}  // namespace gp::runtimes::ruby
