#include "elf/root_source.h"

#include "elf/symbol_table.h"

namespace gp::elf {
namespace {

// Its arguments, which follow, differ between versions.
constexpr std::string_view kGreenlet = "_ZN8greenlet12UserGreenlet15inner_bootstrapE";

}  // namespace

std::optional<RootSource> RootSource::from_image(const Image& image) {
  const SymbolTable symbols = SymbolTable::dynamic(image);
  if (!symbols.mentions(kGreenlet)) return std::nullopt;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const auto function = symbols.function(i);
    if (function && function->size > 0 && function->name.starts_with(kGreenlet))
      return RootSource({function->address, function->address + function->size});
  }
  return std::nullopt;
}

std::optional<CodeSpan> RootSource::next(Vaddr from, Vaddr limit) {
  if (function_.end <= from || function_.begin >= limit) return std::nullopt;
  return function_;
}

void RootSource::emit(Vaddr begin, Vaddr /*end*/, PageRows& rows) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_ROOT;
  rows.add(begin, rule);
}

}  // namespace gp::elf
