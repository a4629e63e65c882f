// The code of a file that is analysed: stretches of addresses with their bytes.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "elf/image.h"
#include "elf/rule_source.h"

namespace gp::elf {

// Owner thread: none (immutable once made). Views its image.
class CodeBytes {
 public:
  // `spans`: ascending, without overlaps. What the file has no bytes for is left out.
  CodeBytes(const Image& image, std::span<const CodeSpan> spans) : image_(&image) {
    for (const CodeSpan& span : spans) {
      const Bytes bytes = image.bytes_at(span.begin);
      if (span.end <= span.begin || bytes.empty()) continue;
      parts_.push_back({span.begin, bytes.first(std::min<uint64_t>(bytes.size(), span.end - span.begin))});
      size_ += parts_.back().bytes.size();
    }
  }

  struct Part {
    Vaddr begin;
    Bytes bytes;
  };
  [[nodiscard]] std::span<const Part> parts() const { return parts_; }
  [[nodiscard]] const Image& image() const { return *image_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] size_t owned_bytes() const { return parts_.capacity() * sizeof(Part); }

  // Where an address lies; nothing outside.
  struct Spot {
    size_t part;
    uint64_t offset;
  };
  [[nodiscard]] std::optional<Spot> spot(Vaddr address) const {
    const auto after = std::ranges::upper_bound(parts_, address, {}, &Part::begin);
    if (after == parts_.begin()) return std::nullopt;
    const Part& part = *(after - 1);
    const uint64_t offset = address - part.begin;
    if (offset >= part.bytes.size()) return std::nullopt;
    return Spot{static_cast<size_t>(after - parts_.begin() - 1), offset};
  }
  // The code from `address` to the end of its stretch; empty outside.
  [[nodiscard]] Bytes at(Vaddr address) const {
    const auto found = spot(address);
    return found ? parts_[found->part].bytes.subspan(found->offset) : Bytes();
  }

 private:
  const Image* image_;
  std::vector<Part> parts_;
  uint64_t size_ = 0;
};

}  // namespace gp::elf
