#include "elf/code/code_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gp::elf {
namespace {

constexpr uint64_t kAlignment = 16;         // of functions: what lies between two is shorter
constexpr uint64_t kPageSteps = 1'000'000;  // instructions; musl's pages take 40,000

bool same(const gp_rule& a, const gp_rule& b) { return std::memcmp(&a, &b, sizeof(gp_rule)) == 0; }

struct Ruled {
  Vaddr begin;
  Vaddr end;
  gp_rule rule;
};

// Adds rows for [begin, end) out of what functions say of its instructions. Where two do not say the same there is no
// rule.
void add_rows(std::vector<Ruled>& ruled, Vaddr begin, Vaddr end, PageRows& rows) {
  std::ranges::sort(ruled, {}, &Ruled::begin);
  Vaddr done = begin;
  for (size_t i = 0; i < ruled.size();) {
    Ruled whole = ruled[i];
    for (++i; i < ruled.size() && ruled[i].begin < whole.end; ++i) {
      const Ruled& other = ruled[i];
      if (other.begin != whole.begin || other.end != whole.end || !same(other.rule, whole.rule)) whole.rule = {};
      whole.end = std::max(whole.end, other.end);
    }
    const Vaddr from = std::max(whole.begin, begin);
    const Vaddr to = std::min(whole.end, end);
    if (from >= to) continue;
    if (from > done) rows.add_no_rule(done);
    rows.add(from, whole.rule);
    done = to;
  }
  if (done < end) rows.add_no_rule(done);
}

}  // namespace

void CodeSource::analyse(std::span<const CodeSpan> without_rules) {
  is_made_ = true;
  // Nearest first: libraries that choose among kernels for many processors (OpenBLAS) have each one's together.
  const auto distance = [this](const CodeSpan& span) {
    const uint64_t bytes =
        span.end <= wanted_at_ ? wanted_at_ - span.end : span.begin - std::min(span.begin, wanted_at_);
    return std::pair(bytes, span.begin);
  };
  std::vector<CodeSpan> nearest(without_rules.begin(), without_rules.end());
  std::ranges::sort(nearest, {}, distance);
  std::vector<CodeSpan> spans;
  uint64_t left = kMaxCode;
  for (const CodeSpan& span : nearest) {
    if (span.end - span.begin < kAlignment || span.end - span.begin > left) continue;
    left -= span.end - span.begin;
    spans.push_back(span);
  }
  std::ranges::sort(spans, {}, &CodeSpan::begin);
  code_ = std::make_unique<CodeBytes>(*image_, spans);
  functions_ = std::make_unique<CodeFunctions>(*image_, *code_);
  flow_ = std::make_unique<FunctionFlow>(*code_, *functions_);
}

// Follows all functions once more, within the budget of finding them.
void CodeSource::learn_names() {
  constexpr uint32_t kNobody = UINT32_MAX;
  std::vector<std::vector<uint32_t>> owners;
  owners.reserve(code_->parts().size());
  has_names_ = true;
  for (const auto& part : code_->parts()) owners.emplace_back(part.bytes.size(), kNobody);
  uint64_t steps = kPageSteps + 2 * code_->size();
  for (const auto& function : functions_->functions()) {
    const bool is_sound = steps > 0 && functions_->follow(function, *flow_);
    steps -= std::min<uint64_t>(steps, flow_->steps());
    if (!is_sound) continue;
    const auto number = static_cast<uint32_t>(learned_.size());
    learned_.push_back({function.begin, function.extent.end, flow_->is_complete()});
    for (const auto& [address, place] : flow_->places()) {
      const auto spot = code_->spot({address});
      for (uint64_t i = 0; spot && i < place.length; ++i) {
        uint32_t& owner = owners[spot->part][spot->offset + i];
        if (owner == kNobody || learned_[owner].begin < function.begin) owner = number;
      }
    }
  }
  for (size_t part = 0; part < owners.size(); ++part)
    for (size_t at = 0, end = 0; at < owners[part].size(); at = end) {
      const uint32_t owner = owners[part][at];
      while (end < owners[part].size() && owners[part][end] == owner) ++end;
      if (owner != kNobody) runs_.push_back({code_->parts()[part].begin + at, static_cast<uint32_t>(end - at), owner});
    }
  runs_.shrink_to_fit();
}

std::optional<LearnedFunction> CodeSource::function_at(Vaddr address) {
  if (!is_made_) return std::nullopt;
  if (!has_names_) learn_names();
  const auto after = std::ranges::upper_bound(runs_, address, {}, &Run::begin);
  if (after == runs_.begin() || address - (after - 1)->begin >= (after - 1)->bytes) return std::nullopt;
  return learned_[(after - 1)->function];
}

void CodeSource::start_page() { steps_left_ = kPageSteps; }

std::optional<CodeSpan> CodeSource::next(Vaddr from, Vaddr limit) {
  if (!is_made_) {
    if (!is_wanted_ && limit - from >= kLeast) wanted_at_ = from;
    is_wanted_ |= limit - from >= kLeast;
    return std::nullopt;
  }
  const auto overlaps = [&](const CodeFunctions::Function& function) {
    return function.extent.begin < limit && function.extent.end > from;
  };
  if (std::ranges::none_of(functions_->functions(), overlaps)) return std::nullopt;
  return CodeSpan{from, limit};
}

void CodeSource::emit(Vaddr begin, Vaddr end, PageRows& rows) {
  std::vector<Ruled> ruled;
  for (const auto& function : functions_->functions()) {
    if (function.extent.begin >= end || steps_left_ == 0) break;
    if (function.extent.end <= begin) continue;
    const bool is_sound = functions_->follow(function, *flow_);
    steps_left_ -= std::min<uint64_t>(steps_left_, flow_->steps());
    if (!is_sound) continue;
    for (const auto& [address, place] : flow_->places()) {
      const Vaddr at{address};
      if (at < end && at + place.length > begin) ruled.push_back({at, at + place.length, place.facts.rule()});
    }
  }
  add_rows(ruled, begin, end, rows);
}

size_t CodeSource::owned_bytes() const {
  return sizeof(*this) + (code_ ? code_->owned_bytes() : 0) + (functions_ ? functions_->owned_bytes() : 0) +
         learned_.capacity() * sizeof(LearnedFunction) + runs_.capacity() * sizeof(Run);
}

}  // namespace gp::elf
