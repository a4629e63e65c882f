// Where the fields are that the walker reads, by version, in bytes (intrpvar.h). Owner thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "bpf/abi/perl.h"
#include "runtimes/perl/interpreter.h"

namespace gp::runtimes::perl {

inline constexpr uint8_t kPerl32 = 32;
inline constexpr uint8_t kPerl34 = 34;
inline constexpr uint8_t kPerl36 = 36;
inline constexpr uint8_t kPerl38 = 38;
inline constexpr uint8_t kPerl40 = 40;
inline constexpr uint8_t kPerl42 = 42;
inline constexpr uint8_t kPerl44 = 44;

// The offsets of 5.`version` without addresses, for builds with threads. Nothing for versions not known.
std::optional<gp_perl> offsets_of(uint8_t version);

// The same for builds without threads, which have each variable by itself: where they are in their file, by Variable.
// Nothing if one is far from the others. `only` is still zero; it is the address of PL_op in the process.
std::optional<gp_perl> offsets_of(uint8_t version, const std::array<Vaddr, kVariables>& variables);

}  // namespace gp::runtimes::perl
