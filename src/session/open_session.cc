#include "session/open_session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace gp::session {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kTicksNs = 20'000'000;     // the longest a tick may be in progress, a stolen virtual CPU included
constexpr uint64_t kFilesNs = 300'000'000;    // that files have to be opened in after a window, on a busy host
constexpr uint32_t kAskedAhead = 3;           // windows ended on request that may wait to be closed
constexpr uint64_t kDrainNs = 2'000'000'000;  // a window waits this long for samples at the loader

bool all_opened(const Recording& recording) {
  return std::ranges::none_of(recording.files(), [](const auto& file) {
    return file->state.load(std::memory_order_acquire) == targets::CodeFile::State::kNew;
  });
}

}  // namespace

OpenSession::OpenSession(uint32_t slot, sampling::SessionTable* table, std::shared_ptr<SessionState> state,
                         uint64_t first_window, const Surroundings& now)
    : slot_(slot),
      table_(table),
      state_(std::move(state)),
      period_ns_(kNsPerSecond / state_->options.frequency_hz),
      grid_{.start_ns = now.now_ns, .period_ns = static_cast<uint64_t>(state_->options.window.count())},
      counted_{table->counts(slot, 0), table->counts(slot, 1)},
      ticks_(now.ticks),
      boundary_ns_(grid_.next_after(now.now_ns)),
      unreadable_(now.unreadable) {
  begin(first_window, now.now_ns);
  table_->open(slot_, period_ns_, boundary_ns_, bank_);
}

void OpenSession::begin(uint64_t number, uint64_t start_ns) {
  current_ = std::make_unique<Window>();
  current_->number = number;
  current_->start_ns = start_ns;
  current_->unreadable_before = unreadable_;
  begun_ = true;
}

Window* OpenSession::window_of(uint32_t sessions, uint64_t time_ns, bool deferred) {
  const uint32_t bank = sessions >> (GP_SAMPLE_BANK_SHIFT + slot_) & 1U;
  if (current_ && bank != bank_ && rotated_ns_ == 0 && time_ns >= boundary_ns_) rotate(boundary_ns_);
  if (bank != bank_ && old_) return old_.get();
  if (!current_) return nullptr;
  if (bank != bank_ && rotated_ns_ == 0) {
    // Its window has been counted and closed.
    if (deferred) return nullptr;
    ++counted_[bank].taken;
    ++current_->counts.taken;
    return current_.get();
  }
  return deferred && time_ns < current_->start_ns ? nullptr : current_.get();
}

void OpenSession::rotate(uint64_t at_ns) {
  rotated_ns_ = at_ns;
  ticks_due_ = true;
  bank_ ^= 1U;
  ++periods_;
  current_->end_ns = at_ns;
  const bool last = stop_ns_ != 0 || (state_->options.windows != 0 && periods_ >= state_->options.windows);
  if (last) {
    table_->close(slot_);
    state_->next_window = current_->number + 1;
    state_->stopping = !goes_on_;
    current_->last = !goes_on_;
    old_ = std::move(current_);
  } else if (state_->closing > (std::exchange(asked_, false) ? kAskedAhead : 0)) {
    ++current_->merged;
    ++state_->merged;
    spdlog::warn("session {}: Previous snapshot still running, merging its window into the next", state_->options.name);
  } else {
    old_ = std::move(current_);
    begin(old_->number + 1, at_ns);
  }
}

std::unique_ptr<Window> OpenSession::turn(const Surroundings& now) {
  unreadable_ = now.unreadable;
  if (rotated_ns_ == 0 && current_ && (stop_ns_ != 0 || now.now_ns >= boundary_ns_)) {
    rotate(stop_ns_ != 0 ? stop_ns_ : boundary_ns_);
  }
  if (ticks_due_) {
    window_ticks_ = {.runs = now.ticks.runs - ticks_.runs,
                     .missed = now.ticks.missed - std::min(ticks_.missed, now.ticks.missed)};
    ticks_.runs = now.ticks.runs;
    ticks_.missed = std::max(ticks_.missed, now.ticks.missed);  // a tick in progress counts as missed for a moment
    ticks_due_ = false;
  }
  return rotated_ns_ != 0 && settled(now) ? settle(now) : nullptr;
}

bool OpenSession::settled(const Surroundings& now) const {
  const uint64_t since = now.now_ns - std::min(now.now_ns, rotated_ns_);
  if (now.ticking && since < kTicksNs) return false;
  if (!old_) return true;
  const uint64_t patience = grid_.period_ns == 0 ? kDrainNs : std::min(kDrainNs, grid_.period_ns / 2);
  if (since >= patience) return true;
  return old_->waiting == 0 && (now.loader_idle || (since >= kFilesNs && all_opened(old_->recording)));
}

std::unique_ptr<Window> OpenSession::settle(const Surroundings& now) {
  const uint32_t ended_bank = bank_ ^ 1U;
  const sampling::BankCounts counts = table_->counts(slot_, ended_bank);
  Window& window = old_ ? *old_ : *current_;
  window.count(counts - counted_[ended_bank], window_ticks_);
  counted_[ended_bank] = counts;
  rotated_ns_ = 0;
  if (current_) {
    boundary_ns_ = grid_.next_after(now.now_ns);
    if (stop_ns_ == 0) table_->set_boundary(slot_, boundary_ns_, bank_);
  }
  if (old_) old_->settle_quality(now.unreadable);
  return std::move(old_);
}

uint64_t OpenSession::due_ns() const {
  if (rotated_ns_ != 0) return rotated_ns_ + kTicksNs;
  if (!current_) return kNever;
  return stop_ns_ != 0 ? stop_ns_ : boundary_ns_;
}

void OpenSession::end_window(uint64_t now_ns) {
  if (rotated_ns_ != 0 || stopped()) return;  // it has just ended by itself
  asked_ = true;
  boundary_ns_ = now_ns;
  table_->set_boundary(slot_, now_ns, bank_);
}

void OpenSession::stop(uint64_t now_ns, bool last) {
  if (stopped()) return;
  table_->close(slot_);
  stop_ns_ = now_ns;
  goes_on_ = !last;
  if (last) state_->stopping = true;
}

}  // namespace gp::session
