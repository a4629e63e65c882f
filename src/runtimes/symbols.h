// Looking for the few symbols of a file that tell a runtime, among all it has. Owner thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "elf/image.h"

namespace gp::runtimes {

// A defined symbol: where it is and how long. Owner thread: none (value).
struct Symbol {
  Vaddr address;
  uint64_t size = 0;  // bytes; 0: not said
};

enum class SymbolSection : uint8_t { kDynamic, kFull };  // .dynsym, .symtab

// Calls `visit` for each symbol that the file defines there and whose name begins with one of `starts`, each of 2 to 4
// bytes: most symbols of a big file are told by how they begin. Thread-local ones, which have no address, are left out.
void each_symbol(const elf::Image& image, SymbolSection which, std::span<const std::string_view> starts,
                 const std::function<void(std::string_view name, const Symbol& symbol)>& visit);

// Whether the file takes a symbol of that name from another one.
bool imports(const elf::Image& image, std::string_view name);

// Where the dynamic linker puts the address of a variable that the file defines and other files can take over from it (a
// copy relocation: the program's own is used then). Nothing where the file reaches it without that.
std::optional<Vaddr> address_slot(const elf::Image& image, std::string_view name);
// How the dynamic linker fills a word of the file: the type of its relocation (R_X86_64_…), R_X86_64_NONE: it does not.
uint32_t relocation_of(const elf::Image& image, Vaddr word);

}  // namespace gp::runtimes
