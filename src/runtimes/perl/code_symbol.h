// From a symbol record (bpf/abi/perl.h) to what frames are called. Owner thread: reader.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes::perl {

// Nothing when the record is broken. "Package::sub"; "main" for the code of a file outside subroutines, "(eval)" for a
// string's, "(sort block)".
std::optional<targets::CodeSymbol> decode_symbol(Bytes record);

}  // namespace gp::runtimes::perl
