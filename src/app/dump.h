// `gprofiler dump PID`: the stacks of all threads of a process, for people and programs. Owner thread: control.
#pragma once

#include <functional>
#include <string>

#include "app/options.h"
#include "base/result.h"
#include "session/thread_dump.h"

namespace gp::app {

using DumpThreads = std::function<Result<session::ThreadDump>(const session::DumpOptions&)>;

// The exit code.
Result<int> run_dump(const DumpRequest& request, const DumpThreads& dump);

// What it prints. Leaf first, as debuggers do.
std::string dump_text(const session::ThreadDump& dump);
// The same for programs (--json): one object, docs/cli.md.
std::string dump_json(const session::ThreadDump& dump);

}  // namespace gp::app
