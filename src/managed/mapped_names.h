// By what files a process maps it is told which language it runs. Pure functions of paths, which may be anything.
#pragma once

#include <cstddef>
#include <string_view>

namespace gp::managed {

// Without " (deleted)".
inline std::string_view basename_of(std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return path.substr(path.rfind('/') + 1);
}

// "python", "python3", "python3.11", "ruby2.7", but not "python-config" or "rubyfmt".
inline bool is_program(std::string_view basename, std::string_view program) {
  return basename.starts_with(program) &&
         basename.substr(program.size()).find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace gp::managed
