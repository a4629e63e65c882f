#include "os/proc_maps.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "os/unique_fd.h"

namespace gp::os {
namespace {

constexpr size_t kMaxLine = 32768;        // PATH_MAX with every byte escaped as \ooo is 16,384
constexpr size_t kChunk = 64UL * 1024UL;  // the kernel hands out at most a page or two a read

// Takes a number that ends with `separator` off the front.
template <class T>
bool take_number(std::string_view& text, T& value, int base, char separator) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data() + text.size() || *end != separator) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

bool take_permissions(std::string_view& text, MapsEntry& entry) {
  if (text.size() < 5 || text[4] != ' ') return false;
  entry.readable = text[0] == 'r';
  entry.writable = text[1] == 'w';
  entry.executable = text[2] == 'x';
  entry.shared = text[3] == 's';
  text.remove_prefix(5);
  return true;
}

}  // namespace

std::optional<MapsEntry> parse_maps_line(std::string_view line) {
  MapsEntry entry;
  if (!take_number(line, entry.start, 16, '-') || !take_number(line, entry.end, 16, ' ')) return std::nullopt;
  if (entry.start >= entry.end || !take_permissions(line, entry)) return std::nullopt;
  if (!take_number(line, entry.offset, 16, ' ') || !take_number(line, entry.dev_major, 16, ':') ||
      !take_number(line, entry.dev_minor, 16, ' ')) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), entry.inode);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  if (!line.empty() && line.front() != ' ') return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  entry.path = line;
  return entry;
}

bool MapsParser::line(std::string_view text) {
  const auto entry = parse_maps_line(text);
  if (!entry) {
    ++scan_.malformed;
    return true;
  }
  ++scan_.entries;
  return callback_(*entry);
}

bool MapsParser::feed(std::string_view chunk) {
  while (!chunk.empty()) {
    const size_t newline = chunk.find('\n');
    const bool complete = newline != std::string_view::npos;
    const std::string_view part = chunk.substr(0, newline);
    chunk.remove_prefix(complete ? newline + 1 : chunk.size());
    if (!oversized_ && partial_.size() + part.size() > kMaxLine) {
      oversized_ = true;
      ++scan_.malformed;
      partial_.clear();
    }
    if (oversized_) {
      oversized_ = !complete;
    } else if (!complete) {
      partial_ += part;
    } else if (partial_.empty()) {
      if (!line(part)) return false;
    } else {
      partial_ += part;
      const bool more = line(partial_);
      partial_.clear();
      if (!more) return false;
    }
  }
  return true;
}

Result<MapsScan> for_each_mapping(int32_t pid, const MappingCallback& callback) {
  const std::string path = fmt::format("/proc/{}/maps", pid);
  GP_ASSIGN(const UniqueFd fd, open_file(path));
  MapsParser parser(callback);
  std::vector<char> chunk(kChunk);
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(fmt::format("read {}", path));
    if (got == 0 || !parser.feed({chunk.data(), static_cast<size_t>(got)})) return parser.scan();
  }
}

}  // namespace gp::os
