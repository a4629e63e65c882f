// How fast a figure grows: the slope of the straight line that fits its readings of the last hour best. One reading a
// minute, so a spike of seconds hardly shows, a leak does. Fixed size. Owner thread: control.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace gp::session {

class Growth {
 public:
  // Taken when a minute has passed since the last one taken, else left out.
  void add(uint64_t now_ns, uint64_t value);
  // Per hour. Nothing until readings span ten minutes: before that it would tell of the start, not of growth.
  [[nodiscard]] std::optional<double> per_hour() const;

 private:
  static constexpr size_t kReadings = 60;
  struct Reading {
    uint64_t time_ns = 0;
    uint64_t value = 0;
  };
  std::array<Reading, kReadings> readings_{};  // a ring
  size_t count_ = 0;
  size_t next_ = 0;
};

// The slope of the least-squares line through n points, per unit of x; 0 when x does not vary.
double slope(const double* x, const double* y, size_t n);

}  // namespace gp::session
