#include "tests/replay/recorded_load.h"

#include <fmt/format.h>

#include <sstream>

#include "os/unique_fd.h"

namespace gp::replay {
namespace {

constexpr size_t kMaxBytes = 64U << 20U;

struct Printer {
  std::string& out;

  void operator()(const Event& e) const {
    out += fmt::format("event {} {} {} {} {:x} {:x} {} {}\n", static_cast<int>(e.kind), e.time_ns, e.pid, e.other,
                       e.address, e.length, static_cast<int32_t>(e.file), e.name);
  }
  void operator()(const Symbol& s) const {
    const auto word = [](const std::string& hex) { return hex.empty() ? "-" : hex; };
    out += fmt::format("symbol {} {} {:x} {:x} {} {} {} {}\n", s.pid, s.runtime, s.object, s.cookie, s.first_line,
                       word(s.name), word(s.file), word(s.table));
  }
  void operator()(const Sample& s) const {
    out += fmt::format("sample {} {} {} {} {} {} {}\n", s.time_ns, s.pid, s.tid, s.end, s.flags, s.stack, s.comm);
  }
};

// One line, field by field; the last one may be a text with spaces.
class Fields {
 public:
  explicit Fields(const std::string& line) : in_(line) {}

  template <class T>
  Fields& operator>>(T& value) {
    in_ >> std::dec >> value;
    return *this;
  }
  Fields& hex(uint64_t& value) {
    in_ >> std::hex >> value;
    return *this;
  }
  Fields& rest(std::string& text) {
    in_.get();
    std::getline(in_, text);
    in_.clear();
    return *this;
  }
  [[nodiscard]] bool ok() const { return !in_.fail(); }

 private:
  std::istringstream in_;
};

bool parse_event(Fields& fields, RecordedLoad& load) {
  Event e;
  int kind = 0;
  int32_t file = 0;
  (fields >> kind >> e.time_ns >> e.pid >> e.other).hex(e.address).hex(e.length) >> file;
  fields.rest(e.name);
  e.kind = static_cast<Event::Kind>(kind);
  e.file = static_cast<uint32_t>(file);
  load.items.emplace_back(std::move(e));
  return fields.ok();
}

bool parse_symbol(Fields& fields, RecordedLoad& load) {
  Symbol s;
  uint64_t cookie = 0;
  (fields >> s.pid >> s.runtime).hex(s.object).hex(cookie) >> s.first_line >> s.name >> s.file >> s.table;
  s.cookie = static_cast<uint32_t>(cookie);
  for (std::string* hex : {&s.name, &s.file, &s.table})
    if (*hex == "-") hex->clear();
  load.items.emplace_back(std::move(s));
  return fields.ok();
}

bool parse_sample(Fields& fields, RecordedLoad& load) {
  Sample s;
  (fields >> s.time_ns >> s.pid >> s.tid >> s.end >> s.flags >> s.stack).rest(s.comm);
  load.items.emplace_back(std::move(s));
  return fields.ok() && s.stack < load.nodes.size();
}

bool parse_frame(Fields& fields, RecordedLoad& load) {
  uint32_t kind = 0;
  uint32_t flags = 0;
  uint32_t cookie = 0;
  gp_frame frame{};
  uint64_t value = 0;
  (fields >> kind >> flags >> cookie >> frame.extra).hex(value);
  frame.kind = static_cast<uint8_t>(kind);
  frame.flags = static_cast<uint8_t>(flags);
  frame.cookie = static_cast<uint16_t>(cookie);
  frame.value = value;
  load.frames.push_back(frame);
  return fields.ok() && (frame.kind != GP_FRAME_NATIVE || frame.extra < load.files.size()) &&
         (frame.kind != kKernelFrame || frame.value < load.kernel.size());
}

bool parse_line(const std::string& line, RecordedLoad& load) {
  Fields fields(line);
  std::string what;
  fields >> what;
  if (what == "event") return parse_event(fields, load);
  if (what == "symbol") return parse_symbol(fields, load);
  if (what == "sample") return parse_sample(fields, load);
  if (what == "frame") return parse_frame(fields, load);
  if (what == "node") {
    RecordedLoad::Node node;
    fields >> node.parent >> node.frame;
    load.nodes.push_back(node);
    return fields.ok() && node.parent + 1 < load.nodes.size() && node.frame < load.frames.size();
  }
  if (what == "file") return fields.rest(load.files.emplace_back()).ok();
  if (what == "kernel") return fields.rest(load.kernel.emplace_back()).ok();
  if (what != "function") return false;
  Function& function = load.functions.emplace_back();
  (fields >> function.file).hex(function.offset).hex(function.size).rest(function.name);
  return fields.ok() && function.file < load.files.size();
}

}  // namespace

std::string RecordedLoad::text() const {
  std::string out;
  for (const auto& file : files) out += fmt::format("file {}\n", file);
  for (const auto& f : functions) out += fmt::format("function {} {:x} {:x} {}\n", f.file, f.offset, f.size, f.name);
  for (const auto& name : kernel) out += fmt::format("kernel {}\n", name);
  for (const auto& f : frames)
    out += fmt::format("frame {} {} {} {} {:x}\n", f.kind, f.flags, uint16_t{f.cookie}, uint32_t{f.extra},
                       uint64_t{f.value});
  for (size_t i = 1; i < nodes.size(); ++i) out += fmt::format("node {} {}\n", nodes[i].parent, nodes[i].frame);
  for (const auto& item : items) std::visit(Printer{out}, item);
  return out;
}

Result<RecordedLoad> RecordedLoad::parse(std::string_view text) {
  RecordedLoad load;
  size_t number = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with('#')) continue;
    if (!parse_line(line, load)) return fail(ErrorCode::kMalformed, fmt::format("line {} of a recorded load", number));
  }
  return load;
}

Result<RecordedLoad> RecordedLoad::read(const std::string& path) {
  GP_ASSIGN(const std::string text, os::read_file(path, kMaxBytes));
  return parse(text);
}

}  // namespace gp::replay
