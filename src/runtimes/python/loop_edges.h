// Where, in an interpreter before 3.11, the loop's function runs while its frame is not the thread's: a few instructions
// at its beginning and before it returns. bpf/walk/python_objects.h tells why that matters.
#pragma once

#include "bpf/abi/python.h"
#include "elf/cold_part.h"
#include "elf/image.h"

namespace gp::runtimes::python {

// Sets loop_start, loop_cfa, loop_register and unlinked. Where the code does not look as compilers write it these stay
// zero, and the innermost frames of some samples are those of their callers.
void find_loop_edges(const elf::Image& image, elf::CodeRange loop, gp_python& python);

}  // namespace gp::runtimes::python
