// Output of `perf script -F comm,pid,tid,ip,sym,dso`: samples of all processes, their frames leaf first. Foreign text.
// Owner thread: whoever made it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"
#include "profile/tool_stacks.h"

namespace gp::managed {

// "comm words 12/34": the comm may hold blanks and slashes itself.
struct PerfSampleHead {
  std::string_view comm;
  int32_t pid = 0;
  int32_t tid = 0;
};
std::optional<PerfSampleHead> parse_perf_head(std::string_view line);

// "    ffffffff821f5127 symbol name+0x1d (/path/of the/file)". A symbol that perf could not name is named by its file.
std::optional<profile::Function> parse_perf_frame(std::string_view line);

class PerfScript {
 public:
  static constexpr size_t kMaxProcesses = 65'536;

  // One process as it was seen.
  struct Seen {
    profile::ToolStacks stacks;
    uint64_t user_frames = 0;  // of all its samples: what `smart` compares
    uint64_t samples = 0;
  };

  void line(std::string_view text);
  void finish() { end_sample(); }
  // By pid; identities hold only pid and comm. The idle task (pid 0) is left out.
  [[nodiscard]] std::map<int32_t, Seen>& processes() { return processes_; }
  [[nodiscard]] uint64_t malformed() const { return malformed_; }  // lines that were neither

 private:
  void end_sample();

  std::map<int32_t, Seen> processes_;
  int32_t pid_ = -1;  // of the open sample
  std::string comm_;
  std::vector<profile::Function> frames_;  // leaf first
  uint64_t malformed_ = 0;
};

}  // namespace gp::managed
