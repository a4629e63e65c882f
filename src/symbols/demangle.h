// Readable names from the names linkers see: C++ (Itanium ABI), Rust (v0, and legacy without its hash), D. All other
// names (C, Go) stay as they are.
//
// Compilers clone and split functions; their suffixes (.cold, .part.0, .constprop.1, .isra.0, .llvm.1234, …) are dropped,
// so that all parts of one function count as that function.
//
// Names come from foreign files. What is longer than 4 KiB, would print longer than 16 KiB, nests too deep or does not
// parse keeps its raw spelling. Work is libiberty's. Owner thread: any; holds no state between calls.
#pragma once

#include <string>
#include <string_view>

namespace gp::symbols {

inline constexpr size_t kMaxMangledBytes = 4096;
inline constexpr size_t kMaxDemangledBytes = 16384;

// `raw` as an ELF file has it. A suffix "@plt" is kept. Bytes of the result may be anything but NUL: escaping is the
// output's business.
std::string demangle(std::string_view raw);

// `name` without compilers' suffixes; never empty unless `name` is.
std::string_view without_clone_suffix(std::string_view name);

}  // namespace gp::symbols
