// What the governor may ask of the engine when memory runs short. Calls come from the control thread, one at a time; they
// must not block: what takes long is handed to the thread that owns it and shows in the next measurement.
#pragma once

#include <cstdint>

namespace gp::session {

class Relief {
 public:
  Relief() = default;
  Relief(const Relief&) = delete;
  Relief& operator=(const Relief&) = delete;
  Relief(Relief&&) = delete;
  Relief& operator=(Relief&&) = delete;
  virtual ~Relief() = default;

  // Caches give back what was used longest ago, the row pool its spare segments.
  virtual void trim() = 0;
  // While true no cache grows: what is not in it is made anew or left out.
  virtual void refuse_growth(bool refuse) = 0;
  // While true windows close without inlined functions and lines.
  virtual void drop_detail(bool drop) = 0;
  // What windows may record halves each time; further different stacks are lost as over budget.
  virtual void halve_logs() = 0;
  virtual void restore_logs() = 0;
  // While true external collectors do not run; those that do are cancelled.
  virtual void cancel_collectors(bool cancel) = 0;
  [[nodiscard]] virtual uint32_t asked_rate_hz() const = 0;  // the highest any session asks for
  virtual void limit_rate(uint32_t hz) = 0;                  // 0: no limit
  // Ends the current window now and starts sampling again with empty tables.
  virtual void close_early() = 0;
};

}  // namespace gp::session
