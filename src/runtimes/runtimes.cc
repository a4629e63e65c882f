#include "runtimes/runtimes.h"

#include <array>

#include "runtimes/python/python_runtime.h"

namespace gp::runtimes {

std::span<const targets::Runtime* const> all() {
  static const python::PythonRuntime kPython;
  static const std::array<const targets::Runtime*, 1> kList = {&kPython};
  return kList;
}

}  // namespace gp::runtimes
