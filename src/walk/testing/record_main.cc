// Records the stack of a running program for recorded_stack.h: stops its threads for a moment, one after the other, until
// one is in FUNCTION. Usage: gp_record_stack PID FUNCTION > FILE.rec
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <set>

#include "elf/symbol_table.h"
#include "elf/unwind_source.h"
#include "os/proc_maps.h"
#include "os/procfs.h"
#include "walk/testing/recorded_stack.h"

namespace gp::walk {
namespace {

constexpr size_t kMaxStack = 48U << 10U;
constexpr uint32_t kMaxFiles = 16;
constexpr int kTurns = 2000;

struct File {
  std::string path;
  std::unique_ptr<elf::Image> image;
  std::unique_ptr<elf::UnwindSource> source;
};

std::string function_at(const elf::Image& image, uint64_t offset) {
  const auto address = image.to_vaddr({offset});
  if (!address) return "?";
  for (const auto& table : {elf::SymbolTable::full(image), elf::SymbolTable::dynamic(image)}) {
    for (size_t i = 0; i < table.size(); ++i) {
      const auto symbol = table.function(i);
      if (symbol && *address - symbol->address < symbol->size) return std::string(symbol->name);
    }
  }
  return "?";
}

class Recorder {
 public:
  explicit Recorder(int32_t pid) : pid_(pid) {}

  bool read_maps() {
    const auto scan = os::for_each_mapping(pid_, [this](const os::MapsEntry& entry) {
      if (entry.path == "[stack]") stack_end_ = entry.end;
      if (!entry.executable || entry.inode == 0) return true;
      const auto slot = file_slot(std::string(entry.path));
      if (slot) {
        recorded_.mappings.push_back(
            {.start = entry.start, .end = entry.end, .offset = entry.offset, .file = *slot, .flags = 0});
      }
      return true;
    });
    return scan.has_value();
  }

  // True when the thread was in that function.
  bool record(int32_t tid, std::string_view function) {
    if (!capture(tid)) return false;
    RecordedTables tables(kMaxFiles);
    NativeWalker walker(tables.plain.tables);
    recorded_.pages.clear();
    recorded_.names.clear();
    WalkedStack walked = walker.walk(recorded_.deferred());
    while (walked.end == GP_END_PAGE_MISSING && compile_missing(walked.missing_pc, tables)) {
      walked = walker.walk(recorded_.deferred());
    }
    bool found = false;
    for (const gp_frame& frame : walked.frames) {
      const uint64_t at = frame.value - ((frame.flags & GP_FRAME_RETURN_ADDRESS) != 0 ? 1 : 0);
      const std::string name = function_at(*files_[frame.extra].image, at);
      recorded_.names[{frame.extra, frame.value}] = name;
      found |= name == function;
    }
    if (found) {
      trim(walked);
      trim_stack(walker, walked.frames.size());
    }
    return found;
  }

  void print() const {
    for (uint32_t i = 0; i < GP_REGS; ++i) fmt::print("reg {:x} {:x}\n", i, uint64_t{recorded_.registers.value[i]});
    for (const auto& map : recorded_.mappings) {
      fmt::print("map {:x} {:x} {:x} {:x}\n", uint64_t{map.start}, uint64_t{map.end}, uint64_t{map.offset},
                 uint32_t{map.file});
    }
    for (const auto& page : recorded_.pages) {
      fmt::print("page {:x} {:x}\n", page.file, page.page);
      for (const gp_rule& rule : page.rules) {
        fmt::print("rule ");
        print_bytes({reinterpret_cast<const uint8_t*>(&rule), sizeof(rule)});
      }
      for (const gp_row& row : page.rows) fmt::print("row {:x} {:x}\n", uint16_t{row.pc}, uint16_t{row.rule});
    }
    for (const auto& [place, name] : recorded_.names)
      fmt::print("name {:x} {:x} {}\n", place.first, place.second, name);
    fmt::print("stack {:x}\n", recorded_.base);
    for (size_t at = 0; at < recorded_.stack.size(); at += 64) {
      print_bytes(Bytes(recorded_.stack).subspan(at, std::min<size_t>(64, recorded_.stack.size() - at)));
    }
  }

 private:
  static void print_bytes(Bytes bytes) {
    for (const uint8_t byte : bytes) fmt::print("{:02x}", byte);
    fmt::print("\n");
  }

  std::optional<uint32_t> file_slot(const std::string& path) {
    for (uint32_t i = 0; i < files_.size(); ++i) {
      if (files_[i].path == path) return i;
    }
    auto image = elf::Image::open(path);
    if (!image || files_.size() >= kMaxFiles) return std::nullopt;
    File file{.path = path, .image = std::make_unique<elf::Image>(std::move(*image)), .source = nullptr};
    file.source = std::make_unique<elf::UnwindSource>(*file.image);
    files_.push_back(std::move(file));
    return static_cast<uint32_t>(files_.size() - 1);
  }

  bool capture(int32_t tid) {
    if (::ptrace(PTRACE_SEIZE, tid, 0, 0) != 0) return false;
    int status = 0;
    user_regs_struct regs{};
    const bool stopped = ::ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0 && ::waitpid(tid, &status, __WALL) == tid &&
                         ::ptrace(PTRACE_GETREGS, tid, 0, &regs) == 0;
    if (stopped) read_state(regs);
    ::ptrace(PTRACE_DETACH, tid, 0, 0);
    return stopped && static_cast<int64_t>(regs.orig_rax) < 0 && !recorded_.stack.empty();
  }

  void read_state(const user_regs_struct& regs) {
    const uint64_t values[] = {regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi,
                               regs.rdi, regs.rbp, regs.rsp,  // NOLINT(modernize-avoid-c-arrays)
                               regs.r8,  regs.r9,  regs.r10, regs.r11, regs.r12,
                               regs.r13, regs.r14, regs.r15, regs.rip};
    std::ranges::copy(values, recorded_.registers.value);
    recorded_.registers.valid = GP_REGS_ALL;
    recorded_.base = regs.rsp & ~uint64_t{7};
    const bool main_stack = recorded_.base < stack_end_ && stack_end_ - recorded_.base < (8U << 20U);
    recorded_.stack.resize(main_stack ? std::min<size_t>(kMaxStack, stack_end_ - recorded_.base) : 4096);
    const auto read = os::read_memory(pid_, {recorded_.base}, recorded_.stack);
    recorded_.stack.resize(read.value_or(0));
  }

  bool compile_missing(uint64_t pc, RecordedTables& tables) {
    bool loaded = false;
    for (const uint64_t address : {pc - 1, pc}) {
      for (const gp_mapping& map : recorded_.mappings) {
        if (address < map.start || address >= map.end) continue;
        const auto page = static_cast<uint32_t>((address - map.start + map.offset) >> GP_PAGE_SHIFT);
        if (page >= kPagesOfAFile || tables.plain.tables.pages[map.file * kPagesOfAFile + page] != 0) continue;
        auto rows = files_[map.file].source->compile_page(page);
        recorded_.pages.push_back(
            {.file = map.file, .page = page, .rules = std::move(rows.rules), .rows = std::move(rows.rows)});
        tables.load(recorded_.pages.back());
        loaded = true;
      }
    }
    return loaded;
  }

  // Leaves no more of the stack than the walk needs: what lies above it is the program's environment.
  void trim_stack(NativeWalker& walker, size_t frames) {
    size_t enough = recorded_.stack.size();
    for (size_t step = enough / 2 & ~size_t{7}; step >= 8; step = step / 2 & ~size_t{7}) {
      while (enough > step) {
        DeferredStack shorter = recorded_.deferred();
        shorter.stack = shorter.stack.first(enough - step);
        const auto walked = walker.walk(shorter);
        if (walked.frames.size() != frames || walked.end == GP_END_STACK_READ) break;
        enough -= step;
      }
    }
    recorded_.stack.resize(enough);
  }

  // Leaves the rows around the frames and their rules.
  void trim(const WalkedStack& walked) {
    for (RecordedPage& page : recorded_.pages) {
      std::set<size_t> kept;
      for (const gp_frame& frame : walked.frames) {
        if (frame.extra != page.file) continue;
        for (const uint64_t at : {uint64_t{frame.value} - 1, uint64_t{frame.value}}) {
          if (at >> GP_PAGE_SHIFT != page.page) continue;
          const auto after = std::ranges::upper_bound(page.rows, at & (GP_PAGE_SIZE - 1), {}, &gp_row::pc);
          const auto index = static_cast<size_t>(after - page.rows.begin());
          for (size_t i = index < 3 ? 0 : index - 3; i < std::min(index + 2, page.rows.size()); ++i) kept.insert(i);
        }
      }
      RecordedPage small{.file = page.file, .page = page.page, .rules = {}, .rows = {}};
      std::map<uint16_t, uint16_t> renumbered;
      for (const size_t i : kept) {
        const auto [rule, added] = renumbered.try_emplace(page.rows[i].rule, static_cast<uint16_t>(small.rules.size()));
        if (added) small.rules.push_back(page.rules[page.rows[i].rule]);
        small.rows.push_back({.pc = page.rows[i].pc, .rule = rule->second});
      }
      page = std::move(small);
    }
  }

  int32_t pid_;
  uint64_t stack_end_ = 0;
  std::vector<File> files_;
  RecordedStack recorded_;
};

int run(int32_t pid, std::string_view function) {
  Recorder recorder(pid);
  if (!recorder.read_maps()) return 1;
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto threads = os::list_threads(pid);
    if (!threads) return 1;
    for (const int32_t tid : *threads) {
      if (!recorder.record(tid, function)) continue;
      recorder.print();
      return 0;
    }
    ::usleep(1000);
  }
  fmt::print(stderr, "no thread was seen in that function\n");
  return 1;
}

}  // namespace
}  // namespace gp::walk

int main(int count, char** arguments) {
  const std::string_view text = count == 3 ? arguments[1] : "";
  int32_t pid = 0;
  if (std::from_chars(text.begin(), text.end(), pid).ec != std::errc()) {
    fmt::print(stderr, "usage: gp_record_stack PID FUNCTION\n");
    return 2;
  }
  return gp::walk::run(pid, arguments[2]);
}
