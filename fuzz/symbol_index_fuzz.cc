// The two ways into a symbol index: made from an ELF file of foreign bytes, and read from a cache file of foreign
// bytes (its hashes are put right first, since no fuzzer guesses them).
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "symbols/index_sources.h"
#include "symbols/index_writer.h"
#include "symbols/symbol_index.h"

using namespace gp;
using namespace gp::symbols;

namespace {

void look_up(const SymbolIndex& index, uint64_t base) {
  for (uint64_t i = 0; i < 64; ++i) {
    const auto symbol = index.find({base + i * 64});
    if (symbol) GP_CHECK(!symbol->name.empty() && symbol->name.size() <= SymbolIndex::kMaxNameBytes);
  }
  (void)index.find({UINT64_MAX});
}

void from_elf(std::vector<uint8_t> bytes) {
  const auto image = elf::Image::from_memory(std::move(bytes));
  if (!image) return;
  MemorySink sink(1U << 24U);
  const IndexSources sources(*image, {});
  const auto written = write_index(sources, {}, sink);
  if (!written) {
    GP_CHECK(written.error().code() == ErrorCode::kLimit);
    return;
  }
  const auto index = SymbolIndex::from_memory(sink.take(), {});
  GP_CHECK(index.has_value());
  for (size_t key = 0; key < sources.size();) {  // what has a key and a name is found again
    const auto group = sources.group(key);
    key = group.next;
    if (group.best.size > 0 && !group.best.name.empty()) GP_CHECK(index->find(group.best.address).has_value());
  }
  look_up(*index, sources.base());
}

void from_cache(std::vector<uint8_t> bytes) {
  IndexHeader header;
  if (bytes.size() < sizeof(header)) return;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = IndexHeader::kMagic;
  header.version = IndexHeader::kVersion;
  header.body_hash = hash64(Bytes(bytes).subspan(sizeof(header)));
  header.header_hash = header_hash(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
  const IndexIdentity identity{{header.file_id_low, header.file_id_high}, header.debug_stamp};
  const auto index = SymbolIndex::from_memory(std::move(bytes), identity);
  if (index) look_up(*index, header.base);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::vector<uint8_t> bytes(data + 1, data + size);
  (data[0] % 2 == 0 ? from_elf : from_cache)(bytes);
  return 0;
}
