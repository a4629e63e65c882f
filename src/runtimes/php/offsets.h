// Where the fields are that the walker reads, by version.
#pragma once

#include <cstdint>
#include <optional>

#include "bpf/abi/php.h"

namespace gp::runtimes::php {

inline constexpr uint16_t kPhp74 = 0x0704;
inline constexpr uint16_t kPhp80 = 0x0800;
inline constexpr uint16_t kPhp82 = 0x0802;
inline constexpr uint16_t kPhp84 = 0x0804;
inline constexpr uint16_t kPhp85 = 0x0805;
inline constexpr uint16_t kPhp86 = 0x0806;

// zend_executor_globals.current_execute_data (Zend/zend_globals.h) of a version that has a table.
constexpr uint64_t current_call_offset(uint16_t version) { return version < kPhp85 ? 488 : 512; }

// A version's offsets without addresses, for builds without thread safety (ZTS). Nothing for versions not known.
std::optional<gp_php> offsets_of(uint16_t version);

// Every field lies in the part of its object that the walker reads, aligned to its size.
bool offsets_are_sane(const gp_php& php);

}  // namespace gp::runtimes::php
