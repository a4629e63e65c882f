#include "elf/code/function_flow.h"

#include <algorithm>
#include <utility>

namespace gp::elf {

bool FunctionFlow::run(Vaddr start, const FrameFacts& entry, bool is_certain) {
  is_certain_ = is_certain;
  start_ = start;
  places_.clear();
  pending_.clear();
  doubtful_.clear();
  called_.clear();
  taken_.clear();
  steps_ = 0;
  left_out_ = false;
  jumps_away_ = false;
  has_return_ = false;
  returns_ = Returns::kNever;
  pending_.push_back({start, entry});
  bool is_sound = follow_all();
  while (is_sound && !doubtful_.empty()) {
    const Pending next = doubtful_.back();
    doubtful_.pop_back();
    weigh(next);
    is_sound = follow_all();
  }
  measure();
  return is_sound;
}

bool FunctionFlow::follow_all() {
  while (!pending_.empty()) {
    const Pending next = pending_.back();
    pending_.pop_back();
    if (!follow(next)) return false;
  }
  return true;
}

void FunctionFlow::weigh(const Pending& doubtful) {
  const Trial near = try_part(doubtful, false, false);
  if (near == Trial::kBelieved) return;
  if (near == Trial::kOpen && try_part(doubtful, true, false) == Trial::kBelieved) return;
  const bool is_open_enough = near == Trial::kOpen && is_certain_ && doubtful.callee == Returns::kSurely;
  if (is_open_enough && try_part(doubtful, false, true) == Trial::kBelieved) return;
  left_out_ = true;
}

// Follows the code behind a doubtful call. What is known by it is left in pending_ if it is believed; else nothing of it
// stays. `farther`: also behind the doubtful calls that it meets. `is_open_enough`: it need not come to a return, if it
// never returns.
FunctionFlow::Trial FunctionFlow::try_part(const Pending& from, bool farther, bool is_open_enough) {
  const Findings before{called_.size(), taken_.size(), has_return_, returns_};
  const size_t doubtful = doubtful_.size();
  tried_.clear();
  back_.clear();
  has_return_ = false;
  returns_ = Returns::kNever;
  is_trying_ = true;
  goes_farther_ = farther;
  pending_.push_back(from);
  const bool is_sound = follow_all();
  is_trying_ = goes_farther_ = false;
  pending_.clear();
  const bool is_shown = has_return_ || !back_.empty() || (is_open_enough && returns_ == Returns::kNever);
  if (is_sound && is_shown) {
    has_return_ |= before.has_return;
    returns_ = std::max(returns_, before.returns);
    for (const uint64_t address : tried_) places_[address].is_tried = false;
    pending_ = back_;
    return Trial::kBelieved;
  }
  for (const uint64_t address : tried_) places_.erase(address);
  doubtful_.resize(doubtful);
  called_.resize(before.called);
  taken_.resize(before.taken);
  has_return_ = before.has_return;
  returns_ = before.returns;
  return is_sound ? Trial::kOpen : Trial::kWrong;
}

void FunctionFlow::measure() {
  extent_ = {start_, start_};
  for (const auto& [address, place] : places_) {
    extent_.begin = std::min(extent_.begin, Vaddr{address});
    extent_.end = std::max(extent_.end, Vaddr{address} + place.length);
  }
}

int FunctionFlow::enter(Vaddr to, const FrameFacts& facts, bool is_behind_call) {
  if (to == start_ || !others_->begins_at(to)) return 1;
  if (is_behind_call) return 0;  // what was called did not come back
  has_return_ |= facts.is_as_at_entry();
  return leave(facts) ? 0 : -1;
}

// Where the frame is not known any more nothing can be said, nor checked.
bool FunctionFlow::leave(const FrameFacts& facts) {
  return facts.is_unknown() || facts.is_root() || facts.is_as_at_entry();
}

void FunctionFlow::note_addresses() {
  if (instruction_.raw.mnemonic != ZYDIS_MNEMONIC_LEA && instruction_.raw.mnemonic != ZYDIS_MNEMONIC_MOV) return;
  const auto& from = instruction_.storage[1];
  if (instruction_.raw.mnemonic == ZYDIS_MNEMONIC_LEA) {
    const auto address = instruction_.rip_address(from);
    if (address && !code_->at(*address).empty()) taken_.push_back(*address);
  } else if (from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !code_->at({from.imm.value.u}).empty()) {
    taken_.push_back({from.imm.value.u});
  }
}

// Adds what is known at `at` and makes `facts` all that is known there. False: not more than before, or nothing that can
// be (then `can_be` says so).
bool FunctionFlow::add_place(Vaddr at, FrameFacts& facts, bool& can_be) {
  const auto [found, is_new] = places_.try_emplace(at.value);
  Place& place = found->second;
  if (is_new) {
    place.facts = facts;
    place.is_tried = is_trying_;
    if (is_trying_) tried_.push_back(at.value);
    return true;
  }
  if (is_trying_ && !place.is_tried) {
    can_be = place.facts.has_stack_of(facts);
    back_.push_back({at, facts});
    return false;
  }
  if (!place.facts.join(facts)) return false;
  facts = place.facts;
  return true;
}

// A function may begin there: behind padding, or at an address that needs none.
bool FunctionFlow::is_doubtful(Vaddr behind_call) const {
  constexpr uint64_t kAlignment = 16;
  if (behind_call.value % kAlignment == 0) return true;
  Instruction next;
  return decoder_.decode(code_->at(behind_call), behind_call, next) && next.is_padding();
}

// `number`: what rax holds, if it is known.
bool FunctionFlow::ends_thread(uint64_t& number) const {
  constexpr uint64_t kSignalReturn = 15;
  constexpr uint64_t kExit = 60;  // arch/x86/entry/syscalls/syscall_64.tbl
  constexpr uint64_t kExitGroup = 231;
  constexpr uint8_t kRax = 0;
  const bool is_call = instruction_.raw.mnemonic == ZYDIS_MNEMONIC_SYSCALL;
  if (is_call && (number == kSignalReturn || number == kExit || number == kExitGroup)) return true;
  const auto& to = instruction_.storage[0];
  const auto& from = instruction_.storage[1];
  if (is_call || register_number(to) != kRax) return false;
  const bool is_number = instruction_.raw.mnemonic == ZYDIS_MNEMONIC_MOV && from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  number = is_number ? from.imm.value.u : 0;
  return false;
}

bool FunctionFlow::follow(Pending from) {
  Vaddr at = from.address;
  FrameFacts& facts = from.facts;
  tables_.start();
  bool is_behind_call = false;  // but for padding
  uint64_t number = 0;          // of a system call
  for (;; at = instruction_.end()) {
    const Bytes code = code_->at(at);
    if (code.empty()) {  // code that says itself how it unwinds
      note_return(Returns::kPerhaps);
      return leave(facts);
    }
    bool can_be = true;
    if (!add_place(at, facts, can_be)) return can_be;
    if (++steps_ > kMaxSteps || !decoder_.decode(code, at, instruction_)) return false;
    places_[at.value].length = instruction_.raw.length;
    note_addresses();

    const Flow flow = instruction_.flow;
    if (flow == Flow::kStop || ends_thread(number)) return true;
    if (flow == Flow::kReturn) {
      has_return_ = true;
      note_return(Returns::kSurely);
      return facts.is_as_at_entry();
    }
    if (flow == Flow::kIndirectJump) return jump_by_table(facts);
    if (flow == Flow::kJump) return jump(facts);
    if (flow == Flow::kBranch && !branch(facts)) return false;
    Returns callee_returns = Returns::kPerhaps;
    if (flow == Flow::kCall && instruction_.target != instruction_.end()) {
      called_.push_back(instruction_.target);
      callee_returns = others_->returns(instruction_.target);
      if (callee_returns == Returns::kNever) return true;
    }
    if (flow == Flow::kBranch && instruction_.raw.mnemonic == ZYDIS_MNEMONIC_JNZ) facts.assume_equal();
    tables_.add(instruction_);
    const bool was_root = facts.is_root();
    facts.apply(instruction_);
    if (facts.is_root() && !was_root) places_[at.value].facts = facts;  // here already nobody is to be returned to
    const bool is_call = flow == Flow::kCall || flow == Flow::kIndirectCall;
    is_behind_call = is_call || (is_behind_call && instruction_.is_padding());
    const int way = enter(instruction_.end(), facts, is_behind_call);
    if (way == 0 && !is_behind_call) note_return(others_->returns(instruction_.end()));
    if (way <= 0) return way == 0;
    if (is_call && is_doubtful(instruction_.end())) {
      if (facts.from_cfa(kRsp) == FrameFacts::kReturnAddress) return true;
      if (goes_farther_) continue;
      doubtful_.push_back({instruction_.end(), facts, callee_returns});
      return true;
    }
  }
}

bool FunctionFlow::jump(const FrameFacts& facts) {
  const int way = enter(instruction_.target, facts, false);
  if (way == 0) note_return(others_->returns(instruction_.target));
  if (way > 0) pending_.push_back({instruction_.target, facts});
  return way >= 0;
}

bool FunctionFlow::jump_by_table(const FrameFacts& facts) {
  const auto targets = tables_.targets(instruction_, code_->image());
  if (targets.empty()) {
    note_return(Returns::kPerhaps);
    jumps_away_ = true;
  }
  for (const Vaddr target : targets) {
    const int way = enter(target, facts, false);
    if (way == 0) note_return(others_->returns(target));
    if (way < 0) return false;
    if (way > 0) pending_.push_back({target, facts});
  }
  return true;
}

bool FunctionFlow::branch(const FrameFacts& facts) {
  const int way = enter(instruction_.target, facts, false);
  if (way == 0) note_return(others_->returns(instruction_.target));
  if (way > 0) {
    pending_.push_back({instruction_.target, facts});
    if (instruction_.raw.mnemonic == ZYDIS_MNEMONIC_JZ) pending_.back().facts.assume_equal();
  }
  return way >= 0;
}

}  // namespace gp::elf
