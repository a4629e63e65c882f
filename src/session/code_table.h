// Names of interpreted code, as the kernel side ships them once for each process, object and cookie: kept for all
// sessions and from window to window. Processes that run the same code share one symbol, so that their stacks merge, too.
// Bounded: when half the budget is full, what is older is dropped at the next turn and everything still in use is asked
// for again, so that no frame loses its name. Owner thread: reader.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/account.h"
#include "base/ids.h"
#include "targets/runtime.h"

namespace gp::session {

struct CodeKey {
  ProcessKey process;
  uint32_t runtime = 0;  // enum gp_runtime
  uint32_t cookie = 0;
  uint64_t object = 0;
  auto operator<=>(const CodeKey&) const = default;
};

class CodeTable {
 public:
  static constexpr size_t kMaxBytes = 16U << 20U;  // some 20,000 functions with their line tables

  explicit CodeTable(size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // A name that could not be read is replaced by one that could.
  void add(const CodeKey& key, targets::CodeSymbol symbol);
  [[nodiscard]] std::shared_ptr<const targets::CodeSymbol> find(const CodeKey& key) const;
  // What was added since the last call of age() becomes old, what was old is gone: the kernel side has to ship again
  // what is in use.
  void age();
  [[nodiscard]] bool wants_aging() const { return young_.size() * kNodeBytes + young_bytes_ > max_bytes_ / 2; }
  void forget_processes(const std::function<bool(ProcessKey)>& has_ended);
  [[nodiscard]] size_t memory_bytes() const { return (young_.size() + old_.size()) * kNodeBytes + symbol_bytes_; }

 private:
  static constexpr size_t kNodeBytes = 112;  // of a key: the map's node, and what the allocator adds

  using Symbol = std::shared_ptr<const targets::CodeSymbol>;
  using Symbols = std::map<CodeKey, Symbol>;
  struct Hash {
    size_t operator()(const Symbol& symbol) const;
  };
  struct Equal {
    bool operator()(const Symbol& a, const Symbol& b) const;
  };

  void charge() { charge_.set(memory_bytes()); }
  Symbol shared(targets::CodeSymbol symbol);
  void forget_unused();
  static void forget(Symbols& symbols, const std::function<bool(ProcessKey)>& has_ended);

  size_t max_bytes_;
  Symbols young_;
  Symbols old_;
  std::unordered_map<Symbol, bool, Hash, Equal> distinct_;  // all of theirs; true: a young key has it
  size_t symbol_bytes_ = 0;                                 // of those
  size_t young_bytes_ = 0;                                  // of those that are true
  Charge charge_{account("interpreted code")};
};

// Heap of a symbol in a table.
size_t memory_bytes(const targets::CodeSymbol& symbol);

}  // namespace gp::session
