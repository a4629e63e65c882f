#include "targets/mapping_table.h"

#include <iterator>

#include "bpf/abi/tables.h"

namespace gp::targets {
namespace {

// Cuts a mapping in two at `address` when that lies inside it.
void split_at(MappingTable& table, uint64_t address) {
  const auto after = table.upper_bound(address);
  if (after == table.begin()) return;
  Mapping& mapping = std::prev(after)->second;
  if (mapping.start == address || mapping.end <= address) return;
  Mapping rest = mapping;
  rest.offset += address - rest.start;
  rest.start = address;
  mapping.end = address;
  table.emplace_hint(after, address, std::move(rest));
}

bool overlaps(const MappingTable& table, const Mapping& mapping) {
  const auto after = table.upper_bound(mapping.start);
  if (after != table.end() && after->second.start < mapping.end) return true;
  return after != table.begin() && std::prev(after)->second.end > mapping.start;
}

}  // namespace

bool holds(const MappingTable& table, uint64_t address) {
  const auto after = table.upper_bound(address);
  return after != table.begin() && address < std::prev(after)->second.end;
}

bool put_mapping(MappingTable& table, Mapping mapping) {
  if (table.size() >= GP_MAPPINGS_PER_PROCESS && !overlaps(table, mapping)) return false;
  split_at(table, mapping.start);
  split_at(table, mapping.end);
  table.erase(table.lower_bound(mapping.start), table.lower_bound(mapping.end));
  table.emplace(mapping.start, std::move(mapping));
  if (table.size() <= GP_MAPPINGS_PER_PROCESS) return true;
  while (table.size() > GP_MAPPINGS_PER_PROCESS) table.erase(std::prev(table.end()));
  return false;
}

}  // namespace gp::targets
