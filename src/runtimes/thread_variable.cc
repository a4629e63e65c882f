#include "runtimes/thread_variable.h"

#include <elf.h>

#include <algorithm>
#include <array>

#include "elf/code/instruction.h"
#include "runtimes/code.h"
#include "runtimes/symbols.h"

namespace gp::runtimes {
namespace {

constexpr size_t kMaxInstructions = 32;
constexpr size_t kMaxCode = 256;  // bytes
constexpr uint8_t kRax = 0;
constexpr uint8_t kRdi = 7;
constexpr uint16_t kWord = 64;  // bits

// Data of threads lies before what the thread pointer points to (ELF Handling For Thread-Local Storage, variant II).
bool is_below_thread_pointer(uint64_t offset) {
  constexpr int64_t kMaxBytes = 1 << 24;
  const auto distance = static_cast<int64_t>(offset);
  return distance < 0 && distance >= -kMaxBytes && distance % 8 == 0;
}

// What a register holds, as far as it leads to a thread's variable.
struct Value {
  enum class Kind : uint8_t {
    kOther,
    kNumber,      // offset
    kFile,        // the address `offset` in the file
    kWordOf,      // what the slot holds, and offset
    kArgumentOf,  // what calling the descriptor in the slot gave, and offset: how far beyond the thread pointer
    kPlace,       // a place in a thread, by `model`
  };
  Kind kind = Kind::kOther;
  uint64_t slot = 0;
  uint64_t offset = 0;
  gp_thread_model model = GP_THREAD_NOWHERE;  // of a place

  [[nodiscard]] static Value place(gp_thread_model model, uint64_t slot, uint64_t offset) {
    return {Kind::kPlace, slot, offset, model};
  }
  [[nodiscard]] Value plus(uint64_t more) const {
    Value sum = *this;
    sum.offset += more;
    return kind == Kind::kOther ? Value{} : sum;
  }
  // The place that is so far beyond the thread pointer.
  [[nodiscard]] Value beyond_thread_pointer() const {
    switch (kind) {
      case Kind::kNumber: return place(GP_THREAD_OFFSET, 0, offset);
      case Kind::kWordOf: return place(GP_THREAD_SLOT, slot, offset);
      case Kind::kArgumentOf: return place(GP_THREAD_DESCRIPTOR, slot, offset);
      default: return {};
    }
  }
};

// Follows a function's first instructions, in which the address is made (psABI, "Thread-Local Storage"; ELF Handling For
// Thread-Local Storage, chapters 4 and 5: what linkers make of each model; RFC-TLSDESC-x86).
class Follower {
 public:
  std::optional<Value> follow(const elf::Image& image, Vaddr function) {
    const Bytes code = code_at(image, function, kMaxCode);
    size_t at = 0;
    for (size_t i = 0; i < kMaxInstructions && at < code.size(); ++i) {
      if (!decoder_.decode(code.subspan(at), function + at, instruction_)) return std::nullopt;
      at += instruction_.raw.length;
      if (instruction_.flow == elf::Flow::kCall || instruction_.flow == elf::Flow::kIndirectCall) {
        call();
        continue;
      }
      if (instruction_.flow != elf::Flow::kNext) return std::nullopt;
      if (const auto found = read()) return found;
      apply();
    }
    return std::nullopt;
  }

 private:
  using Operand = ZydisDecodedOperand;

  [[nodiscard]] Value held(ZydisRegister reg) const {
    const auto number = elf::register_number(reg);
    return number ? registers_[*number] : Value{};
  }
  // The address of an operand of memory, without its segment.
  [[nodiscard]] Value address_of(const Operand& memory) const {
    if (const auto address = instruction_.rip_address(memory)) return {Value::Kind::kFile, 0, address->value};
    const auto displacement = static_cast<uint64_t>(memory.mem.disp.value);
    if (memory.mem.index != ZYDIS_REGISTER_NONE) return {};
    if (memory.mem.base == ZYDIS_REGISTER_NONE) return {Value::Kind::kNumber, 0, displacement};
    return held(memory.mem.base).plus(displacement);
  }
  [[nodiscard]] static bool is_word_of_memory(const Operand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type == ZYDIS_MEMOP_TYPE_MEM &&
           operand.size == kWord;
  }
  // %fs:0 holds the thread pointer.
  [[nodiscard]] static bool is_thread_pointer(const Operand& operand) {
    return is_word_of_memory(operand) && operand.mem.segment == ZYDIS_REGISTER_FS &&
           operand.mem.base == ZYDIS_REGISTER_NONE && operand.mem.index == ZYDIS_REGISTER_NONE &&
           operand.mem.disp.value == 0;
  }
  // The variable that a load into a register reads.
  [[nodiscard]] std::optional<Value> read() const {
    const Operand& from = instruction_.storage[1];
    if (instruction_.raw.mnemonic != ZYDIS_MNEMONIC_MOV || !is_word_of_memory(from) || is_thread_pointer(from))
      return std::nullopt;
    Value place = address_of(from);
    if (from.mem.segment == ZYDIS_REGISTER_FS) place = place.beyond_thread_pointer();
    if (place.kind != Value::Kind::kPlace) return std::nullopt;
    // Beyond the thread pointer is what belongs to the C library (the canary of -fstack-protector).
    if (place.model == GP_THREAD_OFFSET && !is_below_thread_pointer(place.offset)) return std::nullopt;
    return place;
  }
  // __tls_get_addr() of what rdi points to; or a descriptor's function, which keeps all registers but rax.
  void call() {
    const Operand& callee = instruction_.storage[0];
    if (instruction_.flow == elf::Flow::kIndirectCall && callee.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      const Value descriptor = address_of(callee);
      if (callee.mem.base == ZYDIS_REGISTER_RAX && descriptor.kind == Value::Kind::kFile) {
        registers_[kRax] = {Value::Kind::kArgumentOf, descriptor.offset, 0};
        return;
      }
    }
    const Value argument = registers_[kRdi];
    registers_ = {};
    if (argument.kind == Value::Kind::kFile) registers_[kRax] = Value::place(GP_THREAD_BLOCK, argument.offset, 0);
  }
  [[nodiscard]] Value moved(const Operand& from) const {
    if (from.type == ZYDIS_OPERAND_TYPE_REGISTER) return from.size == kWord ? held(from.reg.value) : Value{};
    if (from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return {Value::Kind::kNumber, 0, from.imm.value.u};
    if (is_thread_pointer(from)) return Value::place(GP_THREAD_OFFSET, 0, 0);
    const auto slot = instruction_.rip_address(from);
    return slot && is_word_of_memory(from) ? Value{Value::Kind::kWordOf, slot->value, 0} : Value{};
  }
  [[nodiscard]] Value sum(const Value& a, const Operand& from) const {
    if (from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return a.plus(from.imm.value.u);
    if (is_thread_pointer(from)) return a.beyond_thread_pointer();
    const Value b = moved(from);
    const auto is_thread = [](const Value& value) {
      return value.kind == Value::Kind::kPlace && value.model == GP_THREAD_OFFSET;
    };
    if (is_thread(a)) return b.plus(a.offset).beyond_thread_pointer();
    if (is_thread(b)) return a.plus(b.offset).beyond_thread_pointer();
    return {};
  }
  // Also xchg %ax, %ax, which linkers put in the place of a descriptor's call.
  [[nodiscard]] bool does_nothing() const {
    const auto& operands = instruction_.storage;
    return instruction_.is_padding() ||
           (instruction_.raw.mnemonic == ZYDIS_MNEMONIC_XCHG && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value == operands[1].reg.value);
  }
  // What an instruction does to the registers; what is not known here makes those it writes unknown.
  void apply() {
    const Operand& to = instruction_.storage[0];
    const Operand& from = instruction_.storage[1];
    const auto number = elf::register_number(to);
    Value result;
    if (number && to.size == kWord) {
      if (instruction_.raw.mnemonic == ZYDIS_MNEMONIC_MOV) result = moved(from);
      if (instruction_.raw.mnemonic == ZYDIS_MNEMONIC_LEA) result = address_of(from);
      if (instruction_.raw.mnemonic == ZYDIS_MNEMONIC_ADD) result = sum(registers_[*number], from);
    }
    if (does_nothing()) return;
    for (const Operand& operand : instruction_.operands())
      if (const auto written = elf::register_number(operand);
          written && (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0)
        registers_[*written] = {};
    if (number) registers_[*number] = result;
  }

  elf::Decoder decoder_;
  elf::Instruction instruction_{};
  std::array<Value, elf::kNumberedRegisters> registers_{};
};

// Whether the dynamic linker fills the slot as the model has it.
bool is_filled(const elf::Image& image, gp_thread_model model, Vaddr slot) {
  if (model == GP_THREAD_OFFSET) return true;  // there is none
  const uint32_t type = model == GP_THREAD_SLOT         ? R_X86_64_TPOFF64
                        : model == GP_THREAD_DESCRIPTOR ? R_X86_64_TLSDESC
                                                        : R_X86_64_DTPMOD64;
  return relocation_of(image, slot) == type;
}

// Its name is libc.so, Alpine's libc.musl-x86_64.so.1; glibc's is libc.so.6.
bool is_for_musl(const elf::Image& image) {
  return std::ranges::any_of(image.needed(),
                             [](std::string_view name) { return name == "libc.so" || name.starts_with("libc.musl-"); });
}

}  // namespace

std::optional<gp_thread_variable> thread_variable_read_by(const elf::Image& image, Vaddr function) {
  if (image.machine() != elf::Machine::kX86_64) return std::nullopt;
  const auto found = Follower().follow(image, function);
  if (!found || !is_filled(image, found->model, Vaddr{found->slot})) return std::nullopt;
  return gp_thread_variable{
      .slot = found->slot, .offset = found->offset, .model = found->model, .is_musl = is_for_musl(image) ? 1U : 0U};
}

}  // namespace gp::runtimes
