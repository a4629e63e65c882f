// What tells a PHP engine in a file: the few symbols that matter, and its version. The programs (php, php-cgi,
// php-fpm), libphp for other programs and Apache's module all export the engine for their extensions, stripped or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "elf/image.h"
#include "runtimes/symbols.h"

namespace gp::runtimes::php {

// Owner thread: none (value).
struct Engine {
  Symbol loop;                           // execute_ex
  std::optional<Symbol> loop_cold;       // what the compiler split off it, where a symbol says
  std::optional<Symbol> frameless;       // zend_flf_functions (8.4+)
  std::optional<Symbol> globals;         // executor_globals; none: built with thread safety (ZTS), then there are:
  std::optional<Symbol> globals_offset;  // executor_globals_offset
  std::optional<Symbol> is_executing;    // zend_is_executing
};

// Cheap for files that hold none: then only .dynsym is read. Nothing without execute_ex.
std::optional<Engine> find_engine(const elf::Image& image);

// Owner thread: none (value).
struct Version {
  uint16_t number = 0;  // 0x0802 for 8.2; 0: not known

  [[nodiscard]] std::string text() const;  // "8.2"; "?" when not known
};

// From the header every SAPI can send: "X-Powered-By: PHP/8.2.7" (SAPI_PHP_VERSION_HEADER, main/SAPI.h).
Version find_version(const elf::Image& image);
// From text that begins with that header.
Version parse_version(Bytes header);

}  // namespace gp::runtimes::php
