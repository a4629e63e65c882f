// Golden files: tests/golden/NAME holds the exact bytes an output must have.
// To accept new ones after a wanted change: GP_UPDATE_GOLDEN=1 ctest --preset dev -R Golden (tests/golden/README.md).
#pragma once

#include <string>
#include <string_view>

namespace gp::test {

// Fails the current test where `bytes` differ from tests/golden/`name`, and says in which line they begin to.
void expect_golden(const std::string& name, std::string_view bytes);

// What gzip'ed bytes hold; fails the current test when they are not gzip.
std::string gunzip(std::string_view bytes);

}  // namespace gp::test
