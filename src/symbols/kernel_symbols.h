// Names of kernel code: the kernel proper, modules, BPF programs, trampolines.
//
// /proc/kallsyms costs 40 ms and more of the kernel's own time to read. So the symbols of the kernel proper and of
// modules are kept in the symbol cache, one index each, counted from where the region begins and told by build ids, so
// that they serve the next window, run and boot. What no index covers (BPF programs, trampolines, builds met for the
// first time) is looked up in the text itself: read when first asked, kept in about 2.5 MiB per 65,000 functions,
// dropped by release(). Once per window the loaded modules and BPF programs are looked at; when they changed, the next
// lookup that needs the text reads it anew, and so does, once per window, an address that no known symbol covers.
//
// Owner thread: the closer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/account.h"
#include "base/ids.h"
#include "base/result.h"
#include "symbols/index_cache.h"
#include "symbols/kallsyms.h"
#include "symbols/kernel_layout.h"

namespace gp::symbols {

class KernelSymbols {
 public:
  // `cache` (may be null: nothing is kept) must outlive this.
  explicit KernelSymbols(KernelFiles files = {}, IndexCache* cache = nullptr)
      : files_(std::move(files)), cache_(cache) {}

  // A new window begins: one more reading is allowed, and due when modules or BPF programs came or went.
  void begin_window();

  // The function `pc` lies in. The views hold until the next call of any member that is not const.
  std::optional<KernelSymbol> find(Pc pc);

  // Why there are no names, if there are none: kPermission when the kernel hides its addresses
  // (kernel.kptr_restrict), else what reading failed with.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  // Reads now, if not read yet.
  Result<void> load();

  void release();
  // Heap; mapped indexes cost none.
  [[nodiscard]] size_t memory_bytes() const { return loaded_ ? table_.memory_bytes() : 0; }
  // How often the text was read.
  [[nodiscard]] uint64_t readings() const { return readings_; }

 private:
  // A region's symbols as far as the cache has them.
  struct Kept {
    std::optional<IndexIdentity> identity;  // nothing: no index is to be made (any more)
    std::optional<SymbolIndex> index;
  };

  const KernelRegion* region_at(Pc pc);
  Kept& kept_of(const KernelRegion& region);
  void keep(const KernelRegion& region, Kept& kept);
  std::optional<KernelSymbol> find_in_text(Pc pc);
  void reload();
  uint64_t stamp();

  KernelFiles files_;
  IndexCache* cache_;
  KernelLayout layout_;
  bool layout_fresh_ = false;                   // read in this window
  std::unordered_map<std::string, Kept> kept_;  // by module, of layout_
  KallsymsTable table_;
  std::optional<Error> error_;
  uint64_t stamp_ = 0;  // of what was loaded when the table was read
  uint64_t readings_ = 0;
  uint32_t newest_bpf_program_ = 0;
  Charge charge_{account("kernel symbols")};
  bool loaded_ = false;
  bool may_read_ = true;  // not read yet in this window
};

}  // namespace gp::symbols
