#include "os/bpf_probe.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "os/unique_fd.h"

namespace gp::os {

Result<void> probe_bpf_program() {
  constexpr std::array<bpf_insn, 2> kReturnZero{
      bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  static constexpr char kLicence[] = "Dual BSD/GPL";
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_PERF_EVENT;
  attr.insn_cnt = kReturnZero.size();
  attr.insns = reinterpret_cast<uint64_t>(kReturnZero.data());
  attr.license = reinterpret_cast<uint64_t>(kLicence);
  const UniqueFd program(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr))));
  if (program) return {};
  // EINVAL: perf_event programs are not built in (CONFIG_BPF_EVENTS).
  if (errno == ENOSYS || errno == EINVAL) return std::unexpected(Error(ErrorCode::kUnsupported, "no BPF", errno));
  return fail_errno("load a BPF program");
}

}  // namespace gp::os
