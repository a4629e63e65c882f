#include "symbols/kernel_symbols.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

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

// The functions of a region, counted from where it begins.
Result<void> write_region(const KallsymsTable& table, const KernelRegion& region, const PieceCallback& on_piece,
                          const NameCallback& on_name) {
  uint32_t names_bytes = 0;  // kallsyms holds at most KallsymsTable::kMaxNameBytes of them
  return table.for_each_function(
      region.module, [&](uint64_t begin, uint64_t end, std::string_view name) -> Result<void> {
        if (begin < region.begin || begin >= region.end) return {};
        const auto start = static_cast<uint32_t>(begin - region.begin);
        const auto stop = static_cast<uint32_t>(std::min(end, region.end) - region.begin);
        GP_TRY(on_piece({.start = start, .end = stop, .name = names_bytes, .function = start}));
        names_bytes += static_cast<uint32_t>(name.size()) + 1;
        return on_name(name, {});
      });
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
  if (files_.watch_bpf) newest_bpf_program_ = newest_bpf_program(newest_bpf_program_);
  const auto modules = os::read_file(files_.modules, kMaxModulesBytes);  // absent without module support
  return hash_mix(newest_bpf_program_, modules ? hash64(std::string_view(*modules)) : 0);
}

void KernelSymbols::begin_window() {
  may_read_ = true;
  layout_fresh_ = false;
  if (loaded_ && stamp() != stamp_) loaded_ = false;
}

Result<void> KernelSymbols::load() {
  if (!loaded_ && may_read_) reload();
  if (error_) return std::unexpected(*error_);
  return {};
}

void KernelSymbols::reload() {
  may_read_ = false;
  ++readings_;
  stamp_ = stamp();
  table_ = KallsymsTable();  // frees the old one first: never two in memory
  error_.reset();
  // A kernel without modules has no such file; symbols of modules then reach to the next symbol.
  (void)for_each_line(files_.modules, kMaxModulesBytes, [this](std::string_view line) {
    table_.add_module_line(line);
    return true;
  });
  const auto read = for_each_line(files_.kallsyms, kMaxKallsymsBytes, [this](std::string_view line) {
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
                   files_.kallsyms + " shows no addresses: needs CAP_SYSLOG or kernel.kptr_restrict=0");
  } else if (table_.size() == 0) {
    error_ = Error(ErrorCode::kUnsupported, files_.kallsyms + " has no symbols");
  }
}

std::optional<KernelSymbol> KernelSymbols::find(Pc pc) {
  const KernelRegion* region = region_at(pc);
  Kept* kept = region != nullptr ? &kept_of(*region) : nullptr;
  if (kept != nullptr && kept->index) {
    if (const auto symbol = kept->index->find({pc.value - region->begin}))
      return KernelSymbol{.name = symbol->name, .module = region->module};
  }
  const auto symbol = find_in_text(pc);
  if (symbol && kept != nullptr && !kept->index) keep(*region, *kept);
  return symbol;
}

const KernelRegion* KernelSymbols::region_at(Pc pc) {
  if (cache_ == nullptr || cache_->error()) return nullptr;
  if (!layout_fresh_) {
    KernelLayout layout = KernelLayout::read(files_);
    // A module that came back may be another build.
    if (layout != layout_) kept_.clear();
    layout_ = std::move(layout);
    layout_fresh_ = true;
  }
  return layout_.find(pc);
}

KernelSymbols::Kept& KernelSymbols::kept_of(const KernelRegion& region) {
  const auto [place, added] = kept_.try_emplace(region.module);
  Kept& kept = place->second;
  if (!added) return kept;
  if (const auto file = region_identity(files_, region)) kept.identity = IndexIdentity{.file = *file, .debug_stamp = 0};
  if (kept.identity) kept.index = cache_->find(*kept.identity);
  return kept;
}

// Makes the index of a region out of the text just read; tried once.
void KernelSymbols::keep(const KernelRegion& region, Kept& kept) {
  const auto identity = std::exchange(kept.identity, std::nullopt);
  if (!identity) return;
  const auto pieces = [&](const PieceCallback& piece, const NameCallback& name) {
    return write_region(table_, region, piece, name);
  };
  auto made = cache_->make_file(*identity, [&](IndexSink& sink) { return write_index(0, pieces, *identity, sink); });
  if (made) kept.index = std::move(*made);
}

std::optional<KernelSymbol> KernelSymbols::find_in_text(Pc pc) {
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
