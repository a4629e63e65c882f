// From a symbol record to what frames are called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "bpf/abi/sample.h"
#include "targets/runtime.h"

namespace gp::runtimes::python {

// Nothing when the record is broken. See targets::Runtime::decode.
std::optional<targets::CodeSymbol> decode_symbol(Bytes record, const targets::MemoryReader* memory);

// The module a file is imported as, as far as its path tells: dotted below a library directory, else the bare name
// of the file. Empty for what is no file ("<string>", "<stdin>").
std::string module_of(std::string_view file);

}  // namespace gp::runtimes::python
