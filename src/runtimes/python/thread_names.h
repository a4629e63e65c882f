// Names that Python's own module `threading` has for threads: before 3.14 the kernel does not know them, and then cut.
// Found in the process' memory: of each interpreter the module, its dictionary `_active` of threads by identity, their
// attribute `_name`. All of it is untrusted and may change while it is read: every loop is bounded, a name counts only if
// its thread is still the one in the dictionary afterwards.
//
// Owner thread: any.
#pragma once

#include <vector>

#include "bpf/abi/python.h"
#include "targets/runtime.h"

namespace gp::runtimes::python {

// Threads whose name says something: not those that are all called "MainThread", or "Dummy-1" because C made them.
std::vector<targets::ThreadName> read_thread_names(const gp_python& python, const targets::MemoryReader& memory);

// PyHeapTypeObject.ht_cached_keys; 0: versions whose attributes are found without.
uint64_t cached_keys_of(const gp_python& python);

}  // namespace gp::runtimes::python
