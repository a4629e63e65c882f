// From a symbol record to what frames are called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes::ruby {

// Nothing when the record is broken. See targets::Runtime::decode.
std::optional<targets::CodeSymbol> decode_symbol(Bytes record, const targets::MemoryReader* memory);

// A label with the class its method is of, where Ruby from 3.4 on has it: "block in run" → "block in Foo#run"; a
// singleton's method is "Foo.run". Labels of what is no method ("<main>", "<class:Foo>") stay as they are.
std::string qualified(std::string_view label, std::string_view scope, bool is_singleton);

}  // namespace gp::runtimes::ruby
