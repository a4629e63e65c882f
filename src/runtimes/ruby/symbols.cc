#include "runtimes/ruby/symbols.h"

#include <array>
#include <string_view>
#include <utility>

#include "runtimes/symbols.h"

namespace gp::runtimes::ruby {
namespace {

using Named = std::pair<std::string_view, Vaddr Symbols::*>;

constexpr std::array<Named, 6> kNames = {{{"ruby_version", &Symbols::version},
                                          {"rb_cObject", &Symbols::object_class},
                                          {"rb_thread_current", &Symbols::thread_current},
                                          {"rb_id2str", &Symbols::id_to_string},
                                          {"ruby_current_execution_context_ptr", &Symbols::current_context},
                                          {"ruby_current_vm_ptr", &Symbols::current_vm}}};

void note(Symbols& found, std::string_view name, Vaddr address) {
  for (const auto& [wanted, slot] : kNames)
    if (name == wanted) found.*slot = address;
}

}  // namespace

Symbols find_symbols(const elf::Image& image) {
  constexpr std::array<std::string_view, 2> kStarts = {"rb_", "ruby"};
  Symbols found;
  each_symbol(image, SymbolSection::kDynamic, kStarts,
              [&found](std::string_view name, const Symbol& symbol) { note(found, name, symbol.address); });
  return found;
}

}  // namespace gp::runtimes::ruby
