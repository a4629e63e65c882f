// A session on the reader's side: which window a sample belongs to, and when one window gives way to the next.
//
// The kernel decides by sample time and says in each sample which of two banks it counted it in (bpf/abi/sessions.h), so
// that a window's samples and its counters agree exactly. A window that has ended stays a moment for what is still on
// its way: ticks in progress, stacks the loader finishes. If the session's last window is still with the closer by then,
// the two become one.
//
// Owner thread: reader.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "sampling/session_table.h"
#include "session/grid.h"
#include "session/session_state.h"
#include "session/window.h"

namespace gp::session {

class OpenSession {
 public:
  // What turn() has to know of the rest of the reader.
  struct Surroundings {
    uint64_t now_ns = 0;  // everything written before has been read
    TickTotals ticks;
    uint64_t unreadable = 0;   // records so far
    bool ticking = true;       // false: no tick can be in progress
    bool loader_idle = false;  // nothing is being opened
  };

  // Samples are taken for it from now on.
  OpenSession(uint32_t slot, sampling::SessionTable* table, std::shared_ptr<SessionState> state, uint64_t first_window,
              const Surroundings& now);

  [[nodiscard]] uint32_t slot() const { return slot_; }
  [[nodiscard]] SessionState& state() const { return *state_; }
  [[nodiscard]] const std::shared_ptr<SessionState>& shared_state() const { return state_; }
  [[nodiscard]] uint64_t period_ns() const { return period_ns_; }

  // The window a sample is of; null: of none that is still open. A `deferred` one that comes back later than its window
  // could wait has been counted as lost.
  Window* window_of(uint32_t sessions, uint64_t time_ns, bool deferred);

  // Rotates and settles what is due. A window that is complete is the caller's.
  std::unique_ptr<Window> turn(const Surroundings& now);
  [[nodiscard]] uint64_t due_ns() const;                             // when turn() has something to do
  [[nodiscard]] bool unsettled() const { return rotated_ns_ != 0; }  // a window has ended and is not complete

  void end_window(uint64_t now_ns);
  // Takes no tick any more; the open window ends now. It is not the session's last one if that goes on elsewhere.
  void stop(uint64_t now_ns, bool last = true);
  [[nodiscard]] bool stopped() const { return stop_ns_ != 0 || !current_; }
  [[nodiscard]] bool ended() const { return !current_ && !old_; }
  [[nodiscard]] Window* current() { return current_.get(); }
  // Where the open window will end by itself. Before the one ahead of it is settled the kernel does not know yet.
  [[nodiscard]] uint64_t window_end_ns() const {
    return rotated_ns_ != 0 && current_ ? grid_.next_after(current_->start_ns) : boundary_ns_;
  }
  // True once for each window that has begun.
  bool take_begun() { return std::exchange(begun_, false); }

 private:
  void rotate(uint64_t at_ns);
  void begin(uint64_t number, uint64_t start_ns);
  [[nodiscard]] bool settled(const Surroundings& now) const;
  std::unique_ptr<Window> settle(const Surroundings& now);

  uint32_t slot_;
  sampling::SessionTable* table_;
  std::shared_ptr<SessionState> state_;
  uint64_t period_ns_;  // between two samples of a CPU
  Grid grid_;
  std::unique_ptr<Window> current_;
  std::unique_ptr<Window> old_;  // ended, not settled
  uint32_t bank_ = 0;            // of `current_`
  std::array<sampling::BankCounts, 2> counted_;
  TickTotals ticks_;          // as counted
  TickTotals window_ticks_;   // of the period that ended last
  bool ticks_due_ = false;    // they have still to be counted
  uint64_t boundary_ns_ = 0;  // where the open window ends
  uint64_t rotated_ns_ = 0;   // where the last one ended that is not accounted; 0: none
  uint64_t stop_ns_ = 0;      // 0: goes on
  uint64_t periods_ = 0;      // ended
  uint64_t unreadable_ = 0;
  bool begun_ = false;
  bool asked_ = false;    // somebody waits for the window that ends next
  bool goes_on_ = false;  // after stop(), by another reader
};

}  // namespace gp::session
