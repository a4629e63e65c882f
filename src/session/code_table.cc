#include "session/code_table.h"

#include <utility>

namespace gp::session {
namespace {

constexpr size_t kNodeBytes = 96;  // of the map and the shared pointer

}  // namespace

size_t memory_bytes(const targets::CodeSymbol& symbol) {
  return sizeof(symbol) + symbol.name.capacity() + symbol.file.capacity() + symbol.line_table.capacity() + kNodeBytes;
}

void CodeTable::add(const CodeKey& key, targets::CodeSymbol symbol) {
  auto& place = young_[key];
  if (place && (place->name_known || !symbol.name_known)) return;
  if (place) young_bytes_ -= session::memory_bytes(*place);
  young_bytes_ += session::memory_bytes(symbol);
  place = std::make_shared<const targets::CodeSymbol>(std::move(symbol));
  charge();
}

std::shared_ptr<const targets::CodeSymbol> CodeTable::find(const CodeKey& key) const {
  if (const auto known = young_.find(key); known != young_.end()) return known->second;
  const auto known = old_.find(key);
  return known == old_.end() ? nullptr : known->second;
}

void CodeTable::age() {
  old_ = std::exchange(young_, {});
  old_bytes_ = std::exchange(young_bytes_, 0);
  charge();
}

void CodeTable::forget_processes(const std::function<bool(ProcessKey)>& has_ended) {
  young_bytes_ -= forget(young_, has_ended);
  old_bytes_ -= forget(old_, has_ended);
  charge();
}

// Bytes given back. Each process is asked about once: its symbols are neighbours.
size_t CodeTable::forget(Symbols& symbols, const std::function<bool(ProcessKey)>& has_ended) {
  size_t bytes = 0;
  for (auto symbol = symbols.begin(); symbol != symbols.end();) {
    const ProcessKey process = symbol->first.process;
    const bool ended = has_ended(process);
    for (; symbol != symbols.end() && symbol->first.process == process;) {
      if (!ended) {
        ++symbol;
        continue;
      }
      bytes += session::memory_bytes(*symbol->second);
      symbol = symbols.erase(symbol);
    }
  }
  return bytes;
}

}  // namespace gp::session
