#include "session/thread_names.h"

#include <utility>

namespace gp::session {
namespace {

constexpr size_t kThreadBytes = 96;  // of a node of the table, and its part of the index

}  // namespace

ThreadNames::ThreadNames() : charge_(account("thread names")) {}

std::optional<targets::ThreadNamesRequest> ThreadNames::meet(ProcessKey process, int32_t tid, uint64_t thread_pointer,
                                                             uint64_t now_ns) {
  if (thread_pointer == 0) return std::nullopt;
  const auto place = processes_.find(process);
  if (place == processes_.end() && threads_ >= kMaxThreads) return std::nullopt;
  Process& known = place != processes_.end() ? place->second : processes_[process];
  if (threads_ < kMaxThreads || known.threads.contains(tid)) {
    const auto [thread, added] = known.threads.try_emplace(tid);
    thread->second.pointer = thread_pointer;
    if (added) {
      known.has_new = true;
      ++threads_;
      bytes_ += kThreadBytes;
      charge_.set(bytes_);
    }
  }
  const uint64_t pause = known.has_new ? kNewNs : kAgainNs;
  if (known.asked_ns != 0 && now_ns < known.asked_ns + pause) return std::nullopt;
  known.asked_ns = now_ns;
  known.has_new = false;
  return question(process);
}

targets::ThreadNamesRequest ThreadNames::question(ProcessKey process) const {
  targets::ThreadNamesRequest request{.process = process, .runtimes = {}, .threads = {}};
  const auto known = processes_.find(process);
  if (known == processes_.end()) return request;
  for (const auto& [tid, thread] : known->second.threads) request.threads.emplace_back(tid, thread.pointer);
  return request;
}

void ThreadNames::take(targets::ThreadNamesDone& done) {
  const auto process = processes_.find(done.process);
  if (process == processes_.end()) return;
  for (auto& [tid, name] : done.names) {
    const auto thread = process->second.threads.find(tid);
    if (thread == process->second.threads.end() || name.size() > kMaxNameBytes) continue;
    bytes_ = bytes_ - thread->second.name.size() + name.size();
    thread->second.name = std::move(name);
  }
  charge_.set(bytes_);
}

void ThreadNames::give_to(Recording& recording) const {
  recording.name_threads([this](ProcessKey process, int32_t tid) -> const std::string* {
    const auto known = processes_.find(process);
    if (known == processes_.end()) return nullptr;
    const auto thread = known->second.threads.find(tid);
    return thread == known->second.threads.end() || thread->second.name.empty() ? nullptr : &thread->second.name;
  });
}

void ThreadNames::forget_processes(const std::function<bool(ProcessKey)>& has_ended) {
  std::erase_if(processes_, [&](const auto& process) {
    if (!has_ended(process.first)) return false;
    threads_ -= process.second.threads.size();
    for (const auto& [tid, thread] : process.second.threads) bytes_ -= kThreadBytes + thread.name.size();
    return true;
  });
  charge_.set(bytes_);
}

}  // namespace gp::session
