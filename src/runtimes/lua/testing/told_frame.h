// One frame as Lua itself told it: a line of tests/data/lua/workload.lua. Owner thread: whoever made it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <string>

namespace gp::runtimes::lua {

struct ToldFrame {
  uint32_t line = 0;
  std::string file;
  std::string name;

  // The rest of a line that begins with "frame" and a tab.
  static ToldFrame parse(std::istringstream& in) {
    ToldFrame frame;
    in >> frame.line;
    in.ignore(1);
    std::getline(in, frame.file, '\t');
    std::getline(in, frame.name);
    return frame;
  }
  [[nodiscard]] std::string text() const { return fmt::format("frame\t{}\t{}\t{}\n", line, file, name); }
};

}  // namespace gp::runtimes::lua
