#include "runtimes/runtimes.h"

#include <array>

#include "runtimes/python/python_runtime.h"
#include "runtimes/ruby/ruby_runtime.h"

namespace gp::runtimes {

std::span<const targets::Runtime* const> all() {
  static const python::PythonRuntime kPython;
  static const ruby::RubyRuntime kRuby;
  static const std::array<const targets::Runtime*, 2> kList = {&kPython, &kRuby};
  return kList;
}

}  // namespace gp::runtimes
