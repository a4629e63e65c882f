#include "runtimes/symbol_record.h"

namespace gp::runtimes {
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
  if (text.width != 1 && text.width != 2 && text.width != 4 && text.width != GP_TEXT_UTF8) return std::nullopt;
  std::string out =
      text.width == GP_TEXT_UTF8 ? std::string(characters.begin(), characters.end()) : to_utf8(characters, text.width);
  if (text.truncated != 0) out += kCut;
  return out;
}

// The whole table: from the record, else from the process; empty when neither has it.
std::vector<uint8_t> whole_table(const gp_symbol& symbol, Bytes stored, const targets::MemoryReader* memory) {
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

std::optional<SymbolRecord> read_symbol_record(Bytes record, uint32_t runtime, const targets::MemoryReader* memory) {
  ByteReader reader(record);
  const auto symbol = reader.read<gp_symbol>();
  if (!reader.ok() || symbol.header.type != GP_RECORD_SYMBOL || symbol.runtime != runtime) return std::nullopt;
  if (symbol.header.size > record.size()) return std::nullopt;

  SymbolRecord out;
  out.name = take_text(reader, symbol.name);
  out.file = take_text(reader, symbol.file);
  out.scope = take_text(reader, symbol.scope);
  out.file_truncated = symbol.file.truncated != 0;
  out.first_line = symbol.first_line;
  out.table_format = symbol.table_format;
  const Bytes table = reader.take(symbol.table_stored);
  if (!reader.ok() || table.size() > symbol.table_bytes) return std::nullopt;
  out.table = whole_table(symbol, table, memory);
  return out;
}

}  // namespace gp::runtimes
