#include "managed/program.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace gp::managed {
namespace {

bool is_executable(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::string> find_program(std::string_view name) {
  const char* const variable = std::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
    // A relative folder would depend on where we were started; root had better not.
    if (!folder.starts_with('/')) continue;
    if (std::string file = fmt::format("{}/{}", folder, name); is_executable(file)) return file;
  }
  return std::nullopt;
}

std::vector<std::string> tool_environment() {
  constexpr std::array kPassed{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "DOTNET_ROOT", "JAVA_HOME"};
  std::vector<std::string> environment;
  for (const char* name : kPassed) {
    if (const char* value = std::getenv(name)) environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

}  // namespace gp::managed
