#include "sampling/thread_states.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "os/unique_fd.h"
#include "sampling/bpf_log.h"
#include "threads.skel.h"

namespace gp::sampling {
namespace {

constexpr size_t kMaxThreads = 65536;
constexpr size_t kReadAtOnce = 32;  // threads

}  // namespace

Result<std::unique_ptr<ThreadStates>> ThreadStates::load(int32_t pid) {
  listen_to_libbpf();
  std::unique_ptr<ThreadStates> states(new ThreadStates());
  states->skeleton_ = threads_bpf::open();
  if (states->skeleton_ == nullptr) return fail_bpf("open the BPF program that looks at threads", -errno);
  states->skeleton_->rodata->gp_threads_of = static_cast<uint32_t>(pid);
  int result = threads_bpf::load(states->skeleton_);
  if (result == 0) result = threads_bpf::attach(states->skeleton_);
  if (result != 0) return fail_bpf("load the BPF program that looks at threads", result);
  return states;
}

ThreadStates::~ThreadStates() {
  if (skeleton_ != nullptr) threads_bpf::destroy(skeleton_);
}

Result<std::vector<gp_thread_state>> ThreadStates::read() const {
  const os::UniqueFd fd(bpf_iter_create(bpf_link__fd(skeleton_->links.gp_thread_states)));
  if (!fd) return fail_errno("look at threads");
  std::vector<gp_thread_state> threads;
  std::array<uint8_t, kReadAtOnce * sizeof(gp_thread_state)> buffer{};
  size_t have = 0;
  while (threads.size() < kMaxThreads) {
    const ssize_t got = ::read(fd.get(), buffer.data() + have, buffer.size() - have);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno("look at threads");
    if (got == 0) break;
    have += static_cast<size_t>(got);
    size_t taken = 0;
    for (; have - taken >= sizeof(gp_thread_state); taken += sizeof(gp_thread_state)) {
      std::memcpy(&threads.emplace_back(), buffer.data() + taken, sizeof(gp_thread_state));
    }
    have -= taken;
    std::memmove(buffer.data(), buffer.data() + taken, have);
  }
  return threads;
}

}  // namespace gp::sampling
