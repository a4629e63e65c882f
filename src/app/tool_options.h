// The options that choose external profilers. Owner thread: none (values).
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "managed/tool_table.h"

namespace gp::app {

// What their words were; the last of each option counts.
struct ToolWords {
  std::string python, ruby, php, php_filter, dotnet, java, java_event, perf;
  bool operator==(const ToolWords&) const = default;
};
void add_tool_options(CLI::App& parser, ToolWords& words);
// The same by the option's name without dashes; false: there is no such option.
bool set_tool_word(std::string_view option, std::string word, ToolWords& words);

// Errors are kUsage and say what words there are.
Result<managed::ToolChoice> read_tool_choice(const ToolWords& words);

}  // namespace gp::app
