// Where the indirect jumps of switch statements go.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "elf/code/instruction.h"
#include "elf/image.h"

namespace gp::elf {

// Follows instructions in the order in which they run and knows compilers' way to jump by a table: an index that was
// compared with the last entry's number, a table in the file at an address in an instruction, of distances from itself
// (position independent code) or of addresses. Anything else is an unknown jump.
//
// Owner thread: one at a time.
class JumpTables {
 public:
  // At the head of a run of instructions: nothing is known of registers.
  void start() { registers_.fill({}); }
  // `instruction` runs; behind a branch: it was not taken.
  void add(const Instruction& instruction);
  // The places that an indirect jump goes to, which has not been added. Empty: not known.
  [[nodiscard]] std::vector<Vaddr> targets(const Instruction& jump, const Image& image) const;

 private:
  static constexpr uint64_t kUnbounded = UINT64_MAX;
  static constexpr uint64_t kMaxEntries = 4096;

  enum class Kind : uint8_t { kUnknown, kAddress, kDistance, kTarget };
  struct Register {
    Kind kind = Kind::kUnknown;  // of what it holds: an address, a table's entry, that and the table's address
    uint8_t entry_bytes = 0;     // of the table
    Vaddr address;               // kAddress: itself; else: the table
    uint64_t last = kUnbounded;  // the most that its value is; of an entry: the most that the index was
  };

  void move(const Instruction& instruction, uint8_t to);
  void compare(const Instruction& instruction);
  [[nodiscard]] Register entry(const ZydisDecodedOperand& memory) const;

  std::array<Register, kNumberedRegisters> registers_;
  uint8_t compared_ = kNumberedRegisters;  // register that the last instruction compared
  uint64_t with_ = 0;
};

}  // namespace gp::elf
