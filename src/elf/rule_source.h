// Where unwind rules of code come from: call frame information, Go's tables, known byte patterns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "elf/row_builder.h"

namespace gp::elf {

// Places of one page: rows are added by address.
class PageRows {
 public:
  // `page_begin`: address that page offset 0 has (or would have) in the segment at hand.
  PageRows(RowBuilder& builder, Vaddr page_begin) : builder_(builder), page_begin_(page_begin) {}

  void add(Vaddr at, const gp_rule& rule) { builder_.add(static_cast<uint32_t>(at - page_begin_), rule); }
  void add_no_rule(Vaddr at) { builder_.add_no_rule(static_cast<uint32_t>(at - page_begin_)); }
  [[nodiscard]] RowBuilder& builder() { return builder_; }

 private:
  RowBuilder& builder_;
  Vaddr page_begin_;
};

// A stretch of code a source knows, [begin, end).
struct CodeSpan {
  Vaddr begin;
  Vaddr end;
};

// A source walks through an address range in ascending order: seek() once, then next() and emit() by turns.
// Owner thread: one at a time.
class RuleSource {
 public:
  virtual ~RuleSource() = default;
  // What limits the work for one page starts anew.
  virtual void start_page() = 0;
  virtual void seek(Vaddr address) = 0;
  // The next span that ends behind `from` and begins before `limit`; nothing when there is none.
  virtual std::optional<CodeSpan> next(Vaddr from, Vaddr limit) = 0;
  // Adds rows for [begin, end), a part of the span next() gave last.
  virtual void emit(Vaddr begin, Vaddr end, PageRows& rows) = 0;
  [[nodiscard]] virtual size_t owned_bytes() const = 0;
};

}  // namespace gp::elf
