// The text of the kernel's symbols as a compact sorted table. Pure: reads no file.
//
// Only code is kept. /proc/kallsyms has no sizes, so a function reaches to the next symbol, and at most to the end of
// what holds it: section marks (_etext and kin) bound the kernel proper, /proc/modules bounds each module, a fixed
// reach bounds code the kernel makes at run time (BPF programs, ftrace and kprobe trampolines).
//
// Owner thread: whoever made it. Formats: proc(5); kernel/kallsyms.c, s_show; kernel/module/procfs.c, m_show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace gp::symbols {

// The function a kernel address lies in. Views into the table, valid as long as it is.
struct KernelSymbol {
  std::string_view name;    // as kallsyms writes it: "do_sys_openat2", "bpf_prog_6deef7357e7b4530_sd_fw_egress"
  std::string_view module;  // "nf_tables", "bpf", "__builtin__ftrace"; empty for the kernel proper
};

// A line of /proc/modules.
struct ModuleLine {
  std::string_view name;  // views the line
  uint64_t address = 0;   // of its code; 0: hidden from us
  uint64_t size = 0;      // bytes, of all its sections
};
std::optional<ModuleLine> parse_module_line(std::string_view line);

class KallsymsTable {
 public:
  // A line longer than this is no kallsyms line: KSYM_NAME_LEN is 512 (include/linux/kallsyms.h).
  static constexpr size_t kMaxLineBytes = 1024;
  // Kernels have 60,000 to 200,000 functions; 24 bytes and the name for each, 64 MiB at the very worst.
  static constexpr size_t kMaxSymbols = 1'000'000;
  static constexpr size_t kMaxNameBytes = 40U << 20U;

  void add_line(std::string_view line);         // one of /proc/kallsyms
  void add_module_line(std::string_view line);  // one of /proc/modules
  void finish();                                // sorts; find() works from here on

  [[nodiscard]] std::optional<KernelSymbol> find(Pc pc) const;
  // The functions of one module (empty: of the kernel proper) by their starts, each with its end, which for a module's
  // last one is UINT64_MAX. The kernel's last one is left out when no mark says where it ends.
  using FunctionCallback = std::function<Result<void>(uint64_t begin, uint64_t end, std::string_view name)>;
  Result<void> for_each_function(std::string_view module, const FunctionCallback& callback) const;

  [[nodiscard]] size_t size() const { return symbols_.size(); }
  // Symbols were there but every address read zero: kernel.kptr_restrict hides them from us.
  [[nodiscard]] bool hidden() const { return seen_ > 0 && zero_ == seen_; }
  [[nodiscard]] uint64_t malformed() const { return malformed_; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }  // beyond the limits above
  [[nodiscard]] size_t memory_bytes() const;

 private:
  struct Symbol {
    uint64_t address = 0;
    uint32_t name = 0;  // offset in names_; kMark: a boundary without a name
    uint16_t name_size = 0;
    uint16_t module : 14 = 0;  // index into modules_; 0: the kernel proper
    uint16_t rank : 2 = 0;     // among names of one address: 0 global, 1 local, 2 weak
  };
  struct Module {
    std::string name;
    uint64_t end = 0;  // no code of it at or past this address; 0: unknown
  };

  uint16_t module_index(std::string_view name);
  void add(uint64_t address, char type, std::string_view name, std::string_view module);
  [[nodiscard]] std::string_view name_of(const Symbol& symbol) const;
  [[nodiscard]] bool preferred(const Symbol& a, const Symbol& b) const;
  [[nodiscard]] uint64_t end_of(const Symbol& symbol) const;

  std::vector<Symbol> symbols_;
  std::string names_;
  std::vector<Module> modules_{Module{}};
  std::unordered_map<std::string, uint16_t> module_numbers_;  // while reading
  std::string padded_;  // function whose leading padding (__pfx_) was the last symbol read
  uint64_t padding_start_ = 0;
  uint64_t seen_ = 0;
  uint64_t zero_ = 0;
  uint64_t malformed_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace gp::symbols
