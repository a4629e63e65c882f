// `gprofiler doctor`: what this host allows, what it runs, how well that can be walked, and what to do about each lack.
// Owner thread: control.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "app/options.h"
#include "app/preflight.h"
#include "app/recording.h"
#include "output/terminal.h"

namespace gp::app {

// Prints the report on standard output. Exit code 0 when profiles can be taken here, else 1.
Result<int> run_doctor(const DoctorOptions& options, const StartRecording& start);

// What /proc shows.
struct ProcessCensus {
  size_t processes = 0;              // without kernel threads
  std::set<int32_t> kernel_threads;  // pids
};

// The parts of the report; each ends in a newline.
std::string checks_report(std::span<const Check> checks, const output::TerminalStyle& style);
std::string trial_report(const profile::Profile& profile, const ProcessCensus& census,
                         const output::TerminalStyle& style);

}  // namespace gp::app
