// What the command lines of all commands share: their parser's errors as one line, and values within bounds.
// Owner thread: none (values).
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gp::app {

std::unexpected<Error> usage(std::string message);

// Runs the parser, which reports by exceptions, and words what it found. At most `positional` words may be no options;
// they are left in parser.remaining().
Result<void> parse_words(CLI::App& parser, std::span<const std::string> words, size_t positional = 0);

// A list given as "1,2", by several options, or both.
void add_list(CLI::App& parser, const char* names, std::vector<std::string>& values);

Result<uint64_t> number_in(std::string_view text, uint64_t low, uint64_t high, std::string_view what);
Result<void> read_pids(const std::vector<std::string>& texts, std::vector<int32_t>& pids);  // ascending, none twice

}  // namespace gp::app
