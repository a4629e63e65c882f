#include "session/code_table.h"

#include <iterator>
#include <unordered_set>
#include <utility>

#include "base/hash.h"

namespace gp::session {
namespace {

constexpr size_t kSymbolBytes = 64;  // of the shared pointer's block and of the set's node

}  // namespace

size_t memory_bytes(const targets::CodeSymbol& symbol) {
  return sizeof(symbol) + symbol.name.capacity() + symbol.file.capacity() + symbol.line_table.capacity() + kSymbolBytes;
}

size_t CodeTable::Hash::operator()(const Symbol& symbol) const {
  return hash_mix(hash_mix(hash64(symbol->name), hash64(symbol->file)),
                  hash_mix(hash64(Bytes(symbol->line_table)), symbol->first_line));
}

bool CodeTable::Equal::operator()(const Symbol& a, const Symbol& b) const {
  return a->kind == b->kind && a->first_line == b->first_line && a->table_format == b->table_format &&
         a->packages == b->packages && a->name_known == b->name_known && a->name == b->name && a->file == b->file &&
         a->line_table == b->line_table;
}

void CodeTable::add(const CodeKey& key, targets::CodeSymbol symbol) {
  auto& place = young_[key];
  if (place && (place->name_known || !symbol.name_known)) return;
  place = shared(std::move(symbol));
  charge();
}

// The one that is like it, if there is: it is marked as young.
CodeTable::Symbol CodeTable::shared(targets::CodeSymbol symbol) {
  const auto made = std::make_shared<const targets::CodeSymbol>(std::move(symbol));
  const auto [place, added] = distinct_.try_emplace(made, false);
  const size_t bytes = session::memory_bytes(*place->first);
  if (added) symbol_bytes_ += bytes;
  if (!std::exchange(place->second, true)) young_bytes_ += bytes;
  return place->first;
}

std::shared_ptr<const targets::CodeSymbol> CodeTable::find(const CodeKey& key) const {
  if (const auto known = young_.find(key); known != young_.end()) return known->second;
  const auto known = old_.find(key);
  return known == old_.end() ? nullptr : known->second;
}

void CodeTable::age() {
  old_ = std::exchange(young_, {});
  young_bytes_ = 0;
  for (auto& [symbol, young] : distinct_) young = false;
  forget_unused();
  charge();
}

void CodeTable::forget_processes(const std::function<bool(ProcessKey)>& has_ended) {
  forget(young_, has_ended);
  forget(old_, has_ended);
  forget_unused();
  charge();
}

// Symbols that no key has any more. A window that does keeps its own.
void CodeTable::forget_unused() {
  std::unordered_set<const targets::CodeSymbol*> used;
  for (const Symbols* symbols : {&young_, &old_}) {
    for (const auto& [key, symbol] : *symbols) used.insert(symbol.get());
  }
  std::erase_if(distinct_, [&](const auto& entry) {
    if (used.contains(entry.first.get())) return false;
    const size_t bytes = session::memory_bytes(*entry.first);
    symbol_bytes_ -= bytes;
    if (entry.second) young_bytes_ -= bytes;
    return true;
  });
}

// Each process is asked about once: its symbols are neighbours.
void CodeTable::forget(Symbols& symbols, const std::function<bool(ProcessKey)>& has_ended) {
  for (auto symbol = symbols.begin(); symbol != symbols.end();) {
    const ProcessKey process = symbol->first.process;
    const bool ended = has_ended(process);
    while (symbol != symbols.end() && symbol->first.process == process) {
      symbol = ended ? symbols.erase(symbol) : std::next(symbol);
    }
  }
}

}  // namespace gp::session
