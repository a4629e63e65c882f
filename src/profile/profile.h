// A finished, named profile: what every output format is written from. Built by the session's closer, read-only
// afterwards. Owner thread: the closer. No I/O here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "profile/quality.h"

namespace gp::profile {

// Where a named frame runs; decides suffix and colour.
enum class FrameKind : uint8_t { kNative, kKernel, kPython, kJit, kRuby, kPhp, kPerl, kLua, kMarker };

std::string_view frame_kind_name(FrameKind kind);  // "native", "kernel", "python", ...
std::string_view frame_suffix(FrameKind kind);     // "", "_[k]", "_[p]", ...
bool is_interpreted(FrameKind kind);               // names its source file rather than a module

// One function (or one line of one, where lines were asked for). Text is UTF-8 as found, unescaped.
struct Function {
  std::string name;    // "main", "lister.Burner.burn", "(libc.so.6+0x271f0)", "[truncated]"
  std::string file;    // source file, may be empty
  std::string module;  // basename of the ELF file, kernel module, interpreted code's "PACKAGE==VERSION", or empty
  uint32_t line = 0;   // 0: unknown
  FrameKind kind = FrameKind::kNative;
  bool named = true;  // false: the name is only a place
  bool inlined = false;
};

// Text of a frame in collapsed output and the flame graph: name, " (file:line)" or " (file:line [package])" where that is
// known, suffix; not escaped.
std::string frame_text(const Function& function);

// A node of the merged stack tree. Node 0 is the empty root; a node's parent has a smaller index.
struct StackNode {
  uint32_t parent = 0;
  uint32_t function = 0;  // index into Profile::functions
};

struct Process {
  ProcessKey key;
  std::string comm;          // the exec comm: what /proc/PID/comm was at exec, not a thread's name
  std::string executable;    // path as in /proc/PID/exe, may be empty
  std::string container_id;  // 64 hex digits or empty
  std::string runtime;       // "python 3.11", "go", "" for plain native
};

struct Thread {
  uint32_t process = 0;  // index into Profile::processes
  int32_t tid = 0;
  std::string name;
};

// All samples of one thread with one stack.
struct SampleGroup {
  uint32_t thread = 0;  // index into Profile::threads
  uint32_t stack = 0;   // index into Profile::nodes: the leaf
  uint64_t count = 0;   // weight at the nominal rate, at least 1
};

// What an external profiler brought, and why it did not where it did not.
struct ToolReport {
  std::string name;                          // "py-spy"
  uint64_t processes = 0;                    // whose stacks are its
  uint64_t samples = 0;                      // of these
  std::map<std::string, uint64_t> failures;  // reason → how often; the walked stacks stayed

  // "py-spy: the stacks of 2 processes, 345 samples; failed once: exit code 1".
  [[nodiscard]] std::string summary() const;
};

struct Profile {
  int64_t start_unix_ns = 0;
  int64_t end_unix_ns = 0;
  uint64_t period_ns = 0;  // nominal: 1e9 / Hz
  uint32_t frequency_hz = 0;
  std::string event;  // "cpu-clock" or "cycles"
  std::string hostname;
  std::string agent_version;
  std::string kernel_release;
  std::vector<Function> functions;
  std::vector<StackNode> nodes;
  std::vector<Process> processes;
  std::vector<Thread> threads;
  std::vector<SampleGroup> samples;  // sorted by thread, then stack
  Quality quality;
  std::vector<ToolReport> tools;  // empty where none was asked for
};

// Heap it holds, an estimate for memory accounts.
size_t memory_bytes(const Profile& profile);

}  // namespace gp::profile
