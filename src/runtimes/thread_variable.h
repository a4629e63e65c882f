// Where each thread has a variable of its own, as the code that reads it says. Owner thread: any.
#pragma once

#include <optional>

#include "base/ids.h"
#include "bpf/abi/thread_variable.h"
#include "elf/image.h"

namespace gp::runtimes {

// The first thread-local variable of eight bytes that the function reads (gcc's and Clang's x86-64 code, as compiled or as
// linkers changed it). Its slot is an address in the file. Nothing where the function does not read one straight away.
std::optional<gp_thread_variable> thread_variable_read_by(const elf::Image& image, Vaddr function);

}  // namespace gp::runtimes
