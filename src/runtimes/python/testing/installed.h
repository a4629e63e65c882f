// CPythons of this machine, for tests against the real thing. A test that finds none says so and is skipped.
#pragma once

#include <glob.h>
#include <stdio.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace gp::runtimes::python {

// Owner thread: none (value).
struct Installed {
  std::string executable;
  std::string version;  // "3.11.7"
  std::string include;  // directory of Python.h
  std::string binary;   // file with the interpreter: the executable or its libpython
};

// What a command prints.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) text.append(buffer, got);
  return pclose(pipe) == 0 ? text : std::string();
}

inline std::vector<Installed> installed_pythons() {
  const char* home = std::getenv("HOME");
  std::vector<std::string> patterns = {"/usr/bin/python[23].*[0-9]", "/usr/local/bin/python[23].*[0-9]"};
  if (home != nullptr) {
    patterns.push_back(std::string(home) + "/.pyenv/versions/*/bin/python[23].*[0-9]");
    // What tests/support/built.py has made.
    const char* cache = std::getenv("GP_TEST_CACHE");
    patterns.push_back((cache != nullptr ? cache : std::string(home) + "/.cache/gprofiler-tests") +
                       "/pythons/*/bin/python[23].*[0-9t]");
  }
  std::vector<Installed> found;
  for (const auto& pattern : patterns) {
    glob_t paths{};
    if (glob(pattern.c_str(), 0, nullptr, &paths) == 0) {
      for (size_t i = 0; i < paths.gl_pathc; ++i) {
        Installed python;
        python.executable = paths.gl_pathv[i];
        const std::string told = output_of(
            python.executable +
            " -E -c \"from __future__ import print_function; import sys, sysconfig as s, os; v = s.get_config_var; "
            "print(sys.version.split()[0]);"
            "print(s.get_path('include'));"
            "print(os.path.join(v('LIBDIR'), v('INSTSONAME')) if v('Py_ENABLE_SHARED') else sys.executable)\" 2>&1");
        const size_t first = told.find('\n');
        const size_t second = told.find('\n', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        python.version = told.substr(0, first);
        python.include = told.substr(first + 1, second - first - 1);
        python.binary = told.substr(second + 1, told.find('\n', second + 1) - second - 1);
        found.push_back(std::move(python));
      }
    }
    globfree(&paths);
  }
  return found;
}

}  // namespace gp::runtimes::python
