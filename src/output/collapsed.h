// The collapsed ("folded") format, as the gProfiler agent writes it (.col): a line "# " + JSON header, then one line
// "IDX;CONTAINER;COMM;frame;…;frame COUNT" per distinct stack, root first, threads and processes of one name merged.
// IDX indexes the header's application_metadata and is 0: none. The count follows the last space of a line; the last
// line has no newline. Stacks come sorted frame by frame, so that the same profile gives the same bytes.
#pragma once

#include "output/sink.h"
#include "profile/profile.h"

namespace gp::output {

void write_collapsed(const profile::Profile& profile, Sink& sink);

}  // namespace gp::output
