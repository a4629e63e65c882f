// A Targets that is fed made-up sideband events, over plain tables and a real loader. Made-up processes have pids no kernel
// gives out, so that /proc knows nothing of them; the process of the test is the parent of all.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "targets/targets.h"
#include "targets/testing/code_dir.h"
#include "walk/testing/plain_tables.h"

namespace gp::targets {

inline constexpr int32_t kChild = 5'000'000;  // above PID_MAX_LIMIT (include/linux/threads.h)
inline constexpr uint64_t kPatienceNs = 10'000'000'000;

class TargetsTest : public testing::Test {
 protected:
  TargetsTest() { start({}); }

  void start(Filter filter) {
    targets_ = std::make_unique<Targets>(&plain_.tables, &loader_);
    targets_->add_session(0, std::move(filter));
    now_ns_ = monotonic_ns();
    // An exec of a process nobody knows: it is looked up in /proc.
    apply(os::CommEvent{.pid = ::getpid(), .tid = ::getpid(), .exec = true, .name = "test"});
    targets_->publish();
  }
  template <class Event>
  void apply(Event event) {
    now_ns_ += 1000;
    targets_->apply({.time_ns = now_ns_, .cpu = 0, .body = event});
  }
  void fork(int32_t pid, int32_t parent = ::getpid()) {
    apply(os::ForkEvent{.pid = pid, .parent_pid = parent, .tid = pid, .parent_tid = parent});
  }
  void exec(int32_t pid, std::string_view name) {
    apply(os::CommEvent{.pid = pid, .tid = pid, .exec = true, .name = name});
  }
  void mmap(int32_t pid, uint64_t start, uint64_t size, const std::string& path, uint64_t offset = 0) {
    mmap_of(path == "//anon" ? FileKey{} : key_of_path(path), pid, start, size, path, offset);
  }
  // Of a file that the path need not lead to.
  void mmap_of(const FileKey& key, int32_t pid, uint64_t start, uint64_t size, const std::string& path,
               uint64_t offset = 0) {
    os::MmapEvent event;
    event.pid = event.tid = pid;
    event.address = start;
    event.length = size;
    event.offset = offset;
    event.path = path;
    event.dev_major = key.dev_major;
    event.dev_minor = key.dev_minor;
    event.inode = key.inode;
    apply(event);
  }
  // A child that runs a made-up program of its own, mapped at 0x10000.
  void spawn(int32_t pid, const std::string& path) {
    fork(pid);
    exec(pid, "child");
    mmap(pid, 0x10000, 0x1000, path, CodeDir::kText);
  }
  // Lets the loader finish and takes what it found.
  void settle() {
    targets_->publish();
    const uint64_t end = monotonic_ns() + kPatienceNs;
    while (!loader_.idle() && monotonic_ns() < end) {
      for (auto& result : loader_.take_results()) {
        if (auto* file = std::get_if<FileDone>(&result)) targets_->take(*file);
        if (auto* changed = std::get_if<FileChanged>(&result)) targets_->take(*changed);
        if (auto* attached = std::get_if<AttachDone>(&result)) targets_->take(*attached);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // The process as the walker sees it.
  const gp_process* entry(int32_t pid) {
    for (const auto& bucket : plain_.tables.processes) {
      for (const auto& process : bucket.entries) {
        if (process.pid == static_cast<uint32_t>(pid)) return &process;
      }
    }
    return nullptr;
  }
  std::vector<gp_mapping> mappings(int32_t pid) {
    const gp_process* process = entry(pid);
    if (process == nullptr) return {};
    const auto all =
        plain_.tables.mappings.subspan(GP_MAPPINGS_FIRST(process->mappings), GP_MAPPINGS_COUNT(process->mappings));
    return {all.begin(), all.end()};
  }
  Process& process(int32_t pid) { return *targets_->processes().at(pid); }
  uint64_t first_page_word(int32_t pid) {
    const gp_file& file = plain_.tables.files[mappings(pid).at(0).file];
    return walk::load_word(plain_.tables.pages[file.page_first]);
  }

  CodeDir dir_;
  walk::PlainTables plain_{{.buckets = 64, .mappings = 4096, .files = 64, .pages = 4096, .runtimes = 4}};
  Loader loader_{&plain_.tables, &plain_, kStubRuntimes, {}};
  std::unique_ptr<Targets> targets_;
  uint64_t now_ns_ = 0;
};

}  // namespace gp::targets
