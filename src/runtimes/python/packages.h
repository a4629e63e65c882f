// Which installed package a Python file is of, with its version: by what pip, setuptools and distributions leave in a
// site-packages or dist-packages directory (PyPA's "Recording installed projects" and "Core metadata", formerly PEP 376
// and 627; setuptools' formats of eggs). Owner thread: any; reading blocks where the file system hangs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "targets/runtime.h"

namespace gp::runtimes::python {

// "/usr/lib/python3/dist-packages/" of "/usr/lib/python3/dist-packages/yaml/loader.py"; empty: in no such directory.
std::string_view package_directory(std::string_view file);

// The file is of the interpreter's own library: below a directory "lib/pythonX.Y", but in no package directory.
bool is_standard_library(std::string_view file);

// As targets::Runtime::read_packages; `before` must come from here.
std::shared_ptr<const targets::InstalledPackages> read_packages(const std::string& root, const std::string& directory,
                                                                const targets::InstalledPackages* before);

}  // namespace gp::runtimes::python
