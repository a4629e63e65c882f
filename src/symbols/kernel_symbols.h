// Names of kernel code: the kernel proper, modules, BPF programs, trampolines.
//
// Read when first asked, kept in about 2.5 MiB per 65,000 functions, dropped by release() and read again when needed
// (60 ms). Once per window the loaded modules and BPF programs are looked at; when they changed, the next lookup reads
// anew, and so does, once per window, an address that no known symbol covers.
//
// Owner thread: the closer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/account.h"
#include "base/ids.h"
#include "base/result.h"
#include "symbols/kallsyms.h"

namespace gp::symbols {

class KernelSymbols {
 public:
  struct Source {
    std::string kallsyms = "/proc/kallsyms";
    std::string modules = "/proc/modules";
    bool watch_bpf = true;  // ask bpf(2) for the newest program
  };

  KernelSymbols() : KernelSymbols(Source()) {}
  explicit KernelSymbols(Source source) : source_(std::move(source)) {}

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
  [[nodiscard]] size_t memory_bytes() const { return loaded_ ? table_.memory_bytes() : 0; }

 private:
  void reload();
  uint64_t stamp();

  Source source_;
  KallsymsTable table_;
  std::optional<Error> error_;
  uint64_t stamp_ = 0;  // of what was loaded when the table was read
  uint32_t newest_bpf_program_ = 0;
  Charge charge_{account("kernel symbols")};
  bool loaded_ = false;
  bool may_read_ = true;  // not read yet in this window
};

}  // namespace gp::symbols
