// GP_CHECK(condition): ends the program on a bug of our own, in release builds too. Foreign input never reaches one.
#pragma once

namespace gp {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define GP_CHECK(condition) ((condition) ? static_cast<void>(0) : ::gp::check_failed(#condition, __FILE__, __LINE__))
