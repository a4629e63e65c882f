// Requests of the control socket: foreign bytes to values, within bounds. Owner thread: none (values).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "managed/tool_table.h"

namespace gp::app {

// What a new session is to be. What is left out is as in the options of the gprofiler in the background.
struct SessionRequest {
  std::string name;
  std::optional<uint32_t> frequency_hz;
  std::optional<uint32_t> window_seconds;  // none: one window, until it is stopped
  uint32_t windows = 0;                    // 0: until it is stopped
  std::vector<int32_t> pids;               // empty: every process
  bool children = false;
  bool inlines = false;
  std::optional<bool> flamegraph;
  std::optional<bool> pprof;
  std::string output_dir;  // absolute; empty: a folder of the session's own below the background's
  bool owned = false;      // ends with the connection
  std::optional<bool> python_versions;
  std::optional<managed::ToolChoice> tools;  // external profilers
  std::optional<uint32_t> columns;           // of a summary with the last window, and so it is wanted
  bool colour = false;
};

struct StatusRequest {};
struct ListRequest {};
struct SnapshotRequest {
  std::optional<SessionRequest> session;  // none: the open window, now
};
struct StartRequest {
  SessionRequest session;
};
struct StopRequest {
  uint32_t id = 0;
};
using ControlRequest = std::variant<StatusRequest, ListRequest, SnapshotRequest, StartRequest, StopRequest>;

// Errors are one line for whoever sent it.
Result<ControlRequest> parse_control_request(std::string_view line);

}  // namespace gp::app
