// Made-up profiles. example_profile(): small, with every case an output format must get right. demo_profile():
// as large as asked for, shaped like a busy host, for looking at the flame graph and for trying its speed.
#pragma once

#include "profile/profile.h"

namespace gp::test {

profile::Profile example_profile();

// One stack of 1,024 frames, as deep as stacks get: "recurse [0]" to "recurse [1023]".
profile::Profile deep_profile();

// At least `frames` nodes in the merged tree; the same for the same number.
profile::Profile demo_profile(size_t frames);

}  // namespace gp::test
