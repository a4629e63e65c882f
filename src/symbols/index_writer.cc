#include "symbols/index_writer.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>

#include "base/hash.h"
#include "os/unique_fd.h"

namespace gp::symbols {
namespace {

constexpr size_t kBufferBytes = 64U << 10U;
// Symbols inside symbols inside symbols: assembly nests two deep; what lies deeper in a hostile file loses its outer names.
constexpr size_t kMaxNesting = 16;
constexpr uint64_t kMaxNamesBytes = SymbolIndex::kUnsizedBit - 1;

// Cuts symbols, which may nest and overlap, into pieces that do not: at each address the symbol that starts last wins.
class Sweep {
 public:
  Sweep(const IndexSources& sources, const PieceCallback& piece, const NameCallback& name)
      : sources_(sources), on_piece_(piece), on_name_(name) {}

  Result<void> run() {
    for (size_t key = 0; key < sources_.size();) {
      const SymbolGroup group = sources_.group(key);
      key = group.next;
      if (group.best.name.empty()) continue;
      const uint64_t start = group.best.address.value;
      GP_TRY(close_until(start));
      const bool sized = group.best.size != 0;
      if (!sized && !open_.empty()) continue;  // a label inside a function
      const uint64_t next = key < sources_.size() ? sources_.address(key) : UINT64_MAX;
      GP_TRY(piece_to(start));
      GP_TRY(push(group, sized ? start + group.best.size : std::min(next, group.section_end), sized));
    }
    return close_until(UINT64_MAX);
  }

 private:
  struct Open {
    uint64_t start = 0;
    uint64_t end = 0;
    uint32_t name = 0;
  };

  Result<void> push(const SymbolGroup& group, uint64_t end, bool sized) {
    const std::string_view name = group.best.name.substr(0, SymbolIndex::kMaxNameBytes - group.best.suffix.size());
    if (names_bytes_ + name.size() + group.best.suffix.size() + 1 > kMaxNamesBytes)
      return fail(ErrorCode::kLimit, "symbol index: more than 2 GiB of names");
    GP_TRY(on_name_(name, group.best.suffix));
    const auto offset = static_cast<uint32_t>(names_bytes_);
    names_bytes_ += name.size() + group.best.suffix.size() + 1;
    if (open_.size() == kMaxNesting) open_.erase(open_.begin());
    open_.push_back({group.best.address.value, end, sized ? offset : offset | SymbolIndex::kUnsizedBit});
    return {};
  }

  // Ends the symbols that end at or before `address`.
  Result<void> close_until(uint64_t address) {
    while (!open_.empty() && open_.back().end <= address) {
      GP_TRY(piece_to(open_.back().end));
      open_.pop_back();
    }
    if (open_.empty()) position_ = address;
    return {};
  }

  // The innermost open symbol, from where the last piece ended.
  Result<void> piece_to(uint64_t end) {
    if (!open_.empty() && position_ < end) {
      const Open& top = open_.back();
      GP_TRY(on_piece_({relative(position_), relative(end), top.name, relative(top.start)}));
    }
    position_ = std::max(position_, end);
    return {};
  }

  [[nodiscard]] uint32_t relative(uint64_t address) const {
    return static_cast<uint32_t>(std::min<uint64_t>(address - sources_.base(), UINT32_MAX));
  }

  const IndexSources& sources_;
  const PieceCallback& on_piece_;
  const NameCallback& on_name_;
  std::vector<Open> open_;  // innermost last
  uint64_t position_ = 0;
  uint64_t names_bytes_ = 0;
};

template <class T>
Bytes bytes_of(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(T)};
}
Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// Appends the body and hashes it on the way.
class Body {
 public:
  explicit Body(IndexSink& sink) : sink_(sink) { XXH3_64bits_reset(&state_); }
  Result<void> append(Bytes bytes) {
    XXH3_64bits_update(&state_, bytes.data(), bytes.size());
    return sink_.append(bytes);
  }
  [[nodiscard]] uint64_t hash() const { return XXH3_64bits_digest(&state_); }

 private:
  IndexSink& sink_;
  XXH3_state_t state_;
};

}  // namespace

Result<void> write_index(const IndexSources& sources, const IndexIdentity& identity, IndexSink& sink) {
  const auto sweep = [&sources](const PieceCallback& piece, const NameCallback& name) {
    return Sweep(sources, piece, name).run();
  };
  return write_index(sources.base(), sweep, identity, sink);
}

Result<void> write_index(uint64_t base, const PieceSource& source, const IndexIdentity& identity, IndexSink& sink) {
  IndexHeader header;
  header.base = base;
  header.file_id_low = identity.file.low;
  header.file_id_high = identity.file.high;
  header.debug_stamp = identity.debug_stamp;
  GP_TRY(sink.append(bytes_of(header)));
  Body body(sink);

  const auto add_entry = [&](const IndexEntry& entry) -> Result<void> {
    ++header.entries;
    return body.append(bytes_of(entry));
  };
  const auto no_entry = [](const IndexEntry&) -> Result<void> { return {}; };
  constexpr std::string_view kNameEnd{"\0", 1};
  const auto add_name = [&](std::string_view name, std::string_view suffix) -> Result<void> {
    header.names_bytes += name.size() + suffix.size() + 1;
    GP_TRY(body.append(bytes_of(name)));
    GP_TRY(body.append(bytes_of(suffix)));
    return body.append(bytes_of(kNameEnd));
  };
  uint64_t announced = 0;
  const auto count_name = [&](std::string_view name, std::string_view suffix) -> Result<void> {
    announced += name.size() + suffix.size() + 1;
    return {};
  };
  GP_TRY(source(add_entry, count_name));
  GP_TRY(source(no_entry, add_name));
  if (header.names_bytes != announced) return fail(ErrorCode::kMalformed, "symbol index: the file changed meanwhile");

  header.body_hash = body.hash();
  header.header_hash = header_hash(header);
  return sink.put_header(header);
}

Result<void> MemorySink::append(Bytes bytes) {
  if (bytes.size() > max_bytes_ - bytes_.size()) return fail(ErrorCode::kLimit, "symbol index: too large for memory");
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<void> MemorySink::put_header(const IndexHeader& header) {
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return {};
}

std::vector<uint8_t> MemorySink::take() {
  bytes_.shrink_to_fit();
  return std::move(bytes_);
}

Result<void> FileSink::append(Bytes bytes) {
  written_ += bytes.size();
  if (written_ > max_bytes_) return fail(ErrorCode::kLimit, "symbol index: larger than the cache");
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kBufferBytes) return flush();
  return {};
}

Result<void> FileSink::flush() {
  GP_TRY(os::write_all(fd_, {reinterpret_cast<const char*>(buffer_.data()), buffer_.size()}, "symbol index"));
  buffer_.clear();
  return {};
}

Result<void> FileSink::put_header(const IndexHeader& header) {
  GP_TRY(flush());
  if (::pwrite(fd_, &header, sizeof(header), 0) != static_cast<ssize_t>(sizeof(header)))
    return fail_errno("write symbol index");
  return {};
}

}  // namespace gp::symbols
