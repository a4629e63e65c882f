#include "symbols/kernel_layout.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hash.h"
#include "base/line_cutter.h"
#include "os/unique_fd.h"
#include "symbols/kallsyms.h"

namespace gp::symbols {
namespace {

// _text comes first, or after some hundred absolute symbols of per-CPU data (x86-64 before 6.15).
constexpr size_t kMaxHeadBytes = 64U << 10U;
constexpr size_t kMaxModulesBytes = 4U << 20U;
constexpr size_t kMaxNotesBytes = 64U << 10U;
constexpr std::string_view kTextSymbol = " T _text";

// The address of _text; 0 when it is not among the first symbols, or hidden.
uint64_t text_address(const std::string& kallsyms) {
  uint64_t address = 0;
  const auto fd = os::open_file(kallsyms);
  if (!fd) return 0;
  LineCutter cutter(KallsymsTable::kMaxLineBytes, [&address](std::string_view line) {
    if (!line.ends_with(kTextSymbol)) return true;
    std::from_chars(line.data(), line.data() + line.size(), address, 16);
    return false;
  });
  std::array<char, 4096> chunk;
  for (size_t total = 0; total < kMaxHeadBytes;) {
    const ssize_t got = ::read(fd->get(), chunk.data(), chunk.size());
    if (got <= 0 || !cutter.feed({chunk.data(), static_cast<size_t>(got)})) break;
    total += static_cast<size_t>(got);
  }
  return address;
}

}  // namespace

KernelLayout KernelLayout::read(const KernelFiles& files) {
  KernelLayout layout;
  if (const auto text = os::read_file(files.modules, kMaxModulesBytes)) {
    LineCutter cutter(KallsymsTable::kMaxLineBytes, [&layout](std::string_view line) {
      const auto module = parse_module_line(line);
      if (module && module->address != 0 && module->size != 0)
        layout.regions_.push_back({std::string(module->name), module->address, module->address + module->size});
      return true;
    });
    cutter.feed(*text);
  }
  // Indexes hold 32-bit distances; the kernel's own end is in its symbols.
  if (const uint64_t text = text_address(files.kallsyms); text != 0)
    layout.regions_.push_back({"", text, text + std::min<uint64_t>(UINT32_MAX, UINT64_MAX - text)});
  std::ranges::sort(layout.regions_, {}, &KernelRegion::begin);
  // The size of a module counts data that lies elsewhere: where its text seems to reach into another's it ends.
  for (size_t i = 1; i < layout.regions_.size(); ++i) {
    KernelRegion& before = layout.regions_[i - 1];
    before.end = std::min(before.end, layout.regions_[i].begin);
  }
  return layout;
}

const KernelRegion* KernelLayout::find(Pc pc) const {
  const auto after = std::ranges::upper_bound(regions_, pc.value, {}, &KernelRegion::begin);
  if (after == regions_.begin() || pc.value >= std::prev(after)->end) return nullptr;
  return &*std::prev(after);
}

std::optional<elf::FileId> region_identity(const KernelFiles& files, const KernelRegion& region) {
  struct utsname name{};
  const auto kernel = os::read_file(files.notes, kMaxNotesBytes);
  if (!kernel || kernel->empty() || ::uname(&name) != 0) return std::nullopt;
  std::string text = *kernel + name.release + name.version;
  if (!region.module.empty()) {
    const auto notes = os::read_file(
        fmt::format("{}/{}/notes/.note.gnu.build-id", files.module_directory, region.module), kMaxNotesBytes);
    if (!notes || notes->empty()) return std::nullopt;
    text += region.module + *notes;
  }
  const auto hash = hash128({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return elf::FileId{.low = hash[0], .high = hash[1]};
}

}  // namespace gp::symbols
