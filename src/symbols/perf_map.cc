#include "symbols/perf_map.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/line_cutter.h"
#include "os/rooted_file.h"

namespace gp::symbols {
namespace {

// Cuts a hexadecimal number and the blank after it off `line`.
std::optional<uint64_t> take_hex(std::string_view& line) {
  if (line.starts_with("0x")) line.remove_prefix(2);  // V8 and Mono write it so
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value, 16);
  const auto used = static_cast<size_t>(end - line.data());
  if (error != std::errc() || used >= line.size() || line[used] != ' ') return std::nullopt;
  line.remove_prefix(used + 1);
  return value;
}

}  // namespace

void JitRanges::add_line(std::string_view line) {
  const auto start = take_hex(line);
  const auto size = start ? take_hex(line) : std::nullopt;
  if (!size || line.empty()) {
    ++malformed_;
    return;
  }
  if (*size == 0) return;  // covers nothing
  const uint64_t end = *size > UINT64_MAX - *start ? UINT64_MAX : *start + *size;
  make_room(*start, end);
  if (ranges_.size() >= kMaxRanges || name_bytes_ + line.size() > kMaxNameBytes) {
    ++dropped_;
    return;
  }
  name_bytes_ += line.size();
  ranges_.emplace(*start, Range{end, std::string(line)});
}

// Cuts [start, end) out of older ranges. What is left of one that reaches over both sides is its head: code that was
// overwritten in the middle is dead, and one range can then never become many.
void JitRanges::make_room(uint64_t start, uint64_t end) {
  auto it = ranges_.lower_bound(start);
  if (it != ranges_.begin()) {
    Range& before = std::prev(it)->second;
    before.end = std::min(before.end, start);
  }
  while (it != ranges_.end() && it->first < end) erase(it++);
}

void JitRanges::erase(std::map<uint64_t, Range>::iterator it) {
  name_bytes_ -= it->second.name.size();
  ranges_.erase(it);
}

std::optional<std::string_view> JitRanges::find(uint64_t pc) const {
  const auto after = ranges_.upper_bound(pc);
  if (after == ranges_.begin() || pc >= std::prev(after)->second.end) return std::nullopt;
  return std::prev(after)->second.name;
}

size_t JitRanges::memory_bytes() const {
  constexpr size_t kNodeBytes = sizeof(void*) * 4 + sizeof(std::pair<const uint64_t, Range>) + 16;  // and heap overhead
  return sizeof(*this) + ranges_.size() * kNodeBytes + name_bytes_;
}

Result<os::UniqueFd> PerfMap::open(const std::string& root, int32_t namespace_pid) {
  return os::open_in_root(root, fmt::format("/tmp/perf-{}.map", namespace_pid));
}

Result<void> PerfMap::update() {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return fail_errno("stat perf map");
  const uint64_t size = std::min(static_cast<uint64_t>(std::max<off_t>(status.st_size, 0)), kMaxFileBytes);
  if (size < offset_) {  // truncated: written anew
    ranges_.clear();
    offset_ = 0;
  }
  LineCutter cutter(JitRanges::kMaxLineBytes, [this](std::string_view line) {
    ranges_.add_line(line);
    return true;
  });
  std::array<char, 64U << 10U> chunk;
  const uint64_t stop = std::min(size, offset_ + kMaxBytesPerUpdate);
  uint64_t position = offset_;
  while (position < stop) {
    const ssize_t got = ::pread(fd_.get(), chunk.data(), std::min<uint64_t>(chunk.size(), stop - position),
                                static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read perf map");
    if (got == 0) break;
    position += static_cast<uint64_t>(got);
    cutter.feed({chunk.data(), static_cast<size_t>(got)});
  }
  // A last line without its end is read again when it has one; an endless one is passed over.
  const bool endless = cutter.pending_bytes() > JitRanges::kMaxLineBytes;
  offset_ = endless ? position : position - cutter.pending_bytes();
  return {};
}

}  // namespace gp::symbols
