#include "elf/code/code_functions.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "elf/symbol_table.h"

namespace gp::elf {
namespace {

constexpr size_t kMaxLevels = 48;  // of calls, each with places of its own
constexpr int kMaxRounds = 4;      // until no function is new; two are usual
// Instructions in all, each time one is met: real code takes 1.5 a byte. A million are 0.3 s.
constexpr uint64_t kLeastBudget = 500'000;
constexpr uint64_t kBudgetPerByte = 3;
constexpr size_t kMaxFunctions = 1U << 17U;
constexpr uint64_t kAlignment = 16;

// Of C and C++ libraries, by their manuals and the Itanium C++ ABI.
constexpr std::array<std::string_view, 31> kNeverReturn = {"abort",
                                                           "exit",
                                                           "_exit",
                                                           "_Exit",
                                                           "quick_exit",
                                                           "__stack_chk_fail",
                                                           "__assert_fail",
                                                           "__assert",
                                                           "__chk_fail",
                                                           "__fortify_fail",
                                                           "longjmp",
                                                           "_longjmp",
                                                           "siglongjmp",
                                                           "__longjmp_chk",
                                                           "pthread_exit",
                                                           "thrd_exit",
                                                           "__libc_start_main",
                                                           "err",
                                                           "errx",
                                                           "verr",
                                                           "verrx",
                                                           "__cxa_throw",
                                                           "__cxa_rethrow",
                                                           "__cxa_bad_cast",
                                                           "__cxa_bad_typeid",
                                                           "__cxa_throw_bad_array_new_length",
                                                           "__cxa_pure_virtual",
                                                           "__cxa_call_unexpected",
                                                           "__cxa_call_terminate",
                                                           "_Unwind_Resume",
                                                           "_ZSt9terminatev"};

bool never_returns(std::string_view name) {
  return std::ranges::find(kNeverReturn, name) != kNeverReturn.end() ||
         (name.starts_with("_ZSt") && name.contains("__throw_"));
}

// Parts that compilers move out of functions begin with their function's frame (GCC's -freorder-blocks-and-partition).
bool is_part(std::string_view name) { return name.contains(".cold"); }

template <class Visit>
void for_each_symbol(const Image& image, Visit visit) {
  for (const SymbolTable& table : {SymbolTable::full(image), SymbolTable::dynamic(image)})
    for (size_t i = 0; i < table.size(); ++i)
      if (const auto symbol = table.function(i)) visit(*symbol);
}

}  // namespace

CodeFunctions::CodeFunctions(const Image& image, const CodeBytes& code)
    : image_(&image), code_(&code), budget_(kLeastBudget + kBudgetPerByte * code.size()) {
  for (const auto& part : code.parts()) {
    seen_.emplace_back(part.bytes.size());
    begins_.emplace_back(part.bytes.size());
  }
  add_names();
  begin(image.entry());
  settle();
  for (int round = 0; round < kMaxRounds && find_more(); ++round) settle();
  keep();
}

// By their names; and which function of this file a stub of the linkage table leads to.
void CodeFunctions::add_names() {
  std::unordered_map<std::string_view, Vaddr> stubs;
  for (const PltStub& stub : plt_stubs(*image_)) {
    if (never_returns(stub.target)) never_return_.push_back(stub.address.value);
    if (!code_->at(stub.address).empty()) begin(stub.address);
    stubs.emplace(stub.target, stub.address);
  }
  for_each_symbol(*image_, [&](const FunctionSymbol& symbol) {
    if (never_returns(symbol.name)) never_return_.push_back(symbol.address.value);
    if (symbol.rank != SymbolRank::kUntyped && !is_part(symbol.name)) begin(symbol.address);
    const auto stub = stubs.find(symbol.name);
    if (stub != stubs.end()) stubs_.emplace(stub->second.value, symbol.address);
  });
  std::ranges::sort(never_return_);
}

void CodeFunctions::begin(Vaddr address) {
  const auto spot = code_->spot(address);
  if (known_.size() >= kMaxFunctions || !spot || begins_[spot->part][spot->offset]) return;
  begins_[spot->part][spot->offset] = true;
  Known& known = known_[address.value];
  known.begins = true;
  if (known.state != State::kRunning) known.state = State::kUnseen;
  new_.push_back(address);
  pending_.push_back(address);
}

FrameFacts CodeFunctions::entry_facts(Vaddr address) const {
  return address == image_->entry() ? FrameFacts::at_root() : FrameFacts::at_entry();
}

bool CodeFunctions::begins_at(Vaddr address) const {
  if (facts_.empty()) {
    const auto spot = code_->spot(address);
    return spot && begins_[spot->part][spot->offset];
  }
  const auto found = std::ranges::lower_bound(facts_, address.value, {}, &Fact::address);
  return found != facts_.end() && found->address == address.value && found->begins;
}

Returns CodeFunctions::returns(Vaddr address) {
  if (const auto stub = stubs_.find(address.value); stub != stubs_.end()) address = stub->second;
  if (std::ranges::binary_search(never_return_, address.value)) return Returns::kNever;
  if (!facts_.empty()) {
    const auto found = std::ranges::lower_bound(facts_, address.value, {}, &Fact::address);
    return found == facts_.end() || found->address != address.value ? Returns::kPerhaps : found->returns;
  }
  if (code_->at(address).empty()) return Returns::kPerhaps;
  if (known_[address.value].state == State::kUnseen && known_.size() < kMaxFunctions) analyse(address);
  return known_[address.value].returns;
}

// Result valid until the next one.
const FunctionFlow* CodeFunctions::analyse(Vaddr address) {
  if (level_ == kMaxLevels || budget_ == 0) return nullptr;
  known_[address.value].state = State::kRunning;
  known_[address.value].returns = Returns::kPerhaps;
  if (flows_.size() == level_) flows_.push_back(std::make_unique<FunctionFlow>(*code_, *this));
  FunctionFlow& flow = *flows_[level_++];
  const bool is_sound = flow.run(address, entry_facts(address), known_[address.value].begins);
  --level_;
  budget_ -= std::min<uint64_t>(budget_, flow.steps());
  Known& known = known_[address.value];
  known.state = is_sound ? State::kSound : State::kUnsound;
  known.returns = is_sound ? flow.returns() : Returns::kPerhaps;
  known.extent = flow.extent();
  known.left_out = flow.left_out();
  if (is_sound && known.begins) accept(flow);
  return is_sound ? &flow : nullptr;
}

// A function it is: so are those that it calls.
void CodeFunctions::accept(const FunctionFlow& flow) {
  for (const Vaddr called : flow.called()) begin(called);
  for (const Vaddr taken : flow.taken())
    if (!begins_at(taken) && taken_.size() < kMaxFunctions) taken_.push_back(taken);
  mark(flow);
}

// What is known of one function may change what others come to: those that are not understood, or left a part out, and
// those that ran into what is now another function.
bool CodeFunctions::is_settled(const Known& known) const {
  if (known.state != State::kSound || !known.begins || known.left_out) return false;
  const auto inside = std::ranges::upper_bound(new_, known.extent.begin);
  return inside == new_.end() || *inside >= known.extent.end;
}

void CodeFunctions::settle() {
  for (int round = 0; round < kMaxRounds; ++round) {
    pending_.clear();
    std::ranges::sort(new_);
    for (auto& [address, known] : known_) {
      if (is_settled(known)) continue;
      known.state = State::kUnseen;
      if (known.begins) pending_.push_back({address});
    }
    new_.clear();
    std::ranges::sort(pending_, std::greater{});
    analyse_pending();
    if (new_.empty()) return;
  }
}

void CodeFunctions::analyse_pending() {
  while (!pending_.empty() && budget_ > 0) {
    const Vaddr next = pending_.back();
    pending_.pop_back();
    if (known_[next.value].state == State::kUnseen) analyse(next);
  }
}

void CodeFunctions::mark(const FunctionFlow& flow) {
  for (const auto& [address, place] : flow.places())
    if (const auto spot = code_->spot({address}))
      std::fill_n(seen_[spot->part].begin() + static_cast<ptrdiff_t>(spot->offset), place.length, true);
}

bool CodeFunctions::is_seen(Vaddr address) const {
  const auto spot = code_->spot(address);
  return !spot || seen_[spot->part][spot->offset];
}

void CodeFunctions::try_taken() {
  for (size_t i = 0; i < taken_.size() && budget_ > 0; ++i)
    if (!is_seen(taken_[i]) && known_[taken_[i].value].state == State::kUnseen) try_candidate(taken_[i], true);
}

// Takes the stack first thing, or is marked as a target of indirect calls.
bool CodeFunctions::looks_like_head(Vaddr address) const {
  if (address.value % kAlignment != 0) return false;
  Instruction first{};
  if (!Decoder().decode(code_->at(address), address, first)) return false;
  const bool takes = first.raw.mnemonic == ZYDIS_MNEMONIC_SUB && register_number(first.storage[0]) == kRsp;
  return takes || first.raw.mnemonic == ZYDIS_MNEMONIC_PUSH || first.raw.mnemonic == ZYDIS_MNEMONIC_ENDBR64;
}

bool CodeFunctions::try_candidate(Vaddr address, bool is_taken) {
  const FunctionFlow* flow = analyse(address);
  if (flow == nullptr) return false;
  const bool is_dead_end = flow->returns() == Returns::kNever && is_taken && looks_like_head(address);
  if (!flow->has_return() && !is_dead_end) return false;
  begin(address);
  accept(*flow);
  analyse_pending();
  return true;
}

// Those that only pointers lead to. False: there are no more.
bool CodeFunctions::find_more() {
  try_taken();
  for (const auto& part : code_->parts()) sweep(part);
  try_taken();
  return !new_.empty();
}

// Through what is left: a function begins behind the end of another, or of code that leads nowhere.
void CodeFunctions::sweep(const CodeBytes::Part& part) {
  Instruction instruction{};
  const Decoder decoder;
  bool is_behind_end = true;
  for (uint64_t at = 0; at < part.bytes.size() && budget_ > 0;) {
    const Vaddr address = part.begin + at;
    if (is_seen(address)) {
      is_behind_end = true;
      ++at;
      continue;
    }
    --budget_;
    if (!decoder.decode(part.bytes.subspan(at), address, instruction)) {
      ++at;
      is_behind_end = false;
      continue;
    }
    const bool is_padding = instruction.is_padding();
    if (is_behind_end && !is_padding && known_[address.value].state == State::kUnseen && try_candidate(address, false))
      continue;
    const bool ends = instruction.flow == Flow::kJump || instruction.flow == Flow::kIndirectJump ||
                      instruction.flow == Flow::kReturn || instruction.flow == Flow::kStop;
    is_behind_end = ends || (is_behind_end && is_padding);
    at += instruction.raw.length;
  }
}

void CodeFunctions::keep() {
  for (const auto& [address, known] : known_) {
    if (known.begins || known.returns != Returns::kPerhaps) facts_.push_back({address, known.begins, known.returns});
    if (known.state == State::kSound && known.begins) functions_.push_back({{address}, known.extent});
  }
  facts_.push_back({UINT64_MAX, false, Returns::kPerhaps});  // marks that all is found
  std::ranges::sort(facts_, {}, &Fact::address);
  std::ranges::sort(functions_, {}, [](const Function& function) { return function.extent.begin; });
  facts_.shrink_to_fit();
  functions_.shrink_to_fit();
  known_ = {};
  new_ = {};
  pending_ = {};
  taken_ = {};
  seen_.clear();
  begins_.clear();
  flows_.clear();
}

bool CodeFunctions::follow(const Function& function, FunctionFlow& flow) {
  return flow.run(function.begin, entry_facts(function.begin), true);
}

size_t CodeFunctions::owned_bytes() const {
  return sizeof(*this) + functions_.capacity() * sizeof(Function) + facts_.capacity() * sizeof(Fact) +
         never_return_.capacity() * sizeof(uint64_t);
}

}  // namespace gp::elf
