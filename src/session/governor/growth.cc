#include "session/governor/growth.h"

namespace gp::session {
namespace {

constexpr uint64_t kMinuteNs = 60'000'000'000;
constexpr uint64_t kLeastSpanNs = 10 * kMinuteNs;
constexpr double kNsPerHour = 3600e9;

}  // namespace

double slope(const double* x, const double* y, size_t n) {
  double mean_x = 0;
  double mean_y = 0;
  for (size_t i = 0; i < n; ++i) {
    mean_x += x[i] / static_cast<double>(n);
    mean_y += y[i] / static_cast<double>(n);
  }
  double covariance = 0;
  double variance = 0;
  for (size_t i = 0; i < n; ++i) {
    covariance += (x[i] - mean_x) * (y[i] - mean_y);
    variance += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return variance > 0 ? covariance / variance : 0;
}

void Growth::add(uint64_t now_ns, uint64_t value) {
  if (count_ > 0) {
    const uint64_t last = readings_[(next_ + kReadings - 1) % kReadings].time_ns;
    if (now_ns < last + kMinuteNs) return;
  }
  readings_[next_] = {.time_ns = now_ns, .value = value};
  next_ = (next_ + 1) % kReadings;
  if (count_ < kReadings) ++count_;
}

std::optional<double> Growth::per_hour() const {
  if (count_ < 2) return std::nullopt;
  const size_t oldest = (next_ + kReadings - count_) % kReadings;
  const uint64_t begin = readings_[oldest].time_ns;
  std::array<double, kReadings> hours{};
  std::array<double, kReadings> values{};
  for (size_t i = 0; i < count_; ++i) {
    const Reading& reading = readings_[(oldest + i) % kReadings];
    hours[i] = static_cast<double>(reading.time_ns - begin) / kNsPerHour;
    values[i] = static_cast<double>(reading.value);
  }
  if (hours[count_ - 1] * kNsPerHour < static_cast<double>(kLeastSpanNs)) return std::nullopt;
  return slope(hours.data(), values.data(), count_);
}

}  // namespace gp::session
