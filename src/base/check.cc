#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace gp {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "gprofiler: internal error at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace gp
