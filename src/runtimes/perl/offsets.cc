#include "runtimes/perl/offsets.h"

#include <limits>

namespace gp::runtimes::perl {
namespace {

// struct interpreter (intrpvar.h). Variables are only added at its end within a version.
struct Variables {
  uint16_t statement;
  uint16_t environment;
  uint16_t main;
  uint16_t compiling;
  uint16_t runops;
};

gp_perl table(uint8_t version, Variables at, uint16_t op_nextstate) {
  gp_perl perl{};
  perl.version = version;
  perl.op = 8;
  perl.savestack_ix = 48;
  perl.statement = at.statement;
  perl.stack = at.statement + 16;  // behind PL_curstack
  perl.environment = at.environment;
  perl.main = at.main;
  perl.compiling = at.compiling;
  perl.runops = at.runops;
  perl.op_nextstate = op_nextstate;
  // struct xpvhv_with_aux, hv.h: since 5.35.
  perl.aux_in_body = version >= kPerl36 ? 1 : 0;
  return perl;
}

}  // namespace

// As the compiler sees the headers of Debian's packages (offsets_test.cc); numbers of operations from opnames.h. 5.34 and
// 5.38: as it sees those of v5.34.0 and v5.38.2 with the config.h of their neighbours' packages.
std::optional<gp_perl> offsets_of(uint8_t version) {
  switch (version) {
    case kPerl32: return table(version, {224, 776, 1816, 1952, 2304}, 195);
    case kPerl34:
    case kPerl36: return table(version, {208, 760, 1800, 1936, 2288}, 195);
    case kPerl38:
    case kPerl40: return table(version, {208, 776, 1584, 1720, 2072}, 198);
    case kPerl42:
    case kPerl44: return table(version, {208, 776, 1584, 1720, 2072}, 202);
    default: return std::nullopt;
  }
}

std::optional<gp_perl> offsets_of(uint8_t version, const std::array<Vaddr, kVariables>& variables) {
  auto perl = offsets_of(version);
  if (!perl) return std::nullopt;
  using Limits = std::numeric_limits<int32_t>;
  std::array<int32_t, kVariables> far{};
  for (size_t i = 0; i < kVariables; ++i) {
    const auto distance = static_cast<int64_t>(variables[i].value - variables[kOp].value);
    if (variables[i].value == 0 || distance < Limits::min() || distance > Limits::max()) return std::nullopt;
    far[i] = static_cast<int32_t>(distance);
  }
  perl->op = far[kOp];
  perl->savestack_ix = far[kSavestackIx];
  perl->statement = far[kStatement];
  perl->stack = far[kStack];
  perl->environment = far[kEnvironment];
  perl->main = far[kMain];
  perl->compiling = far[kCompiling];
  perl->runops = far[kRunops];
  return perl;
}

}  // namespace gp::runtimes::perl
