// What libbpf says about a failure, which tells more than the errno that comes back. Owner thread: the one that loads.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gp::sampling {

// Has libbpf's warnings kept from here on instead of printed; what was kept is forgotten.
void listen_to_libbpf();

// `result`: -errno.
std::unexpected<Error> fail_bpf(std::string_view doing, int result);

// Of a warning the line that says why: of the verifier's log the last one before its figures.
std::string reason_in(std::string_view warning);

}  // namespace gp::sampling
