#include "managed/launcher.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "managed/leftovers.h"
#include "os/cgroup.h"
#include "os/event_fd.h"
#include "os/procfs.h"

namespace gp::managed {

Result<std::unique_ptr<Launcher>> Launcher::make() {
  GP_ASSIGN(os::UniqueFd wake, os::make_eventfd());
  GP_ASSIGN(const ProcessKey self, os::process_key(::getpid()));
  std::unique_ptr<Launcher> launcher(new Launcher(std::move(wake)));
  launcher->mark_ = environment_mark(self);
  if (const auto own = os::own_cgroup_directory()) {
    const std::string directory = *own + "/" + cgroup_name(self);
    // One of the same name can only be of an earlier launcher of this process.
    if (::mkdir(directory.c_str(), 0755) == 0 || errno == EEXIST) launcher->cgroup_ = directory;
  }
  ::signal(SIGPIPE, SIG_IGN);
  return launcher;
}

Launcher::Launcher(os::UniqueFd wake) : control_(::gettid()), wake_(std::move(wake)) {}

Launcher::~Launcher() {
  close();
  constexpr std::chrono::milliseconds kPatience{1000};
  if (!cgroup_.empty()) os::empty_cgroup(cgroup_, kPatience);
}

Result<ManagedProcess> Launcher::start_here(ProcessSpec spec) {
  GP_CHECK(::gettid() == control_);
  spec.environment.push_back(mark_);
  return ManagedProcess::start(std::move(spec), cgroup_, next_number_++, counts_, hurry_);
}

Result<ManagedProcess> Launcher::start(ProcessSpec spec) {
  constexpr std::chrono::seconds kPatience{10};
  if (::gettid() == control_) return start_here(std::move(spec));
  const std::string name = spec.name;
  const auto request = std::make_shared<Request>();
  request->spec = std::move(spec);
  std::unique_lock lock(mutex_);
  if (closed_) return fail(ErrorCode::kLimit, fmt::format("{}: not started, the agent is about to end", name));
  waiting_.push_back(request);
  GP_TRY(os::signal_eventfd(wake_.get()));
  if (answered_.wait_for(lock, kPatience, [&] { return request->answer != nullptr; })) {
    return std::move(*request->answer);
  }
  request->abandoned = true;
  return fail(ErrorCode::kLimit, fmt::format("{}: not started within {} s", name, kPatience.count()));
}

void Launcher::serve() {
  os::take_eventfd(wake_.get());
  for (;;) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) return;
    const auto request = waiting_.front();
    waiting_.pop_front();
    if (request->abandoned) continue;
    lock.unlock();
    auto answer = std::make_unique<Result<ManagedProcess>>(start_here(std::move(request->spec)));
    lock.lock();
    // Nobody waits any more: the answer goes, and the child with it.
    if (request->abandoned) continue;
    request->answer = std::move(answer);
    answered_.notify_all();
  }
}

void Launcher::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  for (const auto& request : waiting_) {
    request->answer = std::make_unique<Result<ManagedProcess>>(
        fail(ErrorCode::kLimit, fmt::format("{}: not started, the agent is about to end", request->spec.name)));
  }
  waiting_.clear();
  answered_.notify_all();
}

}  // namespace gp::managed
