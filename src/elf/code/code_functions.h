// Finds the functions of code that no table describes, and tells those whose frames are understood.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "elf/code/function_flow.h"

namespace gp::elf {

// Functions begin where symbols say, at the program's entry, and at what these call. For the rest, which only pointers
// lead to: at addresses that code takes, and behind the end of other functions. Such a place is believed when code from
// there reaches a return with the stack and the preserved registers as they were: the way to a return fixes the depth of
// the stack all along it, so that no wrong place passes. (One that never returns must look like a function's head.)
//
// Owner thread: one at a time. Image and code must outlive it.
class CodeFunctions final : public KnownFunctions {
 public:
  struct Function {
    Vaddr begin;
    CodeSpan extent;  // of all the code that is reached from there
  };

  CodeFunctions(const Image& image, const CodeBytes& code);

  // Sorted by where their extents begin.
  [[nodiscard]] const std::vector<Function>& functions() const { return functions_; }
  // Follows one of them again: its places in `flow`. False: no.
  bool follow(const Function& function, FunctionFlow& flow);
  [[nodiscard]] size_t owned_bytes() const;

  [[nodiscard]] bool begins_at(Vaddr address) const override;
  Returns returns(Vaddr address) override;

 private:
  enum class State : uint8_t { kUnseen, kRunning, kSound, kUnsound };
  struct Known {
    State state = State::kUnseen;
    bool begins = false;    // a function, for certain
    bool left_out = false;  // a part of it
    Returns returns = Returns::kPerhaps;
    CodeSpan extent{};
  };
  // What is kept when all are found.
  struct Fact {
    uint64_t address;
    bool begins;
    Returns returns;
  };

  void add_names();
  void begin(Vaddr address);
  const FunctionFlow* analyse(Vaddr address);  // nullptr: not understood
  void accept(const FunctionFlow& flow);
  [[nodiscard]] bool is_settled(const Known& known) const;
  void settle();
  void analyse_pending();
  void try_taken();
  bool find_more();
  void sweep(const CodeBytes::Part& part);
  bool try_candidate(Vaddr address, bool is_taken);
  [[nodiscard]] bool looks_like_head(Vaddr address) const;
  [[nodiscard]] FrameFacts entry_facts(Vaddr address) const;
  void mark(const FunctionFlow& flow);
  [[nodiscard]] bool is_seen(Vaddr address) const;
  void keep();

  const Image* image_;
  const CodeBytes* code_;
  std::vector<uint64_t> never_return_;         // by their names; sorted
  std::unordered_map<uint64_t, Vaddr> stubs_;  // of the linkage table, to functions of this file
  std::unordered_map<uint64_t, Known> known_;
  std::vector<Vaddr> pending_;  // functions to be analysed
  std::vector<Vaddr> new_;      // functions found since all were settled
  std::vector<Vaddr> taken_;
  std::vector<std::vector<bool>> seen_;               // bytes of the code's parts that functions hold
  std::vector<std::vector<bool>> begins_;             // that functions begin at
  std::vector<std::unique_ptr<FunctionFlow>> flows_;  // one a level of calls
  size_t level_ = 0;
  uint64_t budget_;
  std::vector<Function> functions_;
  std::vector<Fact> facts_;  // sorted
};

}  // namespace gp::elf
