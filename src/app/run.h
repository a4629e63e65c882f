// `gprofiler -o DIR …` from checks to files. Owner thread: control, which is the main thread.
#pragma once

#include "app/options.h"
#include "app/recording.h"

namespace gp::app {

// The program: command line to exit code. Errors are one line on standard error.
int run_application(std::span<const std::string> arguments, const StartRecording& start);

// One profile. The value is the exit code; an error's code decides it otherwise.
//
// A command is let go once sampling runs. Its end, the duration, SIGINT (Ctrl-C), SIGTERM and SIGHUP end the profile,
// whichever comes first; then files are written, and only then a command that still runs is waited for. SIGTERM is passed
// on to it; SIGINT and SIGHUP reach it from the terminal, as it is in our process group.
Result<int> run_profile(const ProfileOptions& options, const StartRecording& start);

// Of several pids the living ones; the others are told on standard error. An error when none lives, or one is a thread.
Result<std::vector<int32_t>> living_processes(const std::vector<int32_t>& pids);

}  // namespace gp::app
