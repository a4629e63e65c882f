// CPython 2.7 and 3.6 to 3.14, shared and static builds, free-threaded ones too, embedded in any program.
//
// Limits: layouts other than the common one (Py_TRACE_REFS, other patches of the object
// header) are recognised and not walked; builds without section tables or with all symbols stripped are not found.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::python {

// What RuntimeFile::state holds.
inline constexpr size_t kRuntimeState = 0;  // _PyRuntime, or before 3.7 the head of the list of interpreters
inline constexpr size_t kCodeType = 1;      // PyCode_Type, where it is exported
inline constexpr size_t kInstanceType = 2;  // PyInstance_Type, in 2.7

class PythonRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PYTHON; }
  [[nodiscard]] std::string_view name() const override { return "python"; }
  [[nodiscard]] std::string_view found_by() const override {
    return "_PyRuntime and _PyEval_EvalFrameDefault (2.7: PyEval_EvalFrameEx)";
  }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  // kNotFound: gone, or its threads cannot be read now, worth another try later; kMalformed: not what the file promises, not worth it.
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> record,
                                                          const targets::MemoryReader* memory) const override;
  [[nodiscard]] bool names_threads() const override { return true; }
  [[nodiscard]] std::vector<targets::ThreadName> thread_names(const gp_runtime_entry& entry,
                                                              const targets::MemoryReader& memory) const override;
  [[nodiscard]] std::string library_of(std::string_view file, std::string_view version) const override;
  [[nodiscard]] std::string_view package_directory(std::string_view file) const override;
  [[nodiscard]] std::shared_ptr<const targets::InstalledPackages> read_packages(
      const std::string& root, const std::string& directory, const targets::InstalledPackages* before) const override;
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& symbol, uint32_t instruction) const override;
};

}  // namespace gp::runtimes::python
