// For tests: makes an ELF file in memory out of sections and symbols. Executable sections get a segment each.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "elf/image.h"

namespace gp::elf {

class TestFile {
 public:
  struct Symbol {
    std::string name;
    uint64_t address = 0;
    uint64_t size = 0;
    uint8_t binding = STB_GLOBAL;
    uint8_t type = STT_FUNC;
    uint16_t section = 1;  // SHN_UNDEF: not defined here
  };

  explicit TestFile(uint16_t machine = EM_X86_64) : machine_(machine) {}

  // Returns the section's number.
  uint32_t section(std::string name, uint32_t type, uint64_t flags, uint64_t address, std::vector<uint8_t> bytes,
                   uint32_t link = 0, uint64_t entry_size = 0) {
    sections_.push_back({std::move(name), type, flags, address, std::move(bytes), link, entry_size});
    return static_cast<uint32_t>(sections_.size());
  }
  uint32_t code(std::string name, uint64_t address, std::vector<uint8_t> bytes, uint64_t entry_size = 0) {
    return section(std::move(name), SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, address, std::move(bytes), 0, entry_size);
  }
  uint32_t symbols(std::string name, uint32_t type, const std::vector<Symbol>& symbols) {
    std::string names(1, '\0');
    std::vector<uint8_t> bytes(sizeof(Elf64_Sym), 0);
    for (const Symbol& symbol : symbols) {
      Elf64_Sym raw{};
      raw.st_name = static_cast<uint32_t>(names.size());
      raw.st_info = static_cast<uint8_t>(symbol.binding << 4U | symbol.type);
      raw.st_shndx = symbol.section;
      raw.st_value = symbol.address;
      raw.st_size = symbol.size;
      append(bytes, raw);
      names += symbol.name + '\0';
    }
    const uint32_t strings = section(name + "str", SHT_STRTAB, 0, 0, {names.begin(), names.end()});
    return section(std::move(name), type, 0, 0, std::move(bytes), strings, sizeof(Elf64_Sym));
  }
  void symtab(const std::vector<Symbol>& list) { symbols(".symtab", SHT_SYMTAB, list); }
  void dynsym(const std::vector<Symbol>& list) { symbols(".dynsym", SHT_DYNSYM, list); }

  [[nodiscard]] std::vector<uint8_t> bytes() const {
    std::string names(1, '\0');
    std::vector<Elf64_Shdr> headers(1);
    std::vector<Elf64_Phdr> segments;
    std::vector<uint8_t> body(0x1000, 0);  // room for the file and program headers
    for (const Entry& entry : sections_) {
      body.resize((body.size() + 15) & ~size_t{15});
      if (entry.address != 0)  // a segment's offset and address agree modulo the page size
        body.resize(((body.size() + 0xfff) & ~size_t{0xfff}) + (entry.address & 0xfff));
      headers.push_back({static_cast<uint32_t>(names.size()), entry.type, entry.flags, entry.address, body.size(),
                         entry.bytes.size(), entry.link, 0, 1, entry.entry_size});
      if (entry.address != 0)
        segments.push_back({PT_LOAD, segment_flags(entry.flags), body.size(), entry.address, entry.address,
                            entry.bytes.size(), entry.bytes.size(), 0x1000});
      names += entry.name + '\0';
      body.insert(body.end(), entry.bytes.begin(), entry.bytes.end());
    }
    headers.push_back(
        {static_cast<uint32_t>(names.size()), SHT_STRTAB, 0, 0, body.size(), names.size() + 10, 0, 0, 1, 0});
    names += std::string(".shstrtab") + '\0';
    body.insert(body.end(), names.begin(), names.end());

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = machine_;
    header.e_type = ET_DYN;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<uint16_t>(segments.size());
    header.e_shoff = body.size();
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(headers.size());
    header.e_shstrndx = static_cast<uint16_t>(headers.size() - 1);
    std::memcpy(body.data(), &header, sizeof(header));
    for (size_t i = 0; i < segments.size(); ++i)
      std::memcpy(body.data() + sizeof(header) + i * sizeof(Elf64_Phdr), &segments[i], sizeof(Elf64_Phdr));
    for (const Elf64_Shdr& section : headers) append(body, section);
    return body;
  }
  [[nodiscard]] Image image() const { return Image::from_memory(bytes()).value(); }

  template <class T>
  static void append(std::vector<uint8_t>& bytes, const T& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof(T));
  }

 private:
  static uint32_t segment_flags(uint64_t section_flags) {
    uint32_t flags = PF_R;
    if ((section_flags & SHF_EXECINSTR) != 0) flags |= PF_X;
    if ((section_flags & SHF_WRITE) != 0) flags |= PF_W;
    return flags;
  }

  struct Entry {
    std::string name;
    uint32_t type;
    uint64_t flags;
    uint64_t address;
    std::vector<uint8_t> bytes;
    uint32_t link;
    uint64_t entry_size;
  };

  uint16_t machine_;
  std::vector<Entry> sections_;
};

}  // namespace gp::elf
