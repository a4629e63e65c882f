// Function symbols of one ELF file: .symtab, .dynsym, and the stubs of its procedure linkage table. Views; nothing is
// copied but the names of stubs. What sections say is not believed until checked: a bad symbol is no symbol.
//
// Owner thread: whoever made it. Valid as long as the image. Formats: gABI "Symbol Table", psABIs of x86-64 and
// aarch64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "elf/image.h"

namespace gp::elf {

// How much a name of an address is worth beside others of the same address; lower is better.
enum class SymbolRank : uint8_t { kGlobal, kLocal, kWeak, kUntyped };

// A name for code at `address`. Views the image.
struct FunctionSymbol {
  Vaddr address;
  uint64_t size = 0;  // bytes; 0: not said
  std::string_view name;
  SymbolRank rank = SymbolRank::kGlobal;
};

class SymbolTable {
 public:
  // Empty tables for what is not there. The dynamic one is found without section headers too.
  static SymbolTable full(const Image& image);     // .symtab
  static SymbolTable dynamic(const Image& image);  // .dynsym

  [[nodiscard]] size_t size() const { return symbols_.size() / kSymbolBytes; }
  // Symbol number `index` if it is a function defined here with a usable name. Untyped symbols count (assembly often
  // has no others); mapping symbols ($x, $d: aarch64 ELF ABI) do not. It may lie anywhere: check against the code.
  [[nodiscard]] std::optional<FunctionSymbol> function(size_t index) const;
  // The name of symbol `index`, whatever it is.
  [[nodiscard]] std::optional<std::string_view> name(size_t index) const;
  // Whether a name may contain `text`: a search through the names' bytes, much cheaper than name by name. Tables with over
  // a megabyte of names are taken not to.
  [[nodiscard]] bool mentions(std::string_view text) const;

 private:
  static constexpr size_t kSymbolBytes = 24;  // Elf64_Sym

  SymbolTable() = default;
  SymbolTable(Bytes symbols, Bytes names) : symbols_(symbols), names_(names) {}
  static SymbolTable of_section(const Image& image, uint32_t type);

  Bytes symbols_;
  Bytes names_;
};

// One stub of the procedure linkage table.
struct PltStub {
  Vaddr address;
  uint64_t size = 0;
  std::string_view target;  // name of the function it jumps to: "memcpy"; empty: the resolver tells
  Vaddr resolver;           // of an IFUNC of this file: the function with that address chooses the target
};

// The stubs in .plt, .plt.sec and .plt.got whose target can be told: by the relocation that fills the GOT slot a stub
// jumps through. At most 262,144.
std::vector<PltStub> plt_stubs(const Image& image);

}  // namespace gp::elf
