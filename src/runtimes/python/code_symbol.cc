#include "runtimes/python/code_symbol.h"

#include <algorithm>
#include <cctype>

namespace gp::runtimes::python {
namespace {

// The longest met has 694 KiB (a generated function of sympy); larger ones keep their name and lose their lines.
constexpr uint32_t kMaxLineTable = 1U << 20U;
constexpr std::string_view kCut = "…";  // ends a name that was longer than a record holds

void append_utf8(std::string& out, uint32_t c) {
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) c = 0xfffd;
  const auto tail = [&out](uint32_t bits) { out.push_back(static_cast<char>(0x80U | (bits & 0x3fU))); };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0U | c >> 6U));
    tail(c);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0U | c >> 12U));
    tail(c >> 6U);
    tail(c);
  } else {
    out.push_back(static_cast<char>(0xf0U | c >> 18U));
    tail(c >> 12U);
    tail(c >> 6U);
    tail(c);
  }
}

// The text at the reader; nothing when it does not lie in the record, or was not readable in the process.
std::optional<std::string> take_text(ByteReader& reader, const gp_symbol_text& text) {
  const Bytes characters = reader.take(text.bytes);
  if (!reader.ok() || text.bytes > GP_SYMBOL_NAME_MAX) return std::nullopt;
  if (text.width != 1 && text.width != 2 && text.width != 4) return std::nullopt;
  std::string out = to_utf8(characters, text.width);
  if (text.truncated != 0) out += kCut;
  return out;
}

// The whole line table: from the record, else from the process; empty when neither has it.
std::vector<uint8_t> line_table(const gp_symbol& symbol, Bytes stored, const targets::MemoryReader* memory) {
  if (symbol.table_bytes > kMaxLineTable) return {};
  std::vector<uint8_t> table(stored.begin(), stored.end());
  if (table.size() >= symbol.table_bytes) return table;
  const size_t have = table.size();
  table.resize(symbol.table_bytes);
  const std::span<uint8_t> rest = std::span(table).subspan(have);
  // Without the rest, what is there still gives the lines of the function's beginning.
  if (memory == nullptr || !memory->read(Pc{symbol.table_address + have}, rest)) table.resize(have);
  return table;
}

// What follows the last "/NAME/" of a library directory: site-packages, dist-packages, pythonX.Y, python3.
std::optional<std::string_view> below_library(std::string_view file) {
  for (const std::string_view packages : {"/site-packages/", "/dist-packages/"}) {
    const auto at = file.rfind(packages);
    if (at != std::string_view::npos) return file.substr(at + packages.size());
  }
  constexpr std::string_view kPython = "/python";
  for (auto at = file.rfind(kPython); at != std::string_view::npos; at = at == 0 ? at : file.rfind(kPython, at - 1)) {
    const std::string_view rest = file.substr(at + kPython.size());
    const auto version = std::min(rest.find_first_not_of("0123456789."), rest.size());
    if (version > 0 && version < rest.size() && rest[version] == '/') return rest.substr(version + 1);
    if (at == 0) break;
  }
  return std::nullopt;
}

}  // namespace

std::string to_utf8(Bytes characters, unsigned width) {
  std::string out;
  ByteReader reader(characters);
  while (reader.remaining() >= width) {
    if (width == 1) {
      append_utf8(out, reader.read<uint8_t>());
    } else if (width == 2) {
      append_utf8(out, reader.read<uint16_t>());
    } else {
      append_utf8(out, reader.read<uint32_t>());
    }
  }
  return out;
}

std::string module_of(std::string_view file) {
  constexpr std::string_view kFrozen = "<frozen ";  // modules inside the interpreter: "<frozen importlib._bootstrap>"
  if (file.starts_with(kFrozen) && file.ends_with('>')) {
    file.remove_prefix(kFrozen.size());
    file.remove_suffix(1);
    return std::string(file);
  }
  if (file.starts_with('<')) return {};

  constexpr std::string_view kSuffix = ".py";
  constexpr std::string_view kPackage = "/__init__";
  if (file.ends_with(kSuffix)) file.remove_suffix(kSuffix.size());
  if (file.ends_with(kPackage)) file.remove_suffix(kPackage.size());
  const auto library = below_library(file);
  std::string module(library ? *library : file.substr(file.rfind('/') + 1));
  std::ranges::replace(module, '/', '.');
  return module;
}

std::optional<targets::CodeSymbol> decode_symbol(Bytes record, const targets::MemoryReader* memory) {
  ByteReader reader(record);
  const auto symbol = reader.read<gp_symbol>();
  if (!reader.ok() || symbol.header.type != GP_RECORD_SYMBOL || symbol.kind != GP_FRAME_PYTHON) return std::nullopt;
  if (symbol.header.size > record.size()) return std::nullopt;

  const auto name = take_text(reader, symbol.name);
  const auto file = take_text(reader, symbol.file);
  const Bytes table = reader.take(symbol.table_stored);
  if (!reader.ok() || table.size() > symbol.table_bytes) return std::nullopt;

  targets::CodeSymbol out;
  out.first_line = symbol.first_line;
  out.name_known = name.has_value();
  out.line_table = line_table(symbol, table, memory);
  if (file) out.file = *file;
  if (name) {
    const std::string module = file && symbol.file.truncated == 0 ? module_of(*file) : std::string();
    out.name = module.empty() ? *name : module + "." + *name;
  }
  return out;
}

}  // namespace gp::runtimes::python
