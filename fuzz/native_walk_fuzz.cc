// Walks a made-up process whose registers, stack, mappings, tables, rules and interpreter frames the input dictates:
// whatever they say the walk ends, within its frames and inside the memory it was given.
#include <array>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "bpf/abi/pcre.h"
#include "walk/native_walker.h"
#include "walk/testing/plain_tables.h"

namespace {

constexpr uint64_t kCode = 0x400000;
constexpr uint64_t kStack = 0x7ffc00000000;
constexpr uint32_t kFiles = 4;
constexpr uint32_t kPages = 8;
constexpr size_t kMaxStack = 4096;

class Input {
 public:
  explicit Input(gp::Bytes bytes) : reader_(bytes) {}

  template <class T>
  T take() {
    return reader_.read<T>();
  }
  size_t count(size_t most) { return reader_.read<uint8_t>() % (most + 1); }
  gp::Bytes rest(size_t most) { return reader_.take(std::min(most, reader_.remaining())); }
  bool coin() { return (reader_.read<uint8_t>() & 1U) != 0; }

  // Mostly an address that means something.
  uint64_t address() {
    switch (take<uint8_t>() % 4) {
      case 0: return kCode + take<uint16_t>() * 8U % (3 * GP_PAGE_SIZE);
      case 1: return kStack + take<uint8_t>() * 8U;
      case 2: return kStack + take<uint16_t>();
      default: return take<uint64_t>();
    }
  }
  gp_frame frame() {
    gp_frame frame{};
    frame.kind = take<uint8_t>();
    frame.flags = take<uint8_t>();
    frame.value = take<uint8_t>();
    frame.extra = take<uint8_t>() % (GP_RUNTIME_SLOTS + 1);
    return frame;
  }

 private:
  gp::ByteReader reader_;
};

void fill_files(Input& input, gp::walk::Tables& tables) {
  for (gp_file& file : tables.files) {
    file = {};
    file.page_count = kPages / 2;
    file.state = GP_FILE_LOADED;
    if (!input.coin()) continue;
    file.page_first = input.take<uint32_t>() % (2 * kPages);
    file.page_count = input.take<uint32_t>();
    file.page_base = input.take<uint8_t>();
    file.state = input.take<uint8_t>();
    file.runtime = input.take<uint8_t>() % 3;
    file.eval[0] = {.start = input.take<uint16_t>(), .end = input.take<uint16_t>()};
    file.eval[1] = {.start = input.take<uint64_t>(), .end = input.take<uint64_t>()};
  }
}

// Rules and rows at the start of the first segment, and what the directory says of them.
void fill_pages(Input& input, gp::walk::Tables& tables) {
  const size_t rules = input.count(12);
  const size_t rows = input.count(24);
  uint32_t* words = tables.segments[0];
  std::fill_n(words, 4 * GP_CHUNK_WORDS, 0);
  for (size_t i = 0; i < rules; ++i) {
    auto rule = input.take<gp_rule>();
    if (input.coin()) rule.cfa_op %= 8;
    if (input.coin()) rule.cfa_offset &= 0xff;
    if (input.coin()) rule.ra_offset = -8;
    std::memcpy(words + i * 4, &rule, sizeof(rule));
  }
  for (size_t i = 0; i < rows; ++i) words[rules * 4 + i] = input.take<uint32_t>();
  for (uint64_t& word : tables.pages) {
    word = uint64_t{rows} << 18U | uint64_t{rules} << 35U | uint64_t{1} << 48U;
    if (input.coin()) word = input.coin() ? input.take<uint64_t>() : input.take<uint8_t>() % GP_PAGE_STATES;
  }
}

std::vector<gp_mapping> mappings_of(Input& input) {
  std::vector<gp_mapping> mappings{
      {.start = kCode, .end = kCode + 2 * GP_PAGE_SIZE, .offset = 0, .file = 0, .flags = 0}};
  const size_t more = input.count(6);
  for (size_t i = 0; i < more; ++i) {
    const uint64_t start = input.address();
    mappings.push_back({.start = start,
                        .end = input.coin() ? start + input.take<uint16_t>() : input.take<uint64_t>(),
                        .offset = input.take<uint32_t>(),
                        .file = input.coin() ? GP_NO_FILE : input.take<uint8_t>() % (2 * kFiles),
                        .flags = 0});
  }
  return mappings;
}

gp_registers registers_of(Input& input) {
  gp_registers registers{};
  for (auto& value : registers.value) value = input.address();
  if (input.coin()) registers.value[GP_REG_RSP] = kStack;
  if (input.coin()) registers.value[GP_REG_RIP] = kCode + input.take<uint8_t>();
  registers.valid = input.coin() ? GP_REGS_ALL : input.take<uint32_t>();
  registers.is_return = input.coin() ? 1 : 0;
  return registers;
}

std::vector<gp_frame> frames_of(Input& input, size_t most) {
  std::vector<gp_frame> frames(input.count(most));
  for (gp_frame& frame : frames) frame = input.frame();
  return frames;
}

// Code that patterns were compiled to returns to the start of the code, and to an address of the input's.
gp_runtime_entry compiled_patterns(Input& input) {
  gp_runtime_entry entry{};
  const gp_pcre layout{.sites = {kCode, input.address(), 0, 0}};
  entry.kind = GP_RUNTIME_PCRE;
  std::memcpy(entry.layout, &layout, sizeof(layout));
  return entry;
}

// Words that are addresses, then raw bytes, of exactly the size the walker is told.
std::vector<uint8_t> stack_of(Input& input) {
  std::vector<uint8_t> stack;
  const size_t words = input.count(64);
  for (size_t i = 0; i < words; ++i) {
    const uint64_t word = input.address();
    const auto* bytes = reinterpret_cast<const uint8_t*>(&word);
    stack.insert(stack.end(), bytes, bytes + sizeof(word));
  }
  const auto rest = input.rest(kMaxStack);
  stack.insert(stack.end(), rest.begin(), rest.end());
  stack.shrink_to_fit();
  return stack;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static gp::walk::PlainTables plain({.buckets = 1, .mappings = 1, .files = kFiles, .pages = kPages, .runtimes = 1});
  static gp::walk::NativeWalker walker(plain.tables);
  if (plain.tables.segments[0] == nullptr) plain.tables.segments[0] = plain.add_segment(0).value();

  Input input({data, size});
  gp::walk::DeferredStack stack;
  stack.registers = registers_of(input);
  fill_files(input, plain.tables);
  fill_pages(input, plain.tables);
  const auto mappings = mappings_of(input);
  const auto before = frames_of(input, 3);
  const auto pending = frames_of(input, 8);
  const std::array<gp_runtime_entry, 1> runtimes = {compiled_patterns(input)};
  const auto bytes = stack_of(input);
  stack.base = kStack;
  stack.stack = bytes;
  stack.mappings = mappings;
  stack.runtimes = runtimes;
  stack.before = before;
  stack.pending = pending;
  const auto walked = walker.walk(stack);
  GP_CHECK(walked.frames.size() <= GP_MAX_FRAMES && walked.frames.size() >= before.size());
  GP_CHECK(walked.end > GP_END_NONE && walked.end < GP_END_COUNT);
  return 0;
}
