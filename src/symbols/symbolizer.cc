#include "symbols/symbolizer.h"

#include <algorithm>

#include "elf/debug_link.h"
#include "elf/go_symbols.h"
#include "elf/line_info.h"
#include "symbols/demangle.h"
#include "symbols/function_starts.h"

namespace gp::symbols {
namespace {

constexpr size_t kMaxOpenFiles = 1024;              // each maps an index and keeps an image mapped
constexpr size_t kMaxOpenMaps = 64;                 // each holds a descriptor
constexpr std::string_view kUnknown = "[unknown]";  // as perf writes it

constexpr std::string_view kDeleted = " (deleted)";

std::string_view without_deleted(std::string_view path) {
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}
std::string_view base_name(std::string_view path) {
  path = without_deleted(path);
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}
std::string directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash));
}

Name place(std::string_view module, uint64_t address) {
  Name name;
  name.module = module;
  name.name = fmt::format("({}+{:#x})", module.empty() ? kUnknown : module, address);
  name.named = false;
  return name;
}

Name unknown() {
  Name name;
  name.name = kUnknown;
  name.named = false;
  return name;
}

}  // namespace

// One file and what was opened to name its frames.
struct Symbolizer::OpenFile {
  OpenFile(const FileRef& file, elf::DebugFileSearch where)
      : image(file.image),
        module(base_name(file.path)),
        search(std::move(where)),
        starts(*file.image),
        go(elf::GoSymbols::find(*file.image)) {}

  [[nodiscard]] size_t memory_bytes() const {
    return sizeof(*this) + starts.owned_bytes() + (index ? index->memory_bytes() : 0) +
           (lines ? lines->memory_bytes() : 0);
  }

  std::shared_ptr<const elf::Image> image;
  std::string module;
  elf::DebugFileSearch search;
  FunctionStarts starts;
  std::optional<elf::GoSymbols> go;
  std::optional<SymbolIndex> index;  // opened when first needed, as are lines
  bool index_tried = false;
  std::optional<elf::LineInfo> lines;
  bool lines_tried = false;
};

struct Symbolizer::OpenMap {
  ProcessKey key;
  std::optional<PerfMap> map;
  uint64_t window = 0;  // when it was last read, or looked for in vain
};

Symbolizer::Symbolizer(SymbolizerOptions options)
    : options_(std::move(options)),
      cache_(options_.cache_directory, options_.cache_max_bytes),
      kernel_(options_.kernel, &cache_) {}

Symbolizer::~Symbolizer() = default;

void Symbolizer::begin_window() {
  ++window_;
  kernel_.begin_window();
  probe_.begin_window();
  // Files nobody else knows any more: keeping them would keep deleted files on disk.
  for (auto file = files_.begin(); file != files_.end();) {
    const auto next = std::next(file);
    if (file->image.use_count() == 1) close(file);
    file = next;
  }
  charge_.set(memory_bytes() - kernel_.memory_bytes());
}

void Symbolizer::close(std::list<OpenFile>::iterator file) {
  files_by_id_.erase(file->image->file_id());
  files_.erase(file);
}

elf::DebugFileSearch Symbolizer::search_for(const FileRef& file) const {
  elf::DebugFileSearch search;
  search.directory = directory_of(without_deleted(file.path));
  search.debug_directory = options_.debug_directory;
  if (!file.root.empty()) search.roots.insert(search.roots.begin(), file.root);
  return search;
}

// Nothing when it does not answer.
Symbolizer::OpenFile* Symbolizer::open_file(const FileRef& file) {
  const elf::FileId id = file.image->file_id();
  if (const auto found = files_by_id_.find(id); found != files_by_id_.end()) {
    files_.splice(files_.begin(), files_, found->second);
    return probe_.answers(file.image, files_.front().search) ? &files_.front() : nullptr;
  }
  const elf::DebugFileSearch search = search_for(file);
  if (!probe_.answers(file.image, search)) return nullptr;
  if (files_.size() >= kMaxOpenFiles) close(std::prev(files_.end()));
  files_.emplace_front(file, search);
  files_by_id_.emplace(id, files_.begin());
  return &files_.front();
}

// The file's index: from the cache, else made now. Made at most once while the file stays open.
const SymbolIndex* Symbolizer::index_of(OpenFile& file) {
  if (file.index_tried) return file.index ? &*file.index : nullptr;
  file.index_tried = true;
  const elf::Image& image = *file.image;
  const IndexIdentity identity{image.file_id(), elf::debug_file_stamp(image, file.search)};
  file.index = cache_.find(identity);
  if (file.index) return &*file.index;

  std::vector<const elf::Image*> others;
  const auto mini = image.mini_debug_image();
  if (mini) others.push_back(&*mini);
  const auto debug = identity.debug_stamp != 0 ? elf::find_debug_file(image, file.search) : std::nullopt;
  if (debug) others.push_back(&debug->image);
  const IndexSources sources(image, others);
  if (image.damaged() || (debug && debug->image.damaged())) return nullptr;
  auto made = cache_.make(identity, sources);
  if (made) file.index = std::move(*made);
  return file.index ? &*file.index : nullptr;
}

// The function at `looked_up` by symbols alone, else the place where its function starts, else `shown`.
Name Symbolizer::symbol_name(OpenFile& file, Vaddr looked_up, Vaddr shown) {
  const SymbolIndex* index = index_of(file);
  const auto symbol = index != nullptr ? index->find(looked_up) : std::nullopt;
  const auto start = symbol && symbol->sized ? std::nullopt : file.starts.find(looked_up);
  // A symbol without a size ends where another function begins, or its own code ends.
  const bool is_over =
      symbol && !symbol->sized && (start ? *start > symbol->start : file.starts.ends_before(symbol->start, looked_up));
  if (!symbol || is_over) return place(file.module, start.value_or(shown).value);
  Name name;
  name.name = demangle(symbol->name);
  name.module = file.module;
  return name;
}

elf::LineInfo* Symbolizer::lines_of(OpenFile& file) {
  if (file.lines_tried) return file.lines ? &*file.lines : nullptr;
  file.lines_tried = true;
  auto lines = elf::LineInfo::open(*file.image);
  if (!lines && lines.error().code() == ErrorCode::kNotFound) {
    if (auto debug = elf::find_debug_file(*file.image, file.search))
      lines = elf::LineInfo::open(std::move(debug->image));
  }
  if (lines) file.lines = std::move(*lines);
  constexpr size_t kMaxErrorsKept = 64;
  if (!lines && lines.error().code() != ErrorCode::kNotFound && line_errors_.size() < kMaxErrorsKept)
    line_errors_.push_back(file.module + ": " + lines.error().message());
  return file.lines ? &*file.lines : nullptr;
}

// Functions of Go code: its own table knows inlined calls and lines without DWARF. Lines are left out unless asked for,
// as they cut one function into many frames.
std::vector<Name> Symbolizer::go_names(const OpenFile& file, Vaddr looked_up, bool want_lines) {
  std::vector<Name> names;
  if (!file.go) return names;
  for (elf::SourceFrame& frame : file.go->lookup(looked_up)) {
    Name name{std::move(frame.function), {}, file.module, 0, frame.inlined, true};
    if (want_lines) {
      name.file = std::move(frame.file);
      name.line = frame.line;
    }
    names.push_back(std::move(name));
  }
  return names;
}

// Adds what DWARF knows to the one name that symbols gave.
void Symbolizer::expand_lines(OpenFile& file, Vaddr looked_up, std::vector<Name>& names) {
  elf::LineInfo* lines = lines_of(file);
  if (lines == nullptr) return;
  auto frames = lines->lookup(looked_up);
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i > 0) names.push_back({demangle(frames[i].function), {}, file.module, 0, true, true});
    // The symbol's own name stays, so that a function is called the same with and without lines.
    if (i == 0 && !names[0].named && !frames[0].function.empty()) {
      names[0].name = demangle(frames[0].function);
      names[0].named = true;
    }
    names[i].file = std::move(frames[i].file);
    names[i].line = frames[i].line;
  }
}

std::vector<Name> Symbolizer::file_frame(const FileRef& file, FileOffset offset, bool is_return_address,
                                         bool want_lines) {
  const auto shown = file.image ? file.image->to_vaddr(offset) : std::nullopt;
  const FileOffset inside = is_return_address && offset.value > 0 ? offset - 1 : offset;
  const auto looked_up = file.image ? file.image->to_vaddr(inside) : std::nullopt;
  if (!looked_up) return {place(base_name(file.path), offset.value)};
  OpenFile* const opened = open_file(file);
  if (opened == nullptr) return {place(base_name(file.path), offset.value)};
  std::vector<Name> names = go_names(*opened, *looked_up, want_lines);
  if (!names.empty()) return names;
  names.push_back(symbol_name(*opened, *looked_up, shown.value_or(*looked_up)));
  if (want_lines) expand_lines(*opened, *looked_up, names);
  return names;
}

Name Symbolizer::kernel_frame(Pc pc, bool is_return_address) {
  const auto symbol = kernel_.find(is_return_address && pc.value > 0 ? pc - 1 : pc);
  if (!symbol) return unknown();
  Name name;
  name.name = without_clone_suffix(symbol->name);
  name.module = symbol->module;
  return name;
}

Symbolizer::OpenMap& Symbolizer::open_map(ProcessKey key) {
  auto found = std::find_if(maps_.begin(), maps_.end(), [&](const OpenMap& map) { return map.key == key; });
  if (found == maps_.end()) {
    if (maps_.size() >= kMaxOpenMaps) maps_.pop_back();
    found = maps_.insert(maps_.begin(), OpenMap{key, std::nullopt, ~uint64_t{0}});
  }
  maps_.splice(maps_.begin(), maps_, found);
  return maps_.front();
}

void Symbolizer::keep_perf_map(ProcessKey process, os::UniqueFd fd) {
  OpenMap& open = open_map(process);
  open.map.emplace(std::move(fd));
  open.window = ~uint64_t{0};
}

Name Symbolizer::jit_frame(const JitProcess& process, Pc pc, bool is_return_address) {
  OpenMap& open = open_map(process.key);
  if (open.window != window_) {
    open.window = window_;
    if (!open.map) {
      if (auto fd = PerfMap::open(process.root, process.namespace_pid)) open.map.emplace(std::move(*fd));
    }
    // A map that cannot be read further still names what it has.
    if (open.map && !open.map->update() && open.map->ranges().size() == 0) open.map.reset();
  }
  const auto found = open.map ? open.map->find(is_return_address && pc.value > 0 ? pc - 1 : pc) : std::nullopt;
  if (!found) return unknown();
  Name name;
  name.name = *found;
  return name;
}

size_t Symbolizer::memory_bytes() const {
  size_t bytes = kernel_.memory_bytes();
  for (const OpenFile& file : files_) bytes += file.memory_bytes();
  for (const OpenMap& open : maps_) bytes += sizeof(open) + (open.map ? open.map->memory_bytes() : 0);
  return bytes;
}

void Symbolizer::shrink_to(size_t bytes) {
  size_t held = memory_bytes();
  while (held > bytes && !files_.empty()) {
    held -= files_.back().memory_bytes();
    close(std::prev(files_.end()));
  }
  while (held > bytes && !maps_.empty()) {
    const OpenMap& oldest = maps_.back();
    held -= sizeof(oldest) + (oldest.map ? oldest.map->memory_bytes() : 0);
    maps_.pop_back();
  }
  if (held > bytes) kernel_.release();
  charge_.set(memory_bytes() - kernel_.memory_bytes());
}

}  // namespace gp::symbols
