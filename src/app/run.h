// `gprofiler -o DIR …` from checks to files. Owner thread: control, which is the main thread.
#pragma once

#include "app/options.h"
#include "app/recording.h"

namespace gp::app {

// Whether profiles can be taken here; what only limits them is told on standard error.
Result<void> check_host(bool force);

// One profile, by the gprofiler in the background if there is one. The value is the exit code; an error's code decides it otherwise.
//
// A command is let go once sampling runs. Its end, the duration, SIGINT (Ctrl-C), SIGTERM and SIGHUP end the profile,
// whichever comes first; then files are written, and only then a command that still runs is waited for. SIGTERM is passed
// on to it; SIGINT and SIGHUP reach it from the terminal, as it is in our process group.
Result<int> run_profile(const ProfileOptions& options, const StartRecording& start);

// Of several pids the living ones; the others are told on standard error. An error when none lives, or one is a thread.
Result<std::vector<int32_t>> living_processes(const std::vector<int32_t>& pids);

}  // namespace gp::app
