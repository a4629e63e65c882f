// The one error type of the project: a function that can fail and whose caller may care returns Result<T>.
// Owner thread: none (values). Absence that is normal is std::optional instead; our own bugs are GP_CHECK.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gp {

// What kind of failure it is, as far as callers tell failures apart.
enum class ErrorCode {
  kUsage,        // the caller's words are off; exit code 2
  kPermission,   // a capability or a permission is missing
  kNotFound,     // a file, process or symbol is not there
  kUnsupported,  // this host, kernel or file version cannot do it
  kMalformed,    // foreign bytes that break their format
  kLimit,        // a budget or a bound of ours was met
  kSystem,       // a system call failed; see errno
};

// An error and the chain of what was being done, outermost first.
class Error {
 public:
  Error(ErrorCode code, std::string message, int saved_errno = 0)
      : code_(code), errno_(saved_errno), message_(std::move(message)) {}

  // The failure of a system call: message ends in the text of errno.
  static Error system(std::string_view doing, int saved_errno = errno) {
    ErrorCode code = ErrorCode::kSystem;
    if (saved_errno == EPERM || saved_errno == EACCES) code = ErrorCode::kPermission;
    if (saved_errno == ENOENT || saved_errno == ESRCH) code = ErrorCode::kNotFound;
    return {code, fmt::format("{}: {}", doing, std::strerror(saved_errno)), saved_errno};
  }

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] int system_errno() const { return errno_; }
  [[nodiscard]] const std::string& message() const { return message_; }

  // This error with what the caller was doing put in front.
  [[nodiscard]] Error context(std::string_view doing) && {
    message_ = fmt::format("{}: {}", doing, message_);
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  int errno_;
  std::string message_;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail_errno(std::string_view doing, int saved_errno = errno) {
  return std::unexpected(Error::system(doing, saved_errno));
}

}  // namespace gp

// GP_TRY(expression): returns the error of a Result<void> to the caller.
#define GP_TRY(expression)                                                                                           \
  do {                                                                                                               \
    if (auto gp_try_result = (expression); !gp_try_result) return std::unexpected(std::move(gp_try_result).error()); \
  } while (false)

#define GP_CONCAT_INNER(a, b) a##b
#define GP_CONCAT(a, b) GP_CONCAT_INNER(a, b)

// GP_ASSIGN(declaration, expression): the value of a Result, or its error returned to the caller.
#define GP_ASSIGN(declaration, expression)                                                                          \
  auto GP_CONCAT(gp_result_, __LINE__) = (expression);                                                              \
  if (!GP_CONCAT(gp_result_, __LINE__)) return std::unexpected(std::move(GP_CONCAT(gp_result_, __LINE__)).error()); \
  declaration = std::move(*GP_CONCAT(gp_result_, __LINE__))
