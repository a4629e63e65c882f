#include "symbols/kernel_symbols.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "base/hash.h"
#include "base/line_cutter.h"
#include "os/unique_fd.h"

namespace gp::symbols {
namespace {

constexpr size_t kMaxKallsymsBytes = 256U << 20U;  // 1,000,000 symbols of the longest names in use fit
constexpr size_t kMaxModulesBytes = 4U << 20U;

Result<void> for_each_line(const std::string& path, size_t max_bytes, const LineCutter::Callback& callback) {
  GP_ASSIGN(const os::UniqueFd fd, os::open_file(path));
  LineCutter cutter(KallsymsTable::kMaxLineBytes, callback);
  std::array<char, 64U << 10U> chunk;
  for (size_t total = 0; total < max_bytes;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + path);
    if (got == 0 || !cutter.feed({chunk.data(), static_cast<size_t>(got)})) break;
    total += static_cast<size_t>(got);
  }
  cutter.finish();
  return {};
}

// The highest id of a loaded BPF program. Ids only grow, so a program loaded since `last` has a higher one.
uint32_t newest_bpf_program(uint32_t last) {
  constexpr int kMaxPrograms = 100'000;
  for (int i = 0; i < kMaxPrograms; ++i) {
    union bpf_attr attr{};
    attr.start_id = last;
    if (::syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)) != 0) break;
    last = attr.next_id;
  }
  return last;
}

}  // namespace

uint64_t KernelSymbols::stamp() {
  if (source_.watch_bpf) newest_bpf_program_ = newest_bpf_program(newest_bpf_program_);
  const auto modules = os::read_file(source_.modules, kMaxModulesBytes);  // absent without module support
  return hash_mix(newest_bpf_program_, modules ? hash64(std::string_view(*modules)) : 0);
}

void KernelSymbols::begin_window() {
  may_read_ = true;
  if (loaded_ && stamp() != stamp_) loaded_ = false;
}

Result<void> KernelSymbols::load() {
  if (!loaded_ && may_read_) reload();
  if (error_) return std::unexpected(*error_);
  return {};
}

void KernelSymbols::reload() {
  may_read_ = false;
  stamp_ = stamp();
  table_ = KallsymsTable();  // frees the old one first: never two in memory
  error_.reset();
  // A kernel without modules has no such file; symbols of modules then reach to the next symbol.
  (void)for_each_line(source_.modules, kMaxModulesBytes, [this](std::string_view line) {
    table_.add_module_line(line);
    return true;
  });
  const auto read = for_each_line(source_.kallsyms, kMaxKallsymsBytes, [this](std::string_view line) {
    table_.add_line(line);
    return true;
  });
  table_.finish();
  loaded_ = true;
  charge_.set(table_.memory_bytes());
  if (!read) {
    error_ = read.error();
  } else if (table_.hidden()) {
    error_ = Error(ErrorCode::kPermission,
                   source_.kallsyms + " shows no addresses: needs CAP_SYSLOG or kernel.kptr_restrict=0");
  } else if (table_.size() == 0) {
    error_ = Error(ErrorCode::kUnsupported, source_.kallsyms + " has no symbols");
  }
}

std::optional<KernelSymbol> KernelSymbols::find(Pc pc) {
  if (!loaded_ && may_read_) reload();
  auto symbol = table_.find(pc);
  if (!symbol && may_read_) {
    reload();
    symbol = table_.find(pc);
  }
  return symbol;
}

void KernelSymbols::release() {
  table_ = KallsymsTable();
  charge_.set(0);
  loaded_ = false;
  may_read_ = true;
}

}  // namespace gp::symbols
