// A function at a place in a program's source. Owner thread: none (value).
#pragma once

#include <cstdint>
#include <string>

namespace gp::elf {

struct SourceFrame {
  std::string function;  // as the file has it: mangled for C++ and Rust; empty: not known
  std::string file;      // as the compiler wrote it; empty: not known
  uint32_t line = 0;     // 0: not known
  bool inlined = false;  // compiled into the function before it in the list
};

}  // namespace gp::elf
