#include "elf/unwind_source.h"

#include <elf.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "elf/cfi_source.h"
#include "elf/code/code_source.h"
#include "elf/go_source.h"
#include "elf/known_code_source.h"
#include "elf/root_source.h"

namespace gp::elf {
namespace {

template <class Source>
void add(std::vector<std::unique_ptr<RuleSource>>& sources, std::optional<Source> source) {
  if (source) sources.push_back(std::make_unique<Source>(*std::move(source)));
}

}  // namespace

UnwindSource::UnwindSource(const Image& image, const Image* debug) : image_(&image) {
  if (image.machine() != Machine::kX86_64) return;
  auto go = GoSource::from_image(image);
  const bool is_go = go.has_value();
  const bool has_libc = KnownCodeSource::may_hold_libc(image);
  if (is_go || has_libc) add(sources_, std::optional(KnownCodeSource::signal_trampolines(image)));
  add(sources_, RootSource::from_image(image));
  const size_t without_tables = sources_.size();
  add(sources_, std::move(go));
  add(sources_, CfiSource::from_eh_frame(image));
  // What Go's linker puts there says less than its pclntab.
  if (!is_go) add(sources_, CfiSource::from_debug_frame(image));
  if (debug != nullptr) add(sources_, CfiSource::from_debug_frame(*debug));
  if (sources_.size() == without_tables) add_mini_debug();
  for (size_t i = without_tables; i < sources_.size(); ++i) tables_.push_back(sources_[i].get());
  if (is_go) return;
  if (has_libc) add(sources_, std::optional(KnownCodeSource::exits_of_main(image)));
  add(sources_, std::optional(KnownCodeSource::clones(image)));
  add(sources_, std::optional(KnownCodeSource::starts_of_contexts(image)));
  add(sources_, std::optional(KnownCodeSource::ends_of_shims(image)));
  add(sources_, std::optional<CodeSource>(image));
  code_ = static_cast<CodeSource*>(sources_.back().get());
}

// Costs its decompression, so only for files that say nothing else.
void UnwindSource::add_mini_debug() {
  auto mini = image_->mini_debug_image();
  if (!mini) return;
  mini_debug_ = std::make_unique<Image>(*std::move(mini));
  add(sources_, CfiSource::from_debug_frame(*mini_debug_));
}

UnwindPage UnwindSource::compile_page(uint64_t page_index) {
  RowBuilder builder;
  return compile_page(page_index, builder);
}

UnwindPage UnwindSource::compile_page(uint64_t page_index, RowBuilder& builder) {
  UnwindPage page = compile_once(page_index, builder);
  if (code_ == nullptr || !code_->is_wanted()) return page;
  analyse_code();
  return compile_once(page_index, builder);
}

std::optional<LearnedFunction> UnwindSource::learned_function(Vaddr address) {
  const auto offset = image_->to_offset(address);
  if (code_ == nullptr || !offset) return std::nullopt;
  const uint64_t page = offset->value >> GP_PAGE_SHIFT;
  if (!code_->is_made() && page != page_without_code_) {
    static_cast<void>(compile_page(page));  // which tells whether it is worth the while
    page_without_code_ = page;
  }
  return code_->function_at(address);
}

void UnwindSource::analyse_code() {
  std::vector<CodeSpan> found;
  for (RuleSource* table : tables_) table->start_page();
  for (const OffsetRange& range : image_->executable_ranges())
    if (const auto begin = image_->to_vaddr(range.begin))
      find_code_without_rules(0, *begin, *begin + (range.end - range.begin), found);
  std::ranges::sort(found, {}, &CodeSpan::begin);
  code_->analyse(found);
}

// NOLINTNEXTLINE(misc-no-recursion): one level per table
void UnwindSource::find_code_without_rules(size_t table, Vaddr begin, Vaddr end, std::vector<CodeSpan>& found) {
  if (table == tables_.size()) {
    found.push_back({begin, end});
    return;
  }
  RuleSource& rules = *tables_[table];
  rules.seek(begin);
  while (begin < end) {
    const auto span = rules.next(begin, end);
    if (!span) break;
    if (span->begin > begin) find_code_without_rules(table + 1, begin, span->begin, found);
    begin = span->end;
  }
  if (begin < end) find_code_without_rules(table + 1, begin, end, found);
}

UnwindPage UnwindSource::compile_once(uint64_t page_index, RowBuilder& builder) {
  builder.start();
  if (sources_.empty() || page_index > std::numeric_limits<uint64_t>::max() >> GP_PAGE_SHIFT) return builder.finish();
  for (const auto& source : sources_) source->start_page();
  const FileOffset page{page_index << GP_PAGE_SHIFT};
  uint64_t done = 0;  // bytes of the page that are compiled
  for (const OffsetRange& range : image_->executable_ranges()) {
    if (range.end <= page || (range.begin > page && range.begin - page >= GP_PAGE_SIZE)) continue;
    const uint64_t from = std::max(done, range.begin > page ? range.begin - page : 0);
    const uint64_t to = std::min<uint64_t>(range.end - page, GP_PAGE_SIZE);
    if (from >= to) continue;
    const auto address = image_->to_vaddr(page + from);
    if (!address) continue;
    PageRows rows(builder, *address - from);
    fill(0, *address, *address + (to - from), rows);
    if (to < GP_PAGE_SIZE) builder.add_no_rule(static_cast<uint32_t>(to));
    done = to;
  }
  return builder.finish();
}

// NOLINTNEXTLINE(misc-no-recursion): one level per source, of which there are a handful
void UnwindSource::fill(size_t source, Vaddr begin, Vaddr end, PageRows& rows) {
  if (source == sources_.size()) {
    rows.add_no_rule(begin);
    return;
  }
  RuleSource& rules = *sources_[source];
  rules.seek(begin);
  while (begin < end) {
    const auto span = rules.next(begin, end);
    if (!span) break;
    if (span->begin > begin) fill(source + 1, begin, span->begin, rows);
    const Vaddr stop = std::min(span->end, end);
    rules.emit(std::max(begin, span->begin), stop, rows);
    begin = stop;
  }
  if (begin < end) fill(source + 1, begin, end, rows);
}

size_t UnwindSource::owned_bytes() const {
  size_t bytes = mini_debug_ ? mini_debug_->owned_bytes() : 0;
  for (const auto& source : sources_) bytes += source->owned_bytes();
  return bytes;
}

}  // namespace gp::elf
