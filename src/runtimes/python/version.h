// Which CPython a file holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "elf/image.h"
#include "runtimes/python/symbols.h"

namespace gp::runtimes::python {

// Owner thread: none (value).
struct Version {
  uint16_t number = 0;  // 0x030b for 3.11; 0: not known

  [[nodiscard]] std::string text() const;  // "3.11"; "?" when not known
};

// From Py_Version (3.11+), else the name the library gives itself, else the path.
Version find_version(const elf::Image& image, const Symbols& symbols, std::string_view path);
// With its third part: "3.11.2", "3.14.0rc2". By Py_Version, else the text that sys.version begins with, in .rodata; empty
// when neither is there.
std::string find_full_version(const elf::Image& image, const Symbols& symbols, Version version);
// The version after "python" in a file name: "libpython3.9.so.1.0", "/usr/bin/python3.9".
Version version_in_name(std::string_view name);

}  // namespace gp::runtimes::python
