#include "app/preflight.h"

#include <unistd.h>

#include <array>

#include "app/kernel_check.h"
#include "os/bpf_probe.h"
#include "os/host.h"
#include "os/procfs.h"

namespace gp::app {
namespace {

struct NeededCapability {
  int number;
  const char* name;
  bool with_admin;   // CAP_SYS_ADMIN includes it
  const char* lack;  // what is missing without it; null: everything
};
constexpr std::array kNeeded{
    NeededCapability{CAP_BPF, "CAP_BPF", true, nullptr},
    NeededCapability{CAP_PERFMON, "CAP_PERFMON", true, nullptr},
    NeededCapability{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", false, nullptr},
    NeededCapability{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", false, "names from files only their owner may read"},
    NeededCapability{CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE", true, "names from deleted files"},
    NeededCapability{CAP_SYS_NICE, "CAP_SYS_NICE", false, "a head start of the agent on busy hosts"},
};

constexpr auto kGrant = "run it with sudo";

Check ok(const char* name, std::string finding) { return {name, CheckState::kOk, std::move(finding), ""}; }

void append(std::string& list, std::string_view text) {
  if (!list.empty()) list += ", ";
  list += text;
}

Check check_capabilities(const HostFacts& facts) {
  std::string missing;
  std::string wanted;
  std::string lacks;
  for (const NeededCapability& needed : kNeeded) {
    const auto& own = facts.capabilities;
    if (needed.with_admin ? own.has_or_admin(needed.number) : own.has(needed.number)) continue;
    append(needed.lack == nullptr ? missing : wanted, needed.name);
    if (needed.lack != nullptr) append(lacks, needed.lack);
  }
  if (!missing.empty()) return {"capabilities", CheckState::kFail, "lacking " + missing, kGrant};
  if (!wanted.empty()) {
    return {"capabilities", CheckState::kWarn, fmt::format("lacking {}: without {}", wanted, lacks), kGrant};
  }
  return ok("capabilities", "all that are needed");
}

Check check_namespaces(const HostFacts& facts) {
  constexpr auto kName = "namespaces";
  if (!facts.initial_user_namespace) {
    return {kName, CheckState::kFail, "inside a user namespace, where capabilities do not reach the kernel",
            "run it on the host, or in a container with --userns=host --pid=host --privileged"};
  }
  if (!facts.initial_pid_namespace) {
    return {kName, CheckState::kFail, "inside a pid namespace, which hides most of the host's processes",
            "run it on the host, or in a container with --pid=host (Kubernetes: hostPID: true)"};
  }
  return ok(kName, "the host's own");
}

Check check_lockdown(const HostFacts& facts) {
  if (facts.lockdown == "confidentiality") {
    return {"lockdown", CheckState::kFail, "the kernel is locked down for confidentiality and lets nobody read memory",
            "boot without lockdown=confidentiality"};
  }
  return ok("lockdown", facts.lockdown);
}

Check check_btf(const HostFacts& facts) {
  if (facts.btf) return ok("type information", "/sys/kernel/btf/vmlinux");
  return {"type information", CheckState::kFail, "/sys/kernel/btf/vmlinux cannot be read",
          "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' kernels are"};
}

Check check_bpf(const HostFacts& facts) {
  if (!facts.bpf_error) return ok("BPF", "programs can be loaded");
  if (facts.bpf_error->code() == ErrorCode::kUnsupported) {
    return {"BPF", CheckState::kFail, "this kernel has no BPF for perf events",
            "boot a kernel built with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y"};
  }
  return {"BPF", CheckState::kFail, facts.bpf_error->message(),
          "run it with sudo; in a container, with --privileged (seccomp may forbid bpf)"};
}

Check check_perf(const HostFacts& facts) {
  if (facts.perf_error) {
    return {"perf events", CheckState::kFail, facts.perf_error->message(),
            "run it with sudo; in a container, with --privileged (seccomp may forbid perf_event_open)"};
  }
  return ok("perf events", fmt::format("sampling by {} on {} CPU{}", os::sampling_source_name(facts.source), facts.cpus,
                                       facts.cpus == 1 ? "" : "s"));
}

Check check_kernel_symbols(const HostFacts& facts) {
  if (facts.kernel_addresses) return ok("kernel symbols", "/proc/kallsyms");
  return {"kernel symbols", CheckState::kWarn, "/proc/kallsyms hides addresses: kernel frames stay without names",
          "run it with sudo, and with sysctl kernel.kptr_restrict at most 1"};
}

}  // namespace

HostFacts gather_host_facts() {
  HostFacts facts;
  facts.capabilities = os::effective_capabilities().value_or(os::CapabilitySet());
  const auto own_user = os::namespace_id(::getpid(), os::NamespaceKind::kUser);
  const auto own_pid = os::namespace_id(::getpid(), os::NamespaceKind::kPid);
  // Kernels without such namespaces have no file for them.
  facts.initial_user_namespace = !own_user || *own_user == os::kInitialUserNamespace;
  facts.initial_pid_namespace = !own_pid || *own_pid == os::kInitialPidNamespace;
  facts.kernel_release = os::kernel_release();
  facts.kernel_version = os::kernel_version();
  facts.version_signature = os::version_signature();
  facts.btf = os::has_kernel_btf();
  facts.lockdown = os::lockdown_mode();
  if (auto probed = os::probe_bpf_program(); !probed) facts.bpf_error = probed.error();
  facts.source = os::detect_sampling_source();
  if (const auto cpus = os::online_cpus(); !cpus) {
    facts.perf_error = cpus.error();
  } else {
    facts.cpus = cpus->size();
    const auto event = os::open_sampling_event(facts.source, cpus->front(), 1);
    if (!event) facts.perf_error = event.error();
  }
  facts.kernel_addresses = os::kernel_addresses_visible();
  return facts;
}

std::vector<Check> assess_host(const HostFacts& facts, bool force) {
  return {check_namespaces(facts),
          check_capabilities(facts),
          check_kernel_age(facts, force),
          check_kernel_freeze(facts, force),
          check_lockdown(facts),
          check_btf(facts),
          check_bpf(facts),
          check_perf(facts),
          check_kernel_symbols(facts)};
}

Result<void> first_failure(std::span<const Check> checks) {
  for (const Check& check : checks) {
    if (check.state != CheckState::kFail) continue;
    return fail(ErrorCode::kUnsupported, fmt::format("{}: {}; {}", check.name, check.finding, check.remedy));
  }
  return {};
}

}  // namespace gp::app
