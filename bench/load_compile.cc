// What the load compiles again and again: enough templates to keep an optimiser busy for some seconds.
#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>

std::map<std::string, std::vector<int>> group(const std::vector<std::string>& lines) {
  static const std::regex number("([0-9]+)");
  std::map<std::string, std::vector<int>> groups;
  for (const auto& line : lines) {
    std::smatch match;
    if (std::regex_search(line, match, number)) groups[match[1]].push_back(static_cast<int>(line.size()));
  }
  return groups;
}

std::vector<std::pair<std::string, int>> hottest(const std::unordered_map<std::string, int>& counts) {
  std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}
