#include "app/kernel_check.h"

namespace gp::app {
namespace {

constexpr uint32_t kOldestMajor = 5;  // bpf_loop and bpf_find_vma came with 5.17
constexpr uint32_t kOldestMinor = 17;

std::string version_text(const os::KernelRelease& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

// Debian's package version is the word after "Debian".
std::optional<os::KernelRelease> debian_version(std::string_view uname_version) {
  constexpr std::string_view kMark = " Debian ";
  const size_t mark = uname_version.find(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  return os::parse_kernel_release(uname_version.substr(mark + kMark.size()));
}

std::optional<os::KernelRelease> ubuntu_version(std::string_view signature) {
  const size_t space = signature.rfind(' ');
  if (!signature.starts_with("Ubuntu ") || space == std::string_view::npos) return std::nullopt;
  return os::parse_kernel_release(signature.substr(space + 1));
}

bool freezes(const os::KernelRelease& version) {
  if (!version.at_least(5, 19) || version.at_least(6, 3)) return false;
  return !(version.major == 6 && version.minor == 1 && version.patch >= 36);
}

Check unknown_kernel(const char* name, const HostFacts& facts) {
  return {name, CheckState::kWarn, fmt::format("Linux '{}' is no version we know to read", facts.kernel_release),
          "if sampling fails, try a kernel of 5.17 or later"};
}

}  // namespace

std::optional<os::KernelRelease> upstream_version(const HostFacts& facts) {
  if (auto version = debian_version(facts.kernel_version)) return version;
  if (auto version = ubuntu_version(facts.version_signature)) return version;
  return os::parse_kernel_release(facts.kernel_release);
}

Check check_kernel_age(const HostFacts& facts, bool force) {
  const auto version = upstream_version(facts);
  if (!version) return unknown_kernel("kernel", facts);
  const std::string finding = fmt::format("Linux {}", facts.kernel_release);
  if (version->at_least(kOldestMajor, kOldestMinor)) return {"kernel", CheckState::kOk, finding, ""};
  return {"kernel", force ? CheckState::kWarn : CheckState::kFail, finding + " is older than 5.17",
          "boot a kernel of 5.17 or later; --force tries this one"};
}

Check check_kernel_freeze(const HostFacts& facts, bool force) {
  constexpr auto kName = "kernel bug";
  const auto version = upstream_version(facts);
  if (!version) return unknown_kernel(kName, facts);
  if (!freezes(*version)) return {kName, CheckState::kOk, "not one of those that freeze under profilers", ""};
  return {kName, force ? CheckState::kWarn : CheckState::kFail,
          fmt::format("Linux {} may freeze when a profiler reads user memory (copy_from_user_nofault)",
                      version_text(*version)),
          "boot 6.1.36 or later of 6.1, or 6.3 or later; --force runs all the same"};
}

}  // namespace gp::app
