// Code of foreign bytes: its functions, and the rows of its pages. Bytes 0-1: where a function begins, for certain; byte 2:
// the entry of a program; the rest: the code, with tables of jumps among it.
#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "elf/code/code_source.h"

using namespace gp;
using namespace gp::elf;

namespace {

constexpr uint64_t kBase = 0x400000;

// A file of one segment, and a symbol table in it.
std::vector<uint8_t> file_of(Bytes code, uint64_t symbol, uint64_t entry) {
  constexpr size_t kSections = 4;
  const size_t symbols_at = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + kSections * sizeof(Elf64_Shdr);
  const size_t names_at = symbols_at + 2 * sizeof(Elf64_Sym);
  const size_t code_at = names_at + 32;
  std::vector<uint8_t> file(code_at + code.size());
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_entry = entry;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  header.e_shoff = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSections;
  header.e_shstrndx = 3;
  const Elf64_Phdr segment{PT_LOAD, PF_R | PF_X, code_at, kBase, kBase, code.size(), code.size(), 1};
  const Elf64_Shdr text{1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, kBase, code_at, code.size(), 0, 0, 1, 0};
  const Elf64_Shdr symtab{7, SHT_SYMTAB, 0, 0, symbols_at, 2 * sizeof(Elf64_Sym), 3, 0, 8, sizeof(Elf64_Sym)};
  const Elf64_Shdr names{15, SHT_STRTAB, 0, 0, names_at, 32, 0, 0, 1, 0};
  const Elf64_Sym function{23, STB_GLOBAL << 4U | STT_FUNC, 0, 1, symbol, 0};
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + header.e_phoff, &segment, sizeof(segment));
  std::memcpy(file.data() + header.e_shoff + sizeof(Elf64_Shdr), &text, sizeof(text));
  std::memcpy(file.data() + header.e_shoff + 2 * sizeof(Elf64_Shdr), &symtab, sizeof(symtab));
  std::memcpy(file.data() + header.e_shoff + 3 * sizeof(Elf64_Shdr), &names, sizeof(names));
  std::memcpy(file.data() + symbols_at + sizeof(Elf64_Sym), &function, sizeof(function));
  std::memcpy(file.data() + names_at, "\0.text\0.symtab\0.strtab\0f", 25);
  if (!code.empty()) std::memcpy(file.data() + code_at, code.data(), code.size());
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader reader(Bytes(data, size));
  const uint64_t symbol = kBase + reader.read<uint16_t>();
  const uint64_t entry = kBase + reader.read<uint8_t>();
  auto image = Image::from_memory(file_of(reader.take(reader.remaining()), symbol, entry));
  if (!image) return 0;
  CodeSource source(*image);
  for (const OffsetRange& range : image->executable_ranges()) {
    const auto begin = image->to_vaddr(range.begin);
    if (!begin) continue;
    const Vaddr end = *begin + (range.end - range.begin);
    source.analyse(std::vector{CodeSpan{*begin, end}});
    RowBuilder builder;
    builder.start();
    source.start_page();
    const Vaddr limit = std::min(end, *begin + GP_PAGE_SIZE);
    PageRows rows(builder, *begin);
    if (const auto span = source.next(*begin, limit)) {
      GP_CHECK(span->begin == *begin && span->end == limit);
      source.emit(span->begin, span->end, rows);
    }
    static_cast<void>(source.function_at(*begin));
    const UnwindPage compiled = builder.finish();
    for (const gp_row& row : compiled.rows) GP_CHECK(row.rule < compiled.rules.size());
    break;
  }
  return 0;
}
