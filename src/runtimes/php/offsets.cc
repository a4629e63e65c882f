#include "runtimes/php/offsets.h"

#include <initializer_list>

namespace gp::runtimes::php {
namespace {

// zend_op_array (Zend/zend_compile.h of each version): `last` and `opcodes` are side by side but for padding, filename
// and line_start are side by side.
gp_php functions(uint16_t version, uint16_t last, uint16_t opcodes, uint16_t file) {
  gp_php php{};
  php.version = version;
  php.function_last = last;
  php.function_opcodes = opcodes;
  php.function_file = file;
  php.function_line = static_cast<uint16_t>(file + 8);
  return php;
}

// zend_generator (Zend/zend_generators.h).
gp_php with_generators(gp_php php, uint16_t call, uint16_t parent, uint16_t placeholder) {
  php.generator_call = call;
  php.generator_parent = parent;
  php.generator_placeholder = placeholder;
  return php;
}

bool fits(uint64_t offset, uint64_t size, uint64_t limit) { return offset % size == 0 && offset + size <= limit; }

}  // namespace

// 7.4, 8.2, 8.4, 8.5 and 8.6 as the compiler sees the headers of Debian's packages (offsets_test.cc). 8.0, 8.1 and 8.3 from their
// zend_compile.h, with filename and line_start as in phpspy's structs/x86_64/php_structs_8*.h; their generators that
// delegate are not looked for but in 8.3, whose neighbours agree.
std::optional<gp_php> offsets_of(uint16_t version) {
  switch (version) {
    case kPhp74: return with_generators(functions(version, 60, 64, 136), 64, 160, 200);
    case kPhp80:
    case kPhp80 + 1: return functions(version, 68, 72, 144);
    case kPhp82: return with_generators(functions(version, 80, 88, 152), 56, 152, 184);
    case kPhp82 + 1: return with_generators(functions(version, 76, 80, 144), 56, 152, 184);
    case kPhp84:
    case kPhp85:
    case kPhp86: return with_generators(functions(version, 96, 104, 168), 56, 152, 184);
    default: return std::nullopt;
  }
}

bool offsets_are_sane(const gp_php& php) {
  for (const uint16_t offset : {php.function_opcodes, php.function_file})
    if (!fits(offset, 8, GP_PHP_FUNCTION_BYTES)) return false;
  for (const uint16_t offset : {php.function_last, php.function_line})
    if (!fits(offset, 4, GP_PHP_FUNCTION_BYTES)) return false;
  return true;
}

}  // namespace gp::runtimes::php
