// The program. All it does itself is to say which engine takes the profiles.
#include "app/application.h"
#include "os/process_title.h"
#include "runtimes/runtimes.h"
#include "session/profiler.h"

namespace {

class SessionRecording final : public gp::app::Recording {
 public:
  explicit SessionRecording(std::unique_ptr<gp::session::Profiler> profiler) : profiler_(std::move(profiler)) {}
  [[nodiscard]] uint64_t samples_taken() const override { return profiler_->samples_taken(); }
  gp::Result<gp::profile::Profile> finish() override { return profiler_->finish(); }

 private:
  std::unique_ptr<gp::session::Profiler> profiler_;
};

gp::Result<std::unique_ptr<gp::app::Recording>> start_recording(const gp::app::RecordRequest& request) {
  GP_ASSIGN(auto profiler, gp::session::Profiler::start({.frequency_hz = request.frequency_hz,
                                                         .pids = request.pids,
                                                         .children = request.children,
                                                         .inlines = request.inlines,
                                                         .python_versions = request.python_versions,
                                                         .runtimes = gp::runtimes::all(),
                                                         .walk_all = request.any_runtime}));
  return std::make_unique<SessionRecording>(std::move(profiler));
}

gp::Result<std::unique_ptr<gp::session::Engine>> start_engine(const gp::session::EngineOptions& options) {
  gp::session::EngineOptions complete = options;
  complete.runtimes = gp::runtimes::all();
  return gp::session::Engine::start(complete);
}

gp::Result<gp::session::ThreadDump> dump_threads(const gp::session::DumpOptions& options) {
  GP_ASSIGN(const auto engine, gp::session::Engine::start({.runtimes = gp::runtimes::all()}));
  return engine->dump(options);
}

}  // namespace

int main(int argc, char** argv) {
  return gp::app::run_application(
      std::vector<std::string>(argv + 1, argv + argc),
      {.start_recording = start_recording,
       .start_engine = start_engine,
       .dump_threads = dump_threads,
       .set_title = [argc, argv](std::string_view title) { gp::os::set_process_title(argc, argv, title); }});
}
