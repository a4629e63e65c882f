// Puts what a collector brought into a closed profile, and says in the profile what came of it.
// Owner thread: the one that closes the profile.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "managed/collector.h"
#include "profile/profile.h"

namespace gp::managed {

// Replaces the walked stacks of each process in `collection`, and notes failures by reason. `phase` gives a random
// number in [0, 1) each time, see profile::replace_stacks. When the last collection is in, call profile::drop_unused.
void merge_collection(std::string_view collector, const Collection& collection, const std::function<double()>& phase,
                      profile::Profile& profile);

// Notes that a collector brought nothing, as it was late or failed as a whole.
void note_failure(std::string_view collector, std::string reason, profile::Profile& profile);

}  // namespace gp::managed
