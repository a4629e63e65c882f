// pprof's format: gzip of the protocol buffer perftools.profiles.Profile.
// Fields and conventions: https://github.com/google/pprof/blob/main/proto/profile.proto.
// Sample types are samples/count and cpu/nanoseconds. Every sample carries the labels pid, tid, comm, thread and
// container_id (those known). Function names are as in the collapsed output, without the "(file:line)" that has
// fields of its own. A frame and what the compiler inlined into it make one location with several lines. Addresses
// are absent: names are final.
#pragma once

#include "output/sink.h"
#include "profile/profile.h"

namespace gp::output {

void write_pprof(const profile::Profile& profile, Sink& sink);

}  // namespace gp::output
