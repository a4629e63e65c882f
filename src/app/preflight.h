// What this host must allow before sampling makes sense, each point with what was found and what to do about it.
// A run stops at the first that fails; `gprofiler doctor` shows all. Owner thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/capabilities.h"
#include "os/perf_event.h"

namespace gp::app {

enum class CheckState : uint8_t {
  kOk,
  kWarn,  // profiles come out, with something missing
  kFail,  // there will be no profile
};

struct Check {
  std::string name;  // a word or two
  CheckState state = CheckState::kOk;
  std::string finding;  // what is so
  std::string remedy;   // what to do about it; empty when all is well
};

// What was found on the host, apart from what it means.
struct HostFacts {
  os::CapabilitySet capabilities;
  bool initial_user_namespace = true;
  bool initial_pid_namespace = true;
  std::string kernel_release;     // uname -r
  std::string kernel_version;     // uname -v
  std::string version_signature;  // Ubuntu's, else empty
  bool btf = true;
  std::string lockdown = "none";
  std::optional<Error> bpf_error;   // of loading the smallest program
  std::optional<Error> perf_error;  // of opening a sampling event
  os::SamplingSource source = os::SamplingSource::kCpuClock;
  size_t cpus = 0;
  bool kernel_addresses = true;  // /proc/kallsyms shows them
};

HostFacts gather_host_facts();

// All checks, in the order in which lacks are worth telling. `force` turns the refusal of a kernel into a warning.
std::vector<Check> assess_host(const HostFacts& facts, bool force);

// The first that failed as an error: "NAME: FINDING; REMEDY".
Result<void> first_failure(std::span<const Check> checks);

}  // namespace gp::app
