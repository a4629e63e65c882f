// From a symbol record to what frames are called.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes::php {

// Nothing when the record is broken. "Class::method", "function"; "main" for the code of a file outside functions.
std::optional<targets::CodeSymbol> decode_symbol(Bytes record);

}  // namespace gp::runtimes::php
