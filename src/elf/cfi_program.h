// Runs the instructions of call frame information (DWARF 5 section 6.4.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "elf/cfi_entry.h"
#include "elf/cfi_state.h"

namespace gp::elf {

// Receives the state of each stretch of code.
class CfiSink {
 public:
  virtual ~CfiSink() = default;
  // `state` holds in [begin, end); never empty. Returns false to end the run.
  virtual bool on_state(Vaddr begin, Vaddr end, const FrameState& state) = 0;
};

// Owner thread: one at a time. Makes no allocation.
class CfiProgram {
 public:
  // The state at a function's first byte: what the CIE's instructions leave. Nothing when they are broken.
  std::optional<FrameState> initial_state(const Cie& cie, uint64_t& budget);

  // Runs a function's instructions. `budget` is lowered by each instruction; at 0 the run ends as broken.
  // False: broken; the stretches before the break were delivered.
  bool run(const Cie& cie, const FrameState& initial, const Fde& fde, CfiSink& sink, uint64_t& budget);

 private:
  enum class Step { kNext, kStop, kBroken };
  static constexpr size_t kMaxRemembered = 32;  // compilers nest two or three deep

  Step execute(ByteReader& reader, const Cie& cie);
  Step execute_extended(uint8_t opcode, ByteReader& reader, const Cie& cie);
  Step define_cfa(uint8_t opcode, ByteReader& reader, const Cie& cie);
  Step set_register(uint8_t opcode, ByteReader& reader, const Cie& cie);
  Step advance(uint64_t delta, const Cie& cie);
  Step move_to(Vaddr location);
  void set_rule(uint64_t dwarf_register, const RegisterRule& rule);
  void restore(uint64_t dwarf_register);

  FrameState state_;
  FrameState initial_;
  uint64_t versions_ = 0;  // given out, of FrameState::rules_version
  std::array<FrameState, kMaxRemembered> remembered_;
  size_t depth_ = 0;
  Vaddr location_;
  Vaddr end_;
  CfiSink* sink_ = nullptr;  // while running a function
};

}  // namespace gp::elf
