#include "elf/go_source.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "elf/cfi_state.h"

namespace gp::elf {
namespace {

constexpr uint64_t kPageBudget = 1'000'000;  // real pages take below 10,000

// Functions that run part of their body on another stack with rbp left pointing at their own frame.
constexpr std::array<std::string_view, 16> kStackSwitches = {
    "runtime.systemstack",
    "runtime.asmcgocall",
    "runtime.asmcgocall_no_g",
    "runtime.mcall",
    "runtime.cgocallback",
    "runtime.nanotime1",
    "runtime.nanotime",
    "runtime.walltime",
    "runtime.walltime1",
    "runtime.vgetrandom1",
    "runtime.sigfwd",
    "runtime.callCgoSigaction",
    "runtime.callCgoMmap",
    "runtime.callCgoMunmap",
    "time.now",
    "runtime.switchToCrashStack0",
};

// Outermost frames of goroutines and threads, after which memory says nothing of a caller.
bool is_root(std::string_view name) {
  return name == "runtime.goexit" || name == "runtime.mstart" || name == "runtime.rt0_go" || name.starts_with("_rt0_");
}

bool crosses_stacks(std::string_view name) { return std::ranges::find(kStackSwitches, name) != kStackSwitches.end(); }

gp_rule root_rule() {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_ROOT;
  return rule;
}

gp_rule frame_pointer_rule() {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_FRAME_POINTER;
  return rule;
}

// `delta` bytes below the return address. Go preserves no register but rbp across calls.
gp_rule stack_rule(int32_t delta, bool saved_rbp) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_REG;
  rule.cfa_reg = kDwarfRsp;
  rule.cfa_offset = delta + 8;
  rule.ra_offset = -8;
  std::ranges::fill(rule.saved, static_cast<int8_t>(GP_SAVED_UNKNOWN));
  rule.saved[GP_SAVED_RBP] = saved_rbp ? -2 : GP_SAVED_SAME;
  return rule;
}

bool starts_with(Bytes code, std::initializer_list<uint8_t> pattern) {
  return code.size() >= pattern.size() && std::equal(pattern.begin(), pattern.end(), code.begin());
}

// Length of `mov %rbp, N(%rsp)` at the head of `code`, 0 when it is something else: how prologues before Go 1.21
// save rbp, after they took the stack.
uint64_t length_of_rbp_store(Bytes code) {
  if (starts_with(code, {0x48, 0x89, 0x6c, 0x24})) return 5;
  if (starts_with(code, {0x48, 0x89, 0xac, 0x24})) return 8;
  return 0;
}

}  // namespace

std::optional<GoSource> GoSource::from_image(const Image& image) {
  const auto table = GoPclntab::from_image(image);
  if (!table) return std::nullopt;
  return GoSource(image, *table);
}

void GoSource::start_page() { budget_ = kPageBudget; }

void GoSource::seek(Vaddr address) { cursor_ = table_.find(address); }

std::optional<CodeSpan> GoSource::next(Vaddr from, Vaddr limit) {
  for (; cursor_ < table_.size() && budget_ > 0; --budget_) {
    const auto function = table_.function(cursor_++);
    if (!function) continue;
    if (function->begin >= limit) return std::nullopt;
    if (function->end <= from) continue;
    function_ = *function;
    return CodeSpan{function_.begin, function_.end};
  }
  return std::nullopt;
}

void GoSource::emit(Vaddr begin, Vaddr end, PageRows& rows) {
  const std::string_view name = table_.name(function_);
  if (is_root(name)) {
    rows.add(begin, root_rule());
  } else if (name == "runtime.morestack") {
    emit_morestack(begin, end, rows);
  } else {
    emit_steps(begin, end, crosses_stacks(name), rows);
  }
}

// From where on rbp lies below the return address; nothing in functions that leave it alone.
std::optional<Vaddr> GoSource::rbp_saved_from() {
  auto steps = table_.stack_deltas(function_);
  for (auto step = steps.next(); step && step->begin < function_.end - function_.begin; step = steps.next()) {
    if (budget_ == 0) break;
    --budget_;
    if (step->value <= 0) continue;
    const Vaddr at = function_.begin + step->begin;                // behind the first instruction that takes stack
    if (starts_with(image_->bytes_at(at - 1), {0x55})) return at;  // push %rbp
    const uint64_t store = length_of_rbp_store(image_->bytes_at(at));
    return store == 0 ? std::nullopt : std::optional(at + store);
  }
  return std::nullopt;
}

void GoSource::emit_steps(Vaddr begin, Vaddr end, bool crosses, PageRows& rows) {
  const auto saved_from = rbp_saved_from();
  const uint64_t size = function_.end - function_.begin;
  auto steps = table_.stack_deltas(function_);
  Vaddr done = begin;
  for (auto step = steps.next(); step && step->begin < size && budget_ > 0; step = steps.next()) {
    --budget_;
    const Vaddr from = std::max(begin, function_.begin + step->begin);
    const Vaddr to = std::min(end, function_.begin + std::min(step->end, size));
    if (from >= to) continue;
    const bool has_frame = saved_from && step->value > 0;
    if (!has_frame || from < *saved_from)
      rows.add(from, step->value < 0 ? popped_rule(*step) : stack_rule(step->value, false));
    if (has_frame && *saved_from < to)
      rows.add(std::max(from, *saved_from), crosses ? frame_pointer_rule() : stack_rule(step->value, true));
    done = to;
  }
  if (done < end) rows.add_no_rule(done);
}

// syscall.rawVforkSyscall keeps its return address in r12 while parent and child share the stack.
gp_rule GoSource::popped_rule(const GoPcValues::Step& step) const {
  const bool in_r12 = starts_with(image_->bytes_at(function_.begin + step.begin - 2), {0x41, 0x5c});  // pop %r12
  if (step.value != -8 || !in_r12) return gp_rule{};
  gp_rule rule = stack_rule(step.value, false);
  rule.ra_op = GP_RA_REGISTER;
  rule.ra_offset = 12;
  return rule;
}

// It goes to g0's stack and clears rbp there, so that nothing tells the goroutine's frames any more: the walk of
// what it calls ends with it.
void GoSource::emit_morestack(Vaddr begin, Vaddr end, PageRows& rows) {
  constexpr std::array<uint8_t, 4> kLoadStack = {0x48, 0x8b, 0x63, 0x38};  // mov g_sched+gobuf_sp(%rbx), %rsp
  const Bytes rest = image_->bytes_at(function_.begin);
  const Bytes code = rest.first(std::min<uint64_t>(rest.size(), function_.end - function_.begin));
  const auto load = std::ranges::search(code, kLoadStack);
  const Vaddr switched = function_.begin + static_cast<uint64_t>(load.end() - code.begin());
  if (begin < switched) rows.add(begin, stack_rule(0, false));
  if (switched < end) rows.add(std::max(begin, switched), root_rule());
}

}  // namespace gp::elf
