// Follows the code of one function along its flow of control, and what each instruction does to the frame.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "elf/code/code_bytes.h"
#include "elf/code/frame_facts.h"
#include "elf/code/jump_table.h"

namespace gp::elf {

// Whether a call comes back.
enum class Returns : uint8_t { kNever, kPerhaps, kSurely };

// What is known of other functions. Owner thread: as FunctionFlow.
class KnownFunctions {
 public:
  virtual ~KnownFunctions() = default;
  // A function begins at `address` for certain.
  [[nodiscard]] virtual bool begins_at(Vaddr address) const = 0;
  // kSurely: some way through the function at `address` ends in a return.
  virtual Returns returns(Vaddr address) = 0;
};

// Behind a call whose callee never returns another function may begin. Where that can be - padding follows, or the next
// address is one that compilers align functions to - the code is only believed when from there, too, a return is reached
// with everything as at entry, or the rest of the function with the same stack; or, in a function that never returns, when
// the callee has a way to return. (Another function's frame is less deep by
// what was on the stack at the call, so that its return cannot pass for this one's; with nothing there it could.)
//
// Owner thread: one at a time; serves one function after the other.
class FunctionFlow {
 public:
  // `code` and `others` must outlive it.
  FunctionFlow(const CodeBytes& code, KnownFunctions& others) : code_(&code), others_(&others) {}

  // Follows the function at `start`, where `entry` holds. False: its frames are not understood, nothing of it may be
  // used - code that cannot be decoded, a return with another stack or other preserved registers than at entry, a jump to
  // another function so, or more than kMaxSteps.
  // `is_certain`: a function does begin there.
  bool run(Vaddr start, const FrameFacts& entry, bool is_certain);

  // Of the last run, whatever its outcome.
  struct Place {
    uint8_t length = 0;  // of the instruction
    bool is_tried = false;
    FrameFacts facts;  // ahead of it
  };
  [[nodiscard]] const std::unordered_map<uint64_t, Place>& places() const { return places_; }
  [[nodiscard]] bool covers(Vaddr address) const;                // a byte of an instruction is there
  [[nodiscard]] bool has_return() const { return has_return_; }  // ret, or another function with all as at entry
  [[nodiscard]] Returns returns() const { return returns_; }
  [[nodiscard]] const std::vector<Vaddr>& called() const { return called_; }  // functions, directly
  [[nodiscard]] const std::vector<Vaddr>& taken() const { return taken_; }    // addresses of code put in registers
  [[nodiscard]] CodeSpan extent() const { return extent_; }
  [[nodiscard]] bool left_out() const { return left_out_; }  // code behind a doubtful call
  // Every way through it was followed.
  [[nodiscard]] bool is_complete() const { return !left_out_ && !jumps_away_; }
  [[nodiscard]] size_t steps() const { return steps_; }

  static constexpr size_t kMaxSteps = 1U << 18U;  // instructions, each time it is met; CPython's eval loop has 30,000

 private:
  struct Pending {
    Vaddr address;
    FrameFacts facts;
    Returns callee = Returns::kPerhaps;  // of the call ahead of it
  };
  enum class Trial : uint8_t { kBelieved, kWrong, kOpen };
  // What a part of the function that is only tried can add.
  struct Findings {
    size_t called = 0;
    size_t taken = 0;
    bool has_return = false;
    Returns returns = Returns::kNever;
  };
  bool follow_all();
  bool follow(Pending from);
  bool add_place(Vaddr at, FrameFacts& facts, bool& can_be);
  // What to do with a way to `to`: 1: follow it, 0: it ends well there, -1: it cannot be.
  int enter(Vaddr to, const FrameFacts& facts, bool is_behind_call);
  bool branch(const FrameFacts& facts);
  void note_return(Returns how) { returns_ = std::max(returns_, how); }
  bool jump(const FrameFacts& facts);
  bool jump_by_table(const FrameFacts& facts);
  static bool leave(const FrameFacts& facts);  // by a jump to another function
  [[nodiscard]] bool is_doubtful(Vaddr behind_call) const;
  void weigh(const Pending& doubtful);
  Trial try_part(const Pending& from, bool farther, bool is_open_enough);
  bool ends_thread(uint64_t& number) const;
  void note_addresses();
  void measure();

  const CodeBytes* code_;
  KnownFunctions* others_;
  Decoder decoder_;
  Instruction instruction_{};
  JumpTables tables_;
  Vaddr start_;
  std::unordered_map<uint64_t, Place> places_;
  std::vector<Pending> pending_;
  std::vector<Pending> doubtful_;  // behind calls that may not come back
  std::vector<uint64_t> tried_;    // places of the part that is tried
  std::vector<Pending> back_;      // its ways back to what is known
  bool is_certain_ = false;
  bool left_out_ = false;
  bool jumps_away_ = false;  // to a place that is not known
  bool is_trying_ = false;
  bool goes_farther_ = false;
  std::vector<Vaddr> called_;
  std::vector<Vaddr> taken_;
  CodeSpan extent_{};
  size_t steps_ = 0;
  bool has_return_ = false;
  Returns returns_ = Returns::kNever;
};

}  // namespace gp::elf
