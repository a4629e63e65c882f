// The files of a session in the background, and what became of each of its windows.
// Owner thread: the closer's writes; WindowResults is for any.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "output/held_profiles.h"
#include "output/output.h"
#include "output/terminal.h"
#include "session/session.h"

namespace gp::app {

struct WindowResult {
  session::SessionId session = 0;
  std::string name;
  uint64_t number = 0;
  bool last = false;
  uint64_t samples = 0;
  std::vector<std::string> files;
  std::string summary;  // where it was asked for
  std::string quality;
  std::string error;  // nothing was written
};

// From the closer to control.
class WindowResults {
 public:
  void push(WindowResult result);
  std::vector<WindowResult> take();

 private:
  std::mutex mutex_;
  std::vector<WindowResult> results_;
};

struct FileOptions {
  std::string directory;
  std::vector<output::Format> formats;
  bool rotating = false;                       // keep only the newest
  std::optional<output::TerminalStyle> style;  // of a summary
};

class SessionFiles final : public session::ProfileSink {
 public:
  // `held` is what all sessions could not write.
  SessionFiles(FileOptions options, std::shared_ptr<WindowResults> results, std::shared_ptr<output::HeldProfiles> held)
      : options_(std::move(options)), results_(std::move(results)), held_(std::move(held)) {}
  Result<void> take(profile::Profile profile, const session::WindowInfo& window) override;

 private:
  FileOptions options_;
  std::shared_ptr<WindowResults> results_;
  std::shared_ptr<output::HeldProfiles> held_;
};

// Writes what is held, if it can be, and logs what was.
void write_held(output::HeldProfiles& held);

}  // namespace gp::app
