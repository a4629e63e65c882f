#include "app/words.h"

#include <algorithm>

#include "os/proc_text.h"

namespace gp::app {

std::unexpected<Error> usage(std::string message) { return fail(ErrorCode::kUsage, std::move(message)); }

Result<void> parse_words(CLI::App& parser, std::span<const std::string> words, size_t positional) {
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // the order CLI11 takes
  try {
    parser.parse(reversed);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view text = error.what();  // "--output-dir: 1 required TEXT missing"
    return usage(fmt::format("{} needs a value; see gprofiler --help", text.substr(0, text.find(':'))));
  } catch (const CLI::ParseError& error) {
    return usage(fmt::format("{}; see gprofiler --help", error.what()));
  }
  const std::vector<std::string> extras = parser.remaining();
  const auto option = std::ranges::find_if(extras, [](const std::string& word) { return word.starts_with('-'); });
  if (option != extras.end()) return usage(fmt::format("there is no option {}; see gprofiler --help", *option));
  if (extras.size() <= positional) return {};
  return usage(fmt::format("unexpected '{}'; a command to profile goes after --", extras[positional]));
}

void add_list(CLI::App& parser, const char* names, std::vector<std::string>& values) {
  parser.add_option(names, values)->delimiter(',')->allow_extra_args(false);
}

Result<uint64_t> number_in(std::string_view text, uint64_t low, uint64_t high, std::string_view what) {
  const auto number = os::parse_decimal(text);
  if (number && *number >= low && *number <= high) return *number;
  return usage(fmt::format("{} '{}': give a whole number from {} to {}", what, text, low, high));
}

Result<void> read_pids(const std::vector<std::string>& texts, std::vector<int32_t>& pids) {
  for (const std::string& text : texts) {
    GP_ASSIGN(const uint64_t pid, number_in(text, 1, INT32_MAX, "-p"));
    pids.push_back(static_cast<int32_t>(pid));
  }
  std::ranges::sort(pids);
  const auto twice = std::ranges::unique(pids);
  pids.erase(twice.begin(), twice.end());
  return {};
}

}  // namespace gp::app
