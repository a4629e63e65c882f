#include "runtimes/runtimes.h"

#include <array>

#include "runtimes/php/php_runtime.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/ruby/ruby_runtime.h"

namespace gp::runtimes {

std::span<const targets::Runtime* const> all() {
  static const python::PythonRuntime kPython;
  static const ruby::RubyRuntime kRuby;
  static const php::PhpRuntime kPhp;
  static const std::array<const targets::Runtime*, 3> kList = {&kPython, &kRuby, &kPhp};
  return kList;
}

}  // namespace gp::runtimes
