// What tells a Perl interpreter in a file: the few symbols that matter, its version, and how its loops are compiled.
// The program, libperl for other programs and those linked with it export them for extensions, stripped or not.
// Owner thread: loader.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "elf/image.h"
#include "runtimes/symbols.h"

namespace gp::runtimes::perl {

// The variables of an interpreter that the walker reads.
enum Variable : size_t {
  kOp,           // PL_op
  kSavestackIx,  // PL_savestack_ix
  kStatement,    // PL_curcop
  kStack,        // PL_curstackinfo
  kEnvironment,  // PL_top_env
  kMain,         // PL_main_cv
  kCompiling,    // PL_compiling
  kRunops,       // PL_runops
  kVariables,
};

// Owner thread: none (value).
struct Interpreter {
  Symbol loop;                       // Perl_runops_standard
  std::optional<Symbol> debug_loop;  // Perl_runops_debug
  std::optional<Symbol> thread_key;  // PL_thr_key; none: built without threads
  // Of builds where they are no fields of a structure: without threads, without MULTIPLICITY.
  std::array<std::optional<Symbol>, kVariables> variables;
  std::optional<Symbol> first;     // PL_curinterp
  std::optional<Symbol> options;   // PL_bincompat_options, text
  std::optional<Symbol> version;   // PL_version, a byte
  std::optional<Symbol> revision;  // PL_revision, a byte
};

// Cheap for files that hold none: then only .dynsym is read. Nothing without Perl_runops_standard.
std::optional<Interpreter> find_interpreter(const elf::Image& image);

// Owner thread: none (value).
struct Version {
  uint8_t revision = 0;  // 5; 0: not known
  uint8_t number = 0;    // 36 for 5.36

  [[nodiscard]] std::string text() const;  // "5.36"; "?" when not known
};

Version version_of(const elf::Image& image, const Interpreter& interpreter);

// Its numbers are long doubles, so that its structures are not those of others.
bool has_long_doubles(const elf::Image& image, const Interpreter& interpreter);

// The register, by DWARF number, in which code of a loop keeps the interpreter while it calls an operation's function
// (op_ppaddr): what it moves to rdi, the first argument, right before. 0: not seen.
uint16_t interpreter_register(Bytes code);

}  // namespace gp::runtimes::perl
