#include "app/tool_options.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <utility>

namespace gp::app {
namespace {

constexpr std::array kOptions{std::pair{"--python-mode", &ToolWords::python},
                              std::pair{"--ruby-mode", &ToolWords::ruby},
                              std::pair{"--php-mode", &ToolWords::php},
                              std::pair{"--dotnet-mode", &ToolWords::dotnet},
                              std::pair{"--java-async-profiler-mode", &ToolWords::java_event},
                              std::pair{"--java-mode", &ToolWords::java},  // after its event, which it may switch off
                              std::pair{"--perf-mode", &ToolWords::perf}};

}  // namespace

void add_tool_options(CLI::App& parser, ToolWords& words) {
  for (const auto& [option, word] : kOptions) parser.add_option(option, words.*word)->take_last();
  parser.add_option("--php-proc-filter", words.php_filter)->take_last();
}

bool set_tool_word(std::string_view option, std::string word, ToolWords& words) {
  const std::string dashed = fmt::format("--{}", option);
  for (const auto& [known, member] : kOptions) {
    if (dashed == known) return words.*member = std::move(word), true;
  }
  if (option != "php-proc-filter") return false;
  words.php_filter = std::move(word);
  return true;
}

Result<managed::ToolChoice> read_tool_choice(const ToolWords& words) {
  managed::ToolChoice choice;
  for (const auto& [option, word] : kOptions) {
    if (!(words.*word).empty()) GP_TRY(managed::choose_tool(option, words.*word, choice));
  }
  if (!words.php_filter.empty()) choice.php_filter = words.php_filter;
  return choice;
}

}  // namespace gp::app
