// From a symbol record to what frames are called.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "bpf/abi/ruby.h"
#include "targets/runtime.h"

namespace gp::runtimes::ruby {

// What a label says whose bytes the walker knows by their place in Ruby's file (GP_RUBY_LITERALS).
inline constexpr std::array<std::string_view, GP_RUBY_LITERALS> kLiterals = {"<main>", "<top (required)>"};

// Nothing when the record is broken. See targets::Runtime::decode.
std::optional<targets::CodeSymbol> decode_symbol(Bytes record, const targets::MemoryReader* memory);

// A label with the class its method is of, where Ruby from 3.4 on has it: "block in run" → "block in Foo#run"; a
// singleton's method is "Foo.run". Labels of what is no method ("<main>", "<class:Foo>") stay as they are.
std::string qualified(std::string_view label, std::string_view scope, bool is_singleton);

}  // namespace gp::runtimes::ruby
