#include "managed/parsers/speedscope.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "managed/parsers/collapsed.h"

namespace gp::managed {
namespace {

constexpr size_t kMaxFrames = 1U << 18U;  // distinct ones
constexpr size_t kMaxNameBytes = 4096;    // of one of them
constexpr size_t kMaxNodes = 1U << 18U;   // of the tree of open frames
constexpr size_t kMaxOpen = 16 * kMaxToolFrames;
constexpr int kMaxDepth = 64;  // of the JSON itself

// Milliseconds of the units a file may give.
double milliseconds_of(std::string_view unit) {
  if (unit == "nanoseconds") return 1e-6;
  if (unit == "microseconds") return 1e-3;
  if (unit == "seconds") return 1e3;
  return 1;
}

// Told by nlohmann's parser what it meets; keeps no more than the tree of frames that were open.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool string(string_t& text) override {
    if (depth_is(Where::kFrame) && key_ == "name") names_.push_back(text.substr(0, kMaxNameBytes));
    if (depth_is(Where::kEvent) && key_ == "type") opens_ = text == "O";
    if (depth_is(Where::kProfile) && key_ == "unit") unit_ms_ = milliseconds_of(text);
    return names_.size() <= kMaxFrames;
  }
  bool number(double value) {
    if (!depth_is(Where::kEvent)) return true;
    if (key_ == "frame") frame_ = value >= 0 && value < kMaxFrames ? static_cast<uint32_t>(value) : UINT32_MAX;
    if (key_ == "at") at_ = value;
    return true;
  }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return number(value); }
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }

  bool start_object(size_t /*size*/) override {
    push();
    if (depth_is(Where::kProfile)) begin_profile();
    if (depth_is(Where::kEvent)) frame_ = UINT32_MAX;
    return path_.size() <= kMaxDepth;
  }
  bool end_object() override {
    const bool good = !depth_is(Where::kEvent) || event();
    pop();
    return good;
  }
  bool start_array(size_t /*size*/) override {
    push();
    return path_.size() <= kMaxDepth;
  }
  bool end_array() override {
    pop();
    return true;
  }
  bool parse_error(size_t position, const std::string& /*token*/, const nlohmann::json::exception& /*why*/) override {
    refusal_ = fmt::format("no JSON at byte {}", position);
    return false;
  }

  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  // Names are known only now: a file may give its frames after its profiles.
  void give(double unit_ms, profile::ToolStacks& stacks) const {
    for (const auto& [node, ms] : weights_) {
      std::vector<profile::Function> functions;
      for (uint32_t at = node; at != 0 && functions.size() < kMaxToolFrames; at = nodes_[at].first) {
        profile::Function function;
        const uint32_t frame = nodes_[at].second;
        function.named = frame < names_.size();
        function.name = function.named ? names_[frame] : "[frame without a name]";
        function.kind = profile::FrameKind::kJit;
        functions.push_back(std::move(function));
      }
      std::ranges::reverse(functions);
      stacks.add(functions, static_cast<uint64_t>(std::clamp(std::round(ms / unit_ms), 1.0, 1e12)));
    }
  }

 private:
  enum class Where : uint8_t { kFrame, kProfile, kEvent };

  // The path of keys: {"shared": {"frames": [{…}]}, "profiles": [{…, "events": [{…}]}]}.
  [[nodiscard]] bool depth_is(Where where) const {
    switch (where) {
      case Where::kFrame: return path_.size() == 4 && path_[1] == "shared" && path_[2] == "frames";
      case Where::kProfile: return path_.size() == 3 && path_[1] == "profiles";
      case Where::kEvent: break;
    }
    return path_.size() == 5 && path_[1] == "profiles" && path_[3] == "events";
  }
  // The container's own key; the elements of an array have none.
  void push() { path_.push_back(std::exchange(key_, {})); }
  void pop() {
    path_.pop_back();
    key_.clear();
  }

  void begin_profile() {
    open_.assign(1, 0);
    last_ = std::nullopt;
    unit_ms_ = 1;
  }

  uint32_t child(uint32_t parent, uint32_t frame) {
    const auto [place, added] =
        node_ids_.try_emplace(uint64_t{parent} << 32U | frame, static_cast<uint32_t>(nodes_.size()));
    if (added) nodes_.emplace_back(parent, frame);
    return place->second;
  }

  // False: what is closed was not open, time goes backwards, or there is too much.
  bool event() {
    if (frame_ == UINT32_MAX || !std::isfinite(at_) || open_.empty()) return false;
    if (last_ && at_ < *last_) return false;
    if (last_ && open_.back() != 0 && at_ > *last_) weights_[open_.back()] += (at_ - *last_) * unit_ms_;
    last_ = at_;
    if (!opens_) {
      if (open_.size() < 2 || nodes_[open_.back()].second != frame_) return false;
      open_.pop_back();
      return true;
    }
    open_.push_back(child(open_.back(), frame_));
    return nodes_.size() <= kMaxNodes && open_.size() <= kMaxOpen;
  }

  std::vector<std::string> path_;
  std::string key_;
  std::vector<std::string> names_;
  std::vector<std::pair<uint32_t, uint32_t>> nodes_{{0, 0}};  // parent, frame
  std::unordered_map<uint64_t, uint32_t> node_ids_;
  std::map<uint32_t, double> weights_;  // ms
  std::vector<uint32_t> open_;          // nodes, from the root
  std::optional<double> last_;          // time of the profile's last event
  double unit_ms_ = 1;
  uint32_t frame_ = UINT32_MAX;
  double at_ = 0;
  bool opens_ = false;
  std::string refusal_ = "events that do not fit together, or too many of them";
};

template <class Input>
Result<void> parse(Input&& input, double unit_ms, profile::ToolStacks& stacks) {
  Reader reader;
  if (!nlohmann::json::sax_parse(std::forward<Input>(input), &reader)) {
    return fail(ErrorCode::kMalformed, reader.refusal());
  }
  reader.give(unit_ms, stacks);
  return {};
}

}  // namespace

Result<void> read_speedscope(const std::string& path, double unit_ms, profile::ToolStacks& stacks) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, fmt::format("{} was not written", path));
  return parse(file, unit_ms, stacks);
}

Result<void> parse_speedscope(std::string_view text, double unit_ms, profile::ToolStacks& stacks) {
  return parse(text, unit_ms, stacks);
}

}  // namespace gp::managed
