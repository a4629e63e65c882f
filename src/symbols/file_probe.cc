#include "symbols/file_probe.h"

#include <elf.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace gp::symbols {
namespace {

constexpr size_t kPage = 4096;

// Code and data are not what names are looked up in.
bool tells_names(const elf::Section& section) {
  if (section.type == SHT_NOBITS || (section.flags & SHF_EXECINSTR) != 0) return false;
  return section.name != ".data" && section.name != ".rodata";
}

}  // namespace

struct FileProbe::Attempt {
  std::mutex mutex;
  std::condition_variable wake;
  bool done = false;
};

void touch_names(const elf::Image& image) {
  volatile uint8_t sink = 0;
  for (const elf::Section& section : image.sections()) {
    if (!tells_names(section)) continue;
    const Bytes bytes = image.raw(section);
    for (size_t at = 0; at < bytes.size(); at += kPage) sink = bytes[at];
    if (!bytes.empty()) sink = bytes.back();
  }
  static_cast<void>(sink);
}

void FileProbe::begin_window() {
  verdicts_.clear();
  left_ns_ = kBudgetNs;
}

bool FileProbe::answers(const std::shared_ptr<const elf::Image>& image, const elf::DebugFileSearch& search) {
  if (!image->may_hang()) return true;
  const elf::FileId id = image->file_id();
  if (const auto known = verdicts_.find(id); known != verdicts_.end()) return known->second;
  auto& attempt = attempts_[id];
  if (!attempt) {
    attempt = std::make_shared<Attempt>();
    std::thread([attempt, image, search] {
      touch_names(*image);
      static_cast<void>(elf::debug_file_stamp(*image, search));
      const std::lock_guard lock(attempt->mutex);
      attempt->done = true;
      attempt->wake.notify_all();
    }).detach();
  }
  const uint64_t begun = monotonic_ns();
  bool done = false;
  {
    std::unique_lock lock(attempt->mutex);
    done = attempt->wake.wait_for(lock, std::chrono::nanoseconds(left_ns_), [&attempt] { return attempt->done; });
  }
  left_ns_ -= std::min(left_ns_, monotonic_ns() - begun);
  if (done) attempts_.erase(id);
  return verdicts_[id] = done;
}

}  // namespace gp::symbols
