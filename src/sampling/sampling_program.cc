#include "sampling/sampling_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "bpf/abi/runtime.h"
#include "cpu.skel.h"
#include "os/scheduling.h"
#include "sampling/bpf_log.h"

namespace gp::sampling {
namespace {

constexpr uint64_t kFirstRetryNs = 10'000'000'000;
constexpr uint64_t kLastRetryNs = 3600'000'000'000;
constexpr int kThreadNice = 0;  // not that of the reader, who asks for it: a quarter of a second would be felt
// The others only generate code.
constexpr RuntimeSet kWithWalkers = ((1U << GP_RUNTIMES_WITH_FRAMES) - 1) & ~(1U << GP_RUNTIME_NONE);

struct Destroy {
  void operator()(cpu_bpf* program) const { cpu_bpf::destroy(program); }
};

}  // namespace

void SamplingProgram::Detach::operator()(bpf_link* link) const { bpf_link__destroy(link); }

SamplingProgram::SamplingProgram(const bpf_object* maps, int slot_fd, const Constants& constants)
    : maps_(maps), slot_fd_(slot_fd), constants_(constants) {}

SamplingProgram::~SamplingProgram() = default;  // waits for the thread: what std::async() gives does that

Result<void> SamplingProgram::walk(RuntimeSet runtimes) {
  if (loaded_.valid()) {
    loaded_.wait();
    take_loaded();
  }
  wanted_ |= runtimes & kWithWalkers;
  // Without any runtime it still walks native code.
  if (on_exec_ && (wanted_ & ~walked_) == 0) return {};
  GP_TRY(load(wanted_));
  walked_ = wanted_;
  return {};
}

void SamplingProgram::walk_soon(RuntimeSet runtimes) {
  wanted_ |= runtimes & kWithWalkers;
  if (loaded_.valid()) {
    if (loaded_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    take_loaded();
  }
  if ((wanted_ & ~walked_) == 0 || monotonic_ns() < retry_ns_) return;
  loading_ = wanted_;
  loaded_ = std::async(std::launch::async, [this, set = wanted_] {
    ::pthread_setname_np(::pthread_self(), "gp-program");
    const os::Haste as_others(kThreadNice);
    return load(set);
  });
}

void SamplingProgram::take_loaded() {
  const auto loaded = loaded_.get();
  if (loaded) {
    walked_ = loading_;
    return;
  }
  // What the kernel refuses once it mostly refuses again, and it takes its time to.
  if (retry_after_ns_ == 0) spdlog::warn("some runtimes are not walked: {}", loaded.error().message());
  retry_after_ns_ = std::clamp(2 * retry_after_ns_, kFirstRetryNs, kLastRetryNs);
  retry_ns_ = monotonic_ns() + retry_after_ns_;
}

Result<void> SamplingProgram::load(RuntimeSet runtimes) {
  const std::unique_ptr<cpu_bpf, Destroy> program(cpu_bpf::open());
  if (!program) return fail_bpf("open the BPF program", -errno);
  program->rodata->gp_walked_runtimes = runtimes;
  program->rodata->gp_ring_wake = constants_.ring_wake;
  program->rodata->gp_ring_copy_limit = constants_.ring_copy_limit;
  program->rodata->gp_bucket_mask = constants_.bucket_mask;
  program->rodata->gp_cache_mask = constants_.cache_mask;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, program->obj) {
    if (bpf_map__is_internal(map)) continue;
    const bpf_map* shared = bpf_object__find_map_by_name(maps_, bpf_map__name(map));
    const int result = shared == nullptr ? -ENOENT : bpf_map__reuse_fd(map, bpf_map__fd(shared));
    if (result != 0) return fail_bpf("share the maps of the BPF program", result);
  }
  const bool first = !on_exec_;
  bpf_program__set_autoload(program->progs.gp_on_exec, first);
  if (const int result = cpu_bpf::load(program.get()); result != 0) return fail_bpf("load the BPF program", result);
  if (first) {
    on_exec_.reset(bpf_program__attach(program->progs.gp_on_exec));
    if (!on_exec_) return fail_bpf("attach the BPF program that hears of execs", -errno);
  }
  const uint32_t slot = 0;
  const int fd = bpf_program__fd(program->progs.gp_sample_cpu);
  if (bpf_map_update_elem(slot_fd_, &slot, &fd, BPF_ANY) != 0) return fail_errno("put the BPF program in its place");
  return {};
}

}  // namespace gp::sampling
