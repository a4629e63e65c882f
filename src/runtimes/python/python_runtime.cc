#include "runtimes/python/python_runtime.h"

#include <array>
#include <cstring>

#include "elf/cold_part.h"
#include "runtimes/code.h"
#include "runtimes/python/code_symbol.h"
#include "runtimes/python/debug_offsets.h"
#include "runtimes/python/instruction_functions.h"
#include "runtimes/python/line_table.h"
#include "runtimes/python/location_table.h"
#include "runtimes/python/loop_edges.h"
#include "runtimes/python/offsets.h"
#include "runtimes/python/packages.h"
#include "runtimes/python/symbols.h"
#include "runtimes/python/thread_names.h"
#include "runtimes/python/version.h"

namespace gp::runtimes::python {
namespace {

targets::FileRange cold_range(const elf::Image& image, const Symbols& symbols, elf::CodeRange eval) {
  if (symbols.eval_cold)
    return file_range(image, {symbols.eval_cold->address, symbols.eval_cold->address + symbols.eval_cold->size});
  const auto found = elf::find_cold_part(image, eval);
  return found ? file_range(image, *found) : targets::FileRange{};
}

// The offsets of the interpreter in the file; nothing when it is not one we can walk.
std::optional<gp_python> offsets_in(const elf::Image& image, const Symbols& symbols, uint16_t version) {
  if (version >= kPython313 && symbols.runtime) {
    auto described = read_debug_offsets(image.bytes_at(symbols.runtime->address));
    return described ? std::optional(*described) : std::nullopt;
  }
  auto python = offsets_of(version);
  if (!python || !symbols.code_type) return python;
  // The type says how long a code object is without its instructions: another layout has another length, or has the
  // field elsewhere (Py_TRACE_REFS lengthens every object's header).
  const auto size = read_at<uint64_t>(image.bytes_at(symbols.code_type->address + kTypeBasicSize), 0);
  if (size && *size != code_size_of(*python)) return std::nullopt;
  return python;
}

template <class T>
std::optional<T> read_value(const targets::MemoryReader& memory, uint64_t address) {
  std::array<uint8_t, sizeof(T)> bytes{};
  if (!memory.read(Pc{address}, bytes)) return std::nullopt;
  return read_at<T>(bytes, 0);
}

Result<uint64_t> read_pointer(const targets::MemoryReader& memory, uint64_t address, const char* what) {
  const auto value = read_value<uint64_t>(memory, address);
  if (!value) return fail(ErrorCode::kNotFound, fmt::format("cannot read python's {}", what));
  return *value;
}

}  // namespace

std::optional<targets::RuntimeFile> PythonRuntime::detect(const elf::Image& image, std::string_view path) const {
  const Symbols symbols = find_symbols(image);
  if (!symbols.any()) return std::nullopt;

  targets::RuntimeFile file;
  const Version version = find_version(image, symbols, path);
  file.version = version.text();
  file.full_version = find_full_version(image, symbols, version);
  if (symbols.runtime) file.state[kRuntimeState] = symbols.runtime->address;
  if (symbols.instance_type) file.state[kInstanceType] = symbols.instance_type->address;
  if (symbols.code_type) file.state[kCodeType] = symbols.code_type->address;
  elf::CodeRange eval{};
  if (symbols.eval) {
    eval = {symbols.eval->address, symbols.eval->address + symbols.eval->size};
    file.eval = {file_range(image, eval), cold_range(image, symbols, eval)};
    for (const auto& range : find_instruction_functions(image, eval))
      file.instructions.push_back(file_range(image, range));
  }
  if (symbols.runtime && version.number >= kPython313 && is_free_threaded(image.bytes_at(symbols.runtime->address)))
    file.version += "t";
  if (!symbols.runtime || file.eval[0].empty() || image.machine() != elf::Machine::kX86_64) return file;
  auto python = offsets_in(image, symbols, version.number);
  if (!python) return file;
  if (python->object_frames != 0) find_loop_edges(image, eval, *python);
  file.entry = targets::entry_with(GP_RUNTIME_PYTHON, *python);
  file.supported = true;
  return file;
}

Result<gp_runtime_entry> PythonRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                               uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, fmt::format("python {}", file.version));
  auto python = targets::layout_of<gp_python>(file.entry);
  python.runtime_address = file.state[kRuntimeState].value + bias;
  if (file.state[kCodeType].value != 0) python.code_type = file.state[kCodeType].value + bias;
  if (file.state[kInstanceType].value != 0) python.instance_type = file.state[kInstanceType].value + bias;
  const auto entry = targets::entry_with(GP_RUNTIME_PYTHON, python);

  // Just exec'ed, most often: nothing is there to be checked, and its first samples are not to be missed.
  GP_ASSIGN(const uint64_t interpreter,
            read_pointer(memory, python.runtime_address + python.interpreters_head, "interpreter"));
  if (interpreter == 0) return entry;
  GP_ASSIGN(const uint64_t thread, read_pointer(memory, interpreter + python.threads_head, "thread"));
  if (thread == 0) return entry;
  // A thread points back to its interpreter where all is laid out as expected.
  GP_ASSIGN(const uint64_t back, read_pointer(memory, thread + python.thread_interpreter, "thread state"));
  if (back != interpreter)
    return fail(ErrorCode::kMalformed, fmt::format("python {} does not look like one in memory", file.version));
  return entry;
}

std::optional<targets::CodeSymbol> PythonRuntime::decode(std::span<const uint8_t> record,
                                                         const targets::MemoryReader* memory) const {
  return decode_symbol(record, memory);
}

uint32_t PythonRuntime::line(const targets::CodeSymbol& symbol, uint32_t instruction) const {
  if (instruction == GP_PYTHON_NOT_STARTED) return symbol.first_line;
  const Bytes table = symbol.line_table;
  switch (symbol.table_format) {
    case GP_PYTHON_LOCATIONS: return line_of(table, symbol.first_line, instruction).value_or(0);
    case GP_PYTHON_LINETABLE: return linetable_line(table, symbol.first_line, instruction).value_or(0);
    case GP_PYTHON_LNOTAB: return lnotab_line(table, symbol.first_line, instruction, true);
    case GP_PYTHON_LNOTAB_SMALL: return lnotab_line(table, symbol.first_line, instruction, false);
    default: return 0;
  }
}

std::vector<targets::ThreadName> PythonRuntime::thread_names(const gp_runtime_entry& entry,
                                                             const targets::MemoryReader& memory) const {
  return read_thread_names(targets::layout_of<gp_python>(entry), memory);
}

std::string PythonRuntime::library_of(std::string_view file, std::string_view version) const {
  return is_standard_library(file) ? fmt::format("standard-library=={}", version) : std::string();
}

std::string_view PythonRuntime::package_directory(std::string_view file) const {
  return python::package_directory(file);
}

std::shared_ptr<const targets::InstalledPackages> PythonRuntime::read_packages(
    const std::string& root, const std::string& directory, const targets::InstalledPackages* before) const {
  return python::read_packages(root, directory, before);
}

}  // namespace gp::runtimes::python
