// What the agent asks of a language runtime: to be recognised in a file, prepared for a process, and its symbol
// records decoded. One implementation per folder under src/runtimes; `app` hands the list to the engine.
// Owner thread: loader (detect, attach) and reader (decode); implementations are stateless.
#pragma once

#include <cstdint>
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

// Half-open range of a file.
struct FileRange {
  FileOffset start;
  FileOffset end;
  [[nodiscard]] bool empty() const { return end <= start; }
};

// An interpreter found in a file: the executable itself or a shared library. Shared by all processes that map it.
struct RuntimeFile {
  uint32_t kind = GP_RUNTIME_NONE;  // enum gp_runtime
  std::string version;              // "3.11", for people
  bool supported = false;           // false: version known, walking not; frames say so
  FileRange eval;                   // the interpreter loop
  FileRange eval_cold;              // the part of it the compiler split off, may be empty
  Vaddr runtime_vaddr;              // where its global state is (_PyRuntime)
  Vaddr code_type_vaddr;            // PyCode_Type, 0: not exported
  gp_python python{};               // offsets as far as the version alone tells them; addresses still zero
};

// Reads memory of one live process; true when all bytes were read. Bytes are untrusted.
class MemoryReader {
 public:
  virtual ~MemoryReader() = default;
  virtual bool read(Pc address, std::span<uint8_t> to) const = 0;
};

// A piece of interpreted code: what frames that refer to it are called. Kept after its process has gone.
struct CodeSymbol {
  std::string name;  // qualified: "lister.Burner.burn"
  std::string file;
  uint32_t first_line = 0;
  bool name_known = false;
  std::vector<uint8_t> line_table;  // the runtime's own format, empty: lines are not known
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;  // "python"
  // Nothing when `image` holds no such interpreter. `path` is only a hint.
  [[nodiscard]] virtual std::optional<RuntimeFile> detect(const elf::Image& image, std::string_view path) const = 0;
  // Fills the process' entry of the walker's table. `bias`: address in the process minus vaddr in the file.
  [[nodiscard]] virtual Result<gp_python> attach(const RuntimeFile& file, const MemoryReader& memory,
                                                 uint64_t bias) const = 0;
  // `record` is a whole GP_RECORD_SYMBOL as it came from the ring; memory, when there, serves what did not fit.
  [[nodiscard]] virtual std::optional<CodeSymbol> decode(std::span<const uint8_t> record,
                                                         const MemoryReader* memory) const = 0;
  // The line of the instruction a frame carries in `extra`; 0 when unknown.
  [[nodiscard]] virtual uint32_t line(const CodeSymbol& symbol, uint32_t instruction) const = 0;
};

}  // namespace gp::targets
