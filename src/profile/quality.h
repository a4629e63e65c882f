// What became of every sample of a window, with reasons (invariant 3 of the design):
//   taken = reported + lost;  reported = whole + guessed + truncated + unwalked;
//   deferred and unnamed are attributes of reported samples.
// Owner thread: whoever owns the Profile or session that holds it. Units: samples.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gp::profile {

// Why a sample that was due is in no stack at all.
enum class LossReason : uint8_t {
  kRingFull,    // the kernel ring had no room
  kUnreadable,  // a record the agent could not make sense of
  kOverBudget,  // dropped to stay inside a memory budget
  kMissed,      // the kernel skipped the sampling program or the timer came late
  kCount
};

// Why a reported stack does not reach its root. Each is also the text of a frame at the root end.
enum class WalkEnd : uint8_t {
  kRoot,                // it does
  kTruncated,           // 1,024 frames met: the leaf end is kept
  kNoUnwindInfo,        // no rule for a pc, and no frame pointer to fall back on
  kUnreadable,          // stack or interpreter memory could not be read
  kNoMapping,           // a pc in no executable mapping
  kInExec,              // taken inside execve: the old image is gone, the new one not there
  kProcessGone,         // the process ended before what its stack needs could be read
  kNotLoaded,           // unwind rows were not there yet and the stack was not copied
  kRuntimeNotLoaded,    // an interpreter that the agent had not prepared yet
  kRuntimeUnsupported,  // an interpreter version the agent does not know
  kCompat32,            // a 32-bit process
  kCount
};

std::string_view loss_reason_name(LossReason reason);  // "ring full"
std::string_view walk_end_marker(WalkEnd end);         // "[truncated]", "[no unwind info]"; empty for kRoot

struct Quality {
  uint64_t taken = 0;
  uint64_t whole = 0;      // reached the root by rules alone
  uint64_t guessed = 0;    // reached the root, some frame by frame pointer guess
  uint64_t truncated = 0;  // user frames, but not to the root
  uint64_t unwalked = 0;   // no user frame at all although the sample has a user part
  std::array<uint64_t, static_cast<size_t>(LossReason::kCount)> lost{};
  std::array<uint64_t, static_cast<size_t>(WalkEnd::kCount)> ends{};  // of truncated and unwalked, by reason
  uint64_t deferred = 0;                                              // finished from a stack copy, out of the kernel
  uint64_t unnamed = 0;                                               // have at least one frame without a name
  uint64_t frames = 0;                                                // frames in all reported samples
  uint64_t unnamed_frames = 0;                                        // of those
  uint64_t hung_files = 0;       // files given up because reading them hung: their filesystem does not answer
  bool loading_stopped = false;  // and so many of them that no other file could be looked at when the window ended

  [[nodiscard]] uint64_t reported() const { return whole + guessed + truncated + unwalked; }
  [[nodiscard]] uint64_t lost_total() const;
  [[nodiscard]] bool sums_hold() const { return taken == reported() + lost_total(); }
  // One line for people: "9,874 samples: 99.6 % whole, 0.2 % guessed, …; lost 3 (ring full 3)".
  [[nodiscard]] std::string summary() const;
};

}  // namespace gp::profile
