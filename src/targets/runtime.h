// What the agent asks of a language runtime: to be recognised in a file, prepared for a process, and its symbol
// records decoded. One implementation per folder under src/runtimes; `app` hands the list to the engine.
// Owner thread: loader (detect, attach, thread_names), reader (decode) and package finder (read_packages); implementations are
// stateless.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "bpf/abi/sample.h"
#include "bpf/abi/tables.h"
#include "elf/image.h"

namespace gp::targets {

inline constexpr size_t kRuntimeAddresses = 8;

// Half-open range of a file.
struct FileRange {
  FileOffset start;
  FileOffset end;
  [[nodiscard]] bool empty() const { return end <= start; }
};

// An interpreter found in a file: the executable itself or a shared library. Shared by all processes that map it.
struct RuntimeFile {
  uint32_t kind = GP_RUNTIME_NONE;             // Runtime::kind(); set by whoever had it detected, as is
  std::string_view name;                       // Runtime::name()
  std::string version;                         // "3.11", for people
  std::string full_version;                    // "3.11.2"; empty: not known
  bool supported = false;                      // false: version known, walking not; frames say so
  std::array<FileRange, GP_EVAL_RANGES> eval;  // the interpreter loop, and what the compiler split off it
  std::vector<FileRange> instructions;  // functions that the loop runs its instructions in, sorted: as the loop itself,
                                        // they are no frames beside the interpreted ones
  std::array<Vaddr, kRuntimeAddresses> state;  // of what attach() needs; which is where, the runtime knows; 0: none
  gp_runtime_entry entry{};                    // layout as far as the version tells it; addresses still zero
};

// True when `at` lies in one of the functions of RuntimeFile::instructions.
inline bool is_instruction(const RuntimeFile& file, FileOffset at) {
  const auto after = std::ranges::upper_bound(file.instructions, at.value, {},
                                              [](const FileRange& range) { return range.start.value; });
  return after != file.instructions.begin() && at.value < std::prev(after)->end.value;
}

// The layout of a runtime's language in an entry, and an entry with one. `T`: the struct in bpf/abi/LANGUAGE.h.
template <class T>
T layout_of(const gp_runtime_entry& entry) {
  static_assert(sizeof(T) <= sizeof(entry.layout));
  T layout{};
  std::memcpy(&layout, entry.layout, sizeof(T));
  return layout;
}
template <class T>
gp_runtime_entry entry_with(uint32_t kind, const T& layout) {
  gp_runtime_entry entry{};
  static_assert(sizeof(T) <= sizeof(entry.layout));
  entry.kind = kind;
  std::memcpy(entry.layout, &layout, sizeof(T));
  return entry;
}

// Reads memory of one live process; true when all bytes were read. Bytes are untrusted.
class MemoryReader {
 public:
  virtual ~MemoryReader() = default;
  virtual bool read(Pc address, std::span<uint8_t> to) const = 0;
};

// Which package a file of code is of, with its version ("PyYAML==6.0"): said when names are wanted, as it takes reading
// files of the process first. Owner thread: any.
class PackageNames {
 public:
  virtual ~PackageNames() = default;
  // Empty: not known, or not yet. `file`: as in the code.
  [[nodiscard]] virtual std::string package_of(std::string_view file) const = 0;
};

// What is installed in one directory of packages. Unchanging.
class InstalledPackages {
 public:
  virtual ~InstalledPackages() = default;
  // `file`: its path below the directory. Nothing is said of packages that came later than `started_ns` (UNIX time): a
  // process that runs since then may have loaded what was there before.
  [[nodiscard]] virtual std::string_view package_of(std::string_view file, int64_t started_ns) const = 0;
  [[nodiscard]] virtual size_t memory_bytes() const = 0;
};

// A piece of interpreted code: what frames that refer to it are called. Kept after its process has gone.
struct CodeSymbol {
  uint32_t kind = GP_RUNTIME_NONE;  // enum gp_runtime; set by whoever has it decoded
  std::string name;                 // qualified: "lister.Burner.burn"
  std::string file;
  uint32_t first_line = 0;
  bool name_known = false;
  bool internal = false;            // machinery that the runtime's own backtraces leave out: no frame
  std::vector<uint8_t> line_table;  // in one of the runtime's own formats; empty: lines are not known
  uint32_t table_format = 0;
  std::shared_ptr<const PackageNames> packages{};  // null: it is of none
};

// What a runtime calls a thread, UTF-8.
struct ThreadName {
  uint64_t thread = 0;  // its thread pointer (pthread_self())
  std::string name;
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  [[nodiscard]] virtual uint32_t kind() const = 0;          // enum gp_runtime
  [[nodiscard]] virtual std::string_view name() const = 0;  // "python", also in frames that mark a gap
  // For people: by what it is recognised in a file.
  [[nodiscard]] virtual std::string_view found_by() const { return {}; }
  // Nothing when `image` holds no such interpreter. `path` is only a hint.
  [[nodiscard]] virtual std::optional<RuntimeFile> detect(const elf::Image& image, std::string_view path) const = 0;
  // The process' entry of the walker's table. `bias`: address in the process minus vaddr in the file.
  [[nodiscard]] virtual Result<gp_runtime_entry> attach(const RuntimeFile& file, const MemoryReader& memory,
                                                        uint64_t bias) const = 0;
  // `record` is a whole GP_RECORD_SYMBOL of this runtime as it came from the ring; memory, when there, serves what did not fit.
  [[nodiscard]] virtual std::optional<CodeSymbol> decode(std::span<const uint8_t> record,
                                                         const MemoryReader* memory) const = 0;
  // The line of the instruction a frame carries in `extra`; 0 when unknown.
  [[nodiscard]] virtual uint32_t line(const CodeSymbol& symbol, uint32_t instruction) const = 0;
  // The runtime has names of its own for threads: thread_names() is worth its while.
  [[nodiscard]] virtual bool names_threads() const { return false; }
  // Those of the threads of a process, as far as they are more than the kernel knows. `entry`: from attach().
  [[nodiscard]] virtual std::vector<ThreadName> thread_names(const gp_runtime_entry& /*entry*/,
                                                             const MemoryReader& /*memory*/) const {
    return {};
  }
  // The runtime's own library, if a file is of that: "standard-library==3.11.2". `version`: as full_version, not empty.
  [[nodiscard]] virtual std::string library_of(std::string_view /*file*/, std::string_view /*version*/) const {
    return {};
  }
  // The part of a file's path that is a directory of packages, with its slash; empty: the file is in none.
  [[nodiscard]] virtual std::string_view package_directory(std::string_view /*file*/) const { return {}; }
  // Reads what is installed in a directory of that kind, below the root directory `root` of its process. `before`: what
  // was read of it earlier, which need not be read again; may be null. Null when it cannot be read. Blocks.
  [[nodiscard]] virtual std::shared_ptr<const InstalledPackages> read_packages(
      const std::string& /*root*/, const std::string& /*directory*/, const InstalledPackages* /*before*/) const {
    return nullptr;
  }
};

}  // namespace gp::targets
