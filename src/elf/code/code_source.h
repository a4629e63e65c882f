// Rules from the code itself, where nothing else has any: musl's libc, assembly without directives.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "elf/code/code_functions.h"

namespace gp::elf {

// A function in such code.
struct LearnedFunction {
  Vaddr begin;
  Vaddr end;                 // of the last instruction it reaches
  bool is_complete = false;  // every way through it was followed
};

// Asked for a stretch of code that no other source knows it only notes that it is wanted: finding functions takes all
// such stretches of the file, and files that say how all of their code unwinds never come here.
//
// Owner thread: one at a time. The image must outlive it.
class CodeSource final : public RuleSource {
 public:
  explicit CodeSource(const Image& image) : image_(&image) {}

  // Whether a page held enough code without rules to look at.
  [[nodiscard]] bool is_wanted() const { return is_wanted_ && !is_made_; }
  [[nodiscard]] bool is_made() const { return is_made_; }
  // Looks at the file's code that has no other rules, which comes in ascending order: at kMaxCode in all, of what lies nearest
  // to where it was wanted first.
  void analyse(std::span<const CodeSpan> without_rules);

  // The function that has an instruction at `address`: of several the one that starts last.
  std::optional<LearnedFunction> function_at(Vaddr address);

  void start_page() override;
  void seek(Vaddr) override {}
  std::optional<CodeSpan> next(Vaddr from, Vaddr limit) override;
  void emit(Vaddr begin, Vaddr end, PageRows& rows) override;
  [[nodiscard]] size_t owned_bytes() const override;

  // Functions are found in this much, which takes some 0.2 s; musl's libc has 0.4 MiB.
  static constexpr uint64_t kMaxCode = 1U << 20U;
  // What the start-up files of the C compiler leave between other functions is no reason to begin.
  static constexpr uint64_t kLeast = 512;

 private:
  const Image* image_;
  std::unique_ptr<CodeBytes> code_;
  std::unique_ptr<CodeFunctions> functions_;
  std::unique_ptr<FunctionFlow> flow_;
  void learn_names();

  // A stretch of code of one function.
  struct Run {
    Vaddr begin;
    uint32_t bytes = 0;
    uint32_t function = 0;  // in learned_
  };
  std::vector<LearnedFunction> learned_;  // made when function_at() is first asked
  std::vector<Run> runs_;                 // sorted
  uint64_t steps_left_ = 0;               // for this page
  Vaddr wanted_at_{};                     // where the first stretch of code without rules was asked for
  bool is_wanted_ = false;
  bool is_made_ = false;
  bool has_names_ = false;
};

}  // namespace gp::elf
