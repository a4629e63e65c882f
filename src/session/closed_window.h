// A window on its way from the reader to the closer. Owner thread: whoever holds it.
#pragma once

#include <cstdint>
#include <memory>

#include "session/session_state.h"
#include "session/window.h"

namespace gp::session {

struct ClosedWindow {
  std::shared_ptr<SessionState> session;
  std::unique_ptr<Window> window;
  int64_t start_unix_ns = 0;
  int64_t end_unix_ns = 0;
};

}  // namespace gp::session
