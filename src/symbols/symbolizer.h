// Names frames when a window ends: files by their symbol index, kernel code by kallsyms, generated code by perf maps.
//
// What it opens it keeps for the next window, least recently used first to go, within shrink_to()'s budget.
// Owner thread: the closer. Units: bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/account.h"
#include "base/ids.h"
#include "base/result.h"
#include "elf/image.h"
#include "elf/line_info.h"
#include "os/unique_fd.h"
#include "symbols/file_probe.h"
#include "symbols/index_cache.h"
#include "symbols/kernel_symbols.h"
#include "symbols/perf_map.h"

namespace gp::symbols {

// What a frame is called. A frame in a file can be several functions: inlined ones in the one they were inlined into.
struct Name {
  std::string name;    // readable, unescaped: "foo::bar(int)", "(libc.so.6+0x271f0)"
  std::string file;    // source file as the compiler wrote it, may be empty
  std::string module;  // base name of the ELF file, or the kernel module; may be empty
  uint32_t line = 0;   // 0: unknown
  bool inlined = false;
  bool named = true;  // false: `name` is only a place
};

// A file that a frame lies in.
struct FileRef {
  std::shared_ptr<const elf::Image> image;  // null: could not be read
  std::string path;  // as its process sees it: "/usr/lib/libc.so.6", "[vdso]", may end in " (deleted)"
  std::string root;  // "/proc/PID/root" to look for debug files in the process' own root too; "": only in the host's
};

// A process that runs generated code.
struct JitProcess {
  ProcessKey key;
  int32_t namespace_pid = 0;  // its pid in its own pid namespace: the one in the map's file name
  std::string root;           // "/proc/PID/root"
};

struct SymbolizerOptions {
  std::string cache_directory = IndexCache::kDefaultDirectory;  // "": indexes stay in memory
  uint64_t cache_max_bytes = IndexCache::kDefaultMaxBytes;
  std::string debug_directory = "/usr/lib/debug";
  KernelFiles kernel;
};

class Symbolizer {
 public:
  explicit Symbolizer(SymbolizerOptions options = {});
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;
  ~Symbolizer();

  // To be called before the names of each window: what changed since is noticed again.
  void begin_window();

  // At least one name, outermost function first. `offset` is where the frame is; a return address is looked up one
  // byte before, in the call. `want_lines` asks for source lines and inlined functions by DWARF; Go code has both always.
  std::vector<Name> file_frame(const FileRef& file, FileOffset offset, bool is_return_address, bool want_lines);
  Name kernel_frame(Pc pc, bool is_return_address);
  // By the process' perf map: opened when first asked for, or handed over while the process still lived.
  Name jit_frame(const JitProcess& process, Pc pc, bool is_return_address);
  void keep_perf_map(ProcessKey process, os::UniqueFd fd);

  // Why kernel frames have no names, or indexes no directory.
  [[nodiscard]] const std::optional<Error>& kernel_error() const { return kernel_.error(); }
  [[nodiscard]] const std::optional<Error>& cache_error() const { return cache_.error(); }
  [[nodiscard]] const IndexCache::Counts& index_counts() const { return cache_.counts(); }
  // Files whose lines were left out and why, since the last call.
  std::vector<std::string> take_line_errors() { return std::exchange(line_errors_, {}); }

  // Heap held; mapped files cost none.
  [[nodiscard]] size_t memory_bytes() const;
  // Gives back what was used longest ago until at most `bytes` are held: files, then perf maps, then kernel symbols.
  void shrink_to(size_t bytes);

 private:
  struct OpenFile;
  struct OpenMap;

  [[nodiscard]] elf::DebugFileSearch search_for(const FileRef& file) const;
  OpenFile* open_file(const FileRef& file);
  void close(std::list<OpenFile>::iterator file);
  OpenMap& open_map(ProcessKey key);
  const SymbolIndex* index_of(OpenFile& file);
  elf::LineInfo* lines_of(OpenFile& file);
  Name symbol_name(OpenFile& file, Vaddr looked_up, Vaddr shown);
  static std::vector<Name> go_names(const OpenFile& file, Vaddr looked_up, bool want_lines);
  void expand_lines(OpenFile& file, Vaddr looked_up, std::vector<Name>& names);

  SymbolizerOptions options_;
  IndexCache cache_;
  KernelSymbols kernel_;
  FileProbe probe_;
  std::list<OpenFile> files_;  // most recently used first
  std::unordered_map<elf::FileId, std::list<OpenFile>::iterator> files_by_id_;
  std::list<OpenMap> maps_;                   // most recently used first
  Charge charge_{account("symbol indexes")};  // and lines and perf maps; brought up to date by window
  uint64_t window_ = 0;
  std::vector<std::string> line_errors_;
};

}  // namespace gp::symbols
