// What the profiler read of a load while it ran: the sideband, symbols of interpreted code and walked samples, in the
// order in which they came, with the names of just those functions that were met. As text, so that a change of the
// walker's records does not make a recording useless. Owner thread: whoever holds it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "bpf/abi/sample.h"

namespace gp::replay {

// A function of a recorded file. Files hold their functions one after the other: `offset` counts from their code.
struct Function {
  uint32_t file = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
  std::string name{};  // as in the symbol table; empty: code without a name
};

struct Event {
  enum class Kind : uint8_t { kFork, kExec, kName, kMap, kExit };
  Kind kind = Kind::kFork;
  uint64_t time_ns = 0;
  int32_t pid = 0;
  int32_t other = 0;  // parent's pid, or tid
  uint64_t address = 0;
  uint64_t length = 0;
  uint32_t file = UINT32_MAX;  // of a mapping; none: memory
  std::string name{};
};

struct Symbol {
  int32_t pid = 0;
  uint32_t runtime = 0;
  uint64_t object = 0;
  uint32_t cookie = 0;
  uint32_t first_line = 0;
  std::string name{};  // hexadecimal, as the file is and the table
  std::string file{};
  std::string table{};
};

struct Sample {
  uint64_t time_ns = 0;
  int32_t pid = 0;
  int32_t tid = 0;
  uint32_t end = 0;
  uint32_t flags = 0;
  uint32_t stack = 0;  // leaf node; 0: no frames
  std::string comm;
};

inline constexpr uint8_t kKernelFrame = 255;  // in gp_frame.kind: value is the number of a kernel function

struct RecordedLoad {
  struct Node {
    uint32_t parent = 0;
    uint32_t frame = 0;
  };

  std::vector<std::string> files;
  std::vector<Function> functions;
  std::vector<std::string> kernel;  // functions
  std::vector<gp_frame> frames;     // a native one's value counts from its file's code
  std::vector<Node> nodes{{}};      // of stacks, root first
  std::vector<std::variant<Event, Symbol, Sample>> items;

  [[nodiscard]] std::string text() const;
  static Result<RecordedLoad> parse(std::string_view text);
  static Result<RecordedLoad> read(const std::string& path);
};

}  // namespace gp::replay
