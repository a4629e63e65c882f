// The symbols that tell a CPython: the few names that matter, with what is said about them. Only section tables are
// looked at: an interpreter without them cannot be told from other code.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "elf/image.h"
#include "runtimes/symbols.h"

namespace gp::runtimes::python {

// What a file defines of CPython. Owner thread: none (value).
struct Symbols {
  std::optional<Symbol> runtime;        // _PyRuntime (3.7+), else the variable PyInterpreterState_Head() returns
  std::optional<Symbol> eval;           // _PyEval_EvalFrameDefault (3.6+), else PyEval_EvalFrameEx
  std::optional<Symbol> eval_cold;      // what the compiler split off it; the longest when there are several
  std::optional<Symbol> version;        // Py_Version (3.11+)
  std::optional<Symbol> code_type;      // PyCode_Type
  std::optional<Symbol> instance_type;  // PyInstance_Type (2.7)

  [[nodiscard]] bool any() const { return runtime || eval; }
};

// Cheap for the files that hold no CPython: then only .dynsym is read, not .symtab.
Symbols find_symbols(const elf::Image& image);

}  // namespace gp::runtimes::python
