// Unix stream sockets: a listener on a path that only its owner's processes may use, connections to it, and names in the
// abstract namespace as host-wide locks. Owner thread: whoever holds the object. Facts: unix(7).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

// Listens on `path` (mode 0600, its folder made 0755 if missing), without blocking. A socket nobody listens on any more
// is replaced; kLimit: somebody listens there.
Result<UniqueFd> listen_on(const std::string& path);
// The next one that waits, without blocking; nothing when none does.
Result<UniqueFd> accept_connection(int listener);
// Blocking. kNotFound: nobody listens there.
Result<UniqueFd> connect_to(const std::string& path);
// Who is at the other end.
Result<uid_t> peer_user(int connection);

// Holds `name` in the abstract namespace of the host's (init's) network namespace, or of our own where that may not be
// entered, for as long as the descriptor lives. kLimit: somebody else holds it.
Result<UniqueFd> hold_host_name(std::string_view name);

}  // namespace gp::os
