#include "session/profiler.h"

#include <optional>
#include <utility>

namespace gp::session {
namespace {

constexpr auto kFinishLimit = std::chrono::minutes(10);  // to name and merge a window, however large

}  // namespace

// Holds the one profile until it is asked for.
class Profiler::Keep final : public ProfileSink {
 public:
  Result<void> take(profile::Profile profile, const WindowInfo& /*window*/) override {
    profile_ = std::move(profile);
    return {};
  }
  std::optional<profile::Profile> give() { return std::exchange(profile_, std::nullopt); }

 private:
  std::optional<profile::Profile> profile_;  // the closer's until the session has ended
};

Result<std::unique_ptr<Profiler>> Profiler::start(const RunOptions& options) {
  std::unique_ptr<Profiler> profiler(new Profiler());
  profiler->keep_ = std::make_shared<Keep>();
  GP_ASSIGN(profiler->engine_,
            Engine::start(
                {.symbol_cache = options.symbol_cache, .runtimes = options.runtimes, .walk_all = options.walk_all}));
  SessionOptions session{.name = "run",
                         .frequency_hz = options.frequency_hz,
                         .filter = {.pids = options.pids, .children = options.children},
                         .inlines = options.inlines,
                         .python_versions = options.python_versions,
                         .sink = profiler->keep_};
  GP_ASSIGN(profiler->session_, profiler->engine_->start_session(std::move(session)));
  return profiler;
}

Profiler::~Profiler() = default;

Result<profile::Profile> Profiler::finish() {
  GP_TRY(engine_->stop_session(session_));
  if (!engine_->wait_closed(session_, kFinishLimit)) {
    return fail(ErrorCode::kSystem, "the profile could not be named in 10 minutes");
  }
  auto profile = keep_->give();
  if (!profile) return fail(ErrorCode::kSystem, "there is no profile: finish() was called before");
  return std::move(*profile);
}

}  // namespace gp::session
