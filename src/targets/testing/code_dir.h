// For tests: a directory of made-up programs, and a language runtime to find in them.
#pragma once

#include <dwarf.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include "bpf/abi/pcre.h"
#include "elf/cfi_test_bytes.h"
#include "elf/test_file.h"
#include "targets/code_file.h"
#include "targets/runtime.h"

namespace gp::targets {

inline FileKey key_of_path(const std::string& path) {
  struct stat info{};
  ::stat(path.c_str(), &info);
  return {.dev_major = ::gnu_dev_major(info.st_dev), .dev_minor = ::gnu_dev_minor(info.st_dev), .inode = info.st_ino};
}

class CodeDir {
 public:
  static constexpr uint64_t kText = 0x1000;     // file offset of the only function
  static constexpr uint64_t kTextSize = 0x100;  // bytes

  CodeDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gp-code-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~CodeDir() { std::filesystem::remove_all(path_); }
  CodeDir(const CodeDir&) = delete;
  CodeDir& operator=(const CodeDir&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

  // Writes a program whose function has frames of `cfa_offset` (< 128) bytes all over; 0: no unwind information.
  // Written again it stays the same inode.
  [[nodiscard]] std::string program(const std::string& name, uint8_t cfa_offset) const {
    elf::TestFile file;
    file.code(".text", 0x401000, std::vector<uint8_t>(kTextSize, 0x90));
    if (cfa_offset != 0) {
      const elf::Code code{DW_CFA_def_cfa_offset, cfa_offset};
      file.section(".debug_frame", SHT_PROGBITS, 0, 0, elf::FrameBytes().add(0x401000, kTextSize, code).bytes());
    }
    // Sizes differ, so that a change shows whatever the file system's clock resolves.
    file.section(".note.test", SHT_PROGBITS, 0, 0, std::vector<uint8_t>(cfa_offset, 0));
    return text(name, file.bytes());
  }
  [[nodiscard]] std::string text(const std::string& name, const std::vector<uint8_t>& bytes) const {
    std::ofstream file(path(name), std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

 private:
  std::string path_;
};

// Found in files called "*.python"; files called "*.hang" hang whoever looks at them until released.
class StubRuntime final : public Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PYTHON; }
  [[nodiscard]] std::string_view name() const override { return "python"; }
  [[nodiscard]] std::optional<RuntimeFile> detect(const elf::Image& /*image*/, std::string_view path) const override {
    if (path.ends_with(".hang")) {
      ++hanging_;
      released_.wait(false);
    }
    if (!path.ends_with(".python")) return std::nullopt;
    RuntimeFile file;
    file.version = "3.12";
    file.supported = true;
    file.eval[0] = {.start = {CodeDir::kText}, .end = {CodeDir::kText + 16}};
    return file;
  }
  [[nodiscard]] Result<gp_runtime_entry> attach(const RuntimeFile& /*file*/, const MemoryReader& /*memory*/,
                                                uint64_t bias) const override {
    return entry_with(GP_RUNTIME_PYTHON, bias);
  }
  [[nodiscard]] std::optional<CodeSymbol> decode(std::span<const uint8_t> /*record*/,
                                                 const MemoryReader* /*memory*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] uint32_t line(const CodeSymbol& symbol, uint32_t instruction) const override {
    return symbol.line_table.empty() ? 0 : symbol.first_line + instruction;
  }

  void release() const {
    released_ = true;
    released_.notify_all();
  }
  void hold() const {
    released_ = false;
    hanging_ = 0;
  }
  [[nodiscard]] int hanging() const { return hanging_; }

 private:
  mutable std::atomic<bool> released_{false};
  mutable std::atomic<int> hanging_{0};
};

// One without frames of its own, in files called "*.patterns" and "*.patterns.python".
class StubPatterns final : public Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PCRE; }
  [[nodiscard]] std::string_view name() const override { return "pcre"; }
  [[nodiscard]] std::optional<RuntimeFile> detect(const elf::Image& /*image*/, std::string_view path) const override {
    if (!path.ends_with(".patterns") && !path.ends_with(".patterns.python")) return std::nullopt;
    RuntimeFile file;
    file.version = "2";
    file.supported = true;
    return file;
  }
  [[nodiscard]] Result<gp_runtime_entry> attach(const RuntimeFile& /*file*/, const MemoryReader& /*memory*/,
                                                uint64_t bias) const override {
    return entry_with(GP_RUNTIME_PCRE, gp_pcre{.sites = {bias, bias + 1}});
  }
  [[nodiscard]] std::optional<CodeSymbol> decode(std::span<const uint8_t> /*record*/,
                                                 const MemoryReader* /*memory*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] uint32_t line(const CodeSymbol& /*symbol*/, uint32_t /*instruction*/) const override { return 0; }
};

// Outlives threads that are left behind hanging in it.
inline const StubRuntime kStubRuntime;
inline const StubPatterns kStubPatterns;
inline const Runtime* const kStubRuntimes[] = {&kStubRuntime, &kStubPatterns};  // NOLINT(modernize-avoid-c-arrays)

}  // namespace gp::targets
