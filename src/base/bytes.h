// Bounds-checked reading of foreign bytes (ELF, DWARF, target memory). Nothing read through here can run past its
// span: a read beyond the end makes the reader fail for good and returns zeros. Owner thread: whoever made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace gp {

using Bytes = std::span<const uint8_t>;

// The part [offset, offset + size) of `bytes`, or nothing when it does not lie inside.
inline std::optional<Bytes> slice(Bytes bytes, uint64_t offset, uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
}

// A trivially copyable T at `offset` (unaligned), or nothing when it does not lie inside.
template <class T>
std::optional<T> read_at(Bytes bytes, uint64_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto part = slice(bytes, offset, sizeof(T));
  if (!part) return std::nullopt;
  T value;
  std::memcpy(&value, part->data(), sizeof(T));
  return value;
}

// The NUL-terminated string at `offset`, without its end; nothing when offset or end lie outside.
inline std::optional<std::string_view> string_at(Bytes bytes, uint64_t offset) {
  if (offset >= bytes.size()) return std::nullopt;
  const auto rest = bytes.subspan(static_cast<size_t>(offset));
  const void* end = std::memchr(rest.data(), 0, rest.size());
  if (end == nullptr) return std::nullopt;
  const auto length = static_cast<size_t>(static_cast<const uint8_t*>(end) - rest.data());
  return std::string_view(reinterpret_cast<const char*>(rest.data()), length);
}

// A cursor over bytes. After the first read past the end ok() is false and every read gives zero.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes, size_t position = 0) : bytes_(bytes), position_(position) {
    if (position_ > bytes_.size()) stop();
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return position_ >= bytes_.size(); }
  [[nodiscard]] size_t position() const { return position_; }
  [[nodiscard]] size_t remaining() const { return bytes_.size() - position_; }

  template <class T>
  T read() {
    T value{};
    if (remaining() < sizeof(T)) {
      stop();
      return value;
    }
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  uint64_t uleb128();
  int64_t sleb128();
  std::string_view c_string();

  void skip(uint64_t count) {
    if (count > remaining()) {
      stop();
    } else {
      position_ += static_cast<size_t>(count);
    }
  }
  Bytes take(uint64_t count) {
    const size_t from = position_;
    skip(count);
    return ok_ ? bytes_.subspan(from, static_cast<size_t>(count)) : Bytes();
  }

 private:
  void stop() {
    ok_ = false;
    position_ = bytes_.size();
  }

  Bytes bytes_;
  size_t position_;
  bool ok_ = true;
};

}  // namespace gp
