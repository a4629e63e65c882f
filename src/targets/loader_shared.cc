#include "targets/loader_shared.h"

#include <cstring>

#include "os/event_fd.h"

namespace gp::targets {
namespace {

std::pair<uint32_t, uint32_t> device_of(const CodeFile& file) { return {file.key.dev_major, file.key.dev_minor}; }

// The file whose bytes a request reads, if it reads any; stacks look after that themselves.
const CodeFile* file_of(const LoaderRequest& request) {
  if (const auto* open = std::get_if<OpenRequest>(&request)) return open->file.get();
  if (const auto* page = std::get_if<PageRequest>(&request)) return page->file.get();
  if (const auto* attach = std::get_if<AttachRequest>(&request)) return attach->file.get();
  return nullptr;
}

// The reader has to act on it before samples to come can be walked. All else waits until it looks in of itself: a wake-up
// costs more than what it would bring.
bool changes_walks(const LoaderResult& result) {
  if (const auto* done = std::get_if<FileDone>(&result))
    return !done->file->runtimes.empty() || done->file->state.load() == CodeFile::State::kNotElf;
  return std::holds_alternative<FileChanged>(result) || std::holds_alternative<AttachDone>(result) ||
         std::holds_alternative<LiveDone>(result);
}

}  // namespace

void LoaderShared::begin_hang(const CodeFile* file) {
  ++hung_threads;
  if (file != nullptr) ++hung_reads[device_of(*file)];
}

void LoaderShared::end_hang(const CodeFile* file) {
  --hung_threads;
  if (file != nullptr && --hung_reads[device_of(*file)] == 0) hung_reads.erase(device_of(*file));
  // Those whose device still hangs are parked again when their turn comes.
  while (!parked.empty()) {
    urgent.push_front(std::move(parked.back()));
    parked.pop_back();
  }
  wake.notify_all();
}

bool LoaderShared::hangs(const CodeFile& file) const {
  const auto known = hung_reads.find(device_of(file));
  return file.key.inode != 0 && known != hung_reads.end() && known->second >= kHungPerDevice;
}

void LoaderShared::return_stacks() {
  for (auto& request : std::exchange(stacks, {})) {
    auto& stack = std::get<DeferredSample>(request);
    gp_sample sample{};
    std::memcpy(&sample, stack.sample.data(), sizeof(sample));
    const auto* frames = reinterpret_cast<const gp_frame*>(stack.sample.data() + sizeof(sample));
    results.emplace_back(DeferredDone{.sample = std::move(stack.sample),
                                      .frames = {frames, frames + sample.user_frames},
                                      .end = static_cast<gp_walk_end>(sample.end),
                                      .guessed = (sample.flags & GP_SAMPLE_GUESSED) != 0,
                                      .program = std::move(stack.program)});
  }
}

void LoaderShared::park(LoaderRequest request) {
  const auto* open = std::get_if<OpenRequest>(&request);
  // Pages are asked for again by the next sample that lacks them; a file is asked for once.
  if ((open == nullptr || open->again) && parked.size() >= kMaxParked) return;
  parked.push_back(std::move(request));
}

// The slot is another file's from now on.
void LoaderShared::forget_parked(uint32_t slot) {
  std::erase_if(parked, [slot](const LoaderRequest& request) { return file_of(request)->slot == slot; });
}

bool LoaderShared::next(LoaderRequest& request) {
  std::unique_lock lock(mutex);
  while (true) {
    busy = false;
    wake.wait(lock, [this] { return stop || !urgent.empty() || !stacks.empty(); });
    if (stop) return false;
    auto& queue = urgent.empty() ? stacks : urgent;
    request = std::move(queue.front());
    queue.pop_front();
    charge_queues();
    busy = true;
    if (const auto* retired = std::get_if<RetireRequest>(&request)) forget_parked(retired->slot);
    const CodeFile* file = file_of(request);
    if (file == nullptr || !hangs(*file)) return true;
    park(std::move(request));
  }
}

void LoaderShared::answer(LoaderResult result) {
  const bool awaited = changes_walks(result);
  const std::lock_guard lock(mutex);
  results.push_back(std::move(result));
  if (awaited) static_cast<void>(os::signal_eventfd(result_event.get()));
}

}  // namespace gp::targets
