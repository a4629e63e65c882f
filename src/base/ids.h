// Addresses and identities as distinct types, so that mixing them does not compile.
// Owner thread: none (values).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace gp {

// A 64-bit address of one kind. Adding a distance keeps the kind; the difference of two is a plain number.
template <class Kind>
struct Address {
  uint64_t value = 0;

  auto operator<=>(const Address&) const = default;
  friend Address operator+(Address a, uint64_t distance) { return {a.value + distance}; }
  friend Address operator-(Address a, uint64_t distance) { return {a.value - distance}; }
  friend uint64_t operator-(Address a, Address b) { return a.value - b.value; }
};

using Pc = Address<struct PcKind>;                  // in a process' (or the kernel's) address space
using FileOffset = Address<struct FileOffsetKind>;  // bytes from the start of a file
using Vaddr = Address<struct VaddrKind>;            // as an ELF file's own headers count

// A process for good: a pid is reused, the pair is not.
struct ProcessKey {
  int32_t pid = 0;           // in the initial pid namespace
  uint64_t start_ticks = 0;  // since boot, 100 per second: field 22 of /proc/PID/stat (proc(5))

  auto operator<=>(const ProcessKey&) const = default;
};

}  // namespace gp

template <class Kind>
struct std::hash<gp::Address<Kind>> {
  size_t operator()(gp::Address<Kind> a) const noexcept { return std::hash<uint64_t>()(a.value); }
};

template <>
struct std::hash<gp::ProcessKey> {
  size_t operator()(const gp::ProcessKey& key) const noexcept {
    return std::hash<uint64_t>()(key.start_ticks * 0x9e3779b97f4a7c15U + static_cast<uint32_t>(key.pid));
  }
};
