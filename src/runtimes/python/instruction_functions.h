// The functions that run CPython's instructions where these are not parts of one loop (3.14, --with-tail-call-interp: builds
// of Clang 19 and later, as uv installs them). Owner thread: any.
#pragma once

#include <vector>

#include "elf/cold_part.h"
#include "elf/image.h"

namespace gp::runtimes::python {

// Sorted. `loop`: _PyEval_EvalFrameDefault, which calls the first of them; each jumps to the next one through a table of
// 256 (Python/ceval_macros.h: DISPATCH_GOTO). Found by their names, in stripped files by that table. None: an ordinary loop.
std::vector<elf::CodeRange> find_instruction_functions(const elf::Image& image, elf::CodeRange loop);

}  // namespace gp::runtimes::python
