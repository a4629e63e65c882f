// The program: command line to exit code. Owner thread: control, which is the main thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "app/daemon.h"
#include "app/dump.h"
#include "app/recording.h"

namespace gp::app {

// What main.cc gives: the engine behind single profiles, the one of the background, and what ps shows of us.
struct Program {
  StartRecording start_recording;
  StartEngine start_engine;
  DumpThreads dump_threads;
  std::function<void(std::string_view title)> set_title;
};

// Errors are one line on standard error.
int run_application(std::span<const std::string> arguments, const Program& program);

}  // namespace gp::app
