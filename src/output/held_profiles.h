// Profiles that could not be written: compressed, bounded as a whole, and written as soon as they can be. Over the bound
// the oldest goes, and is counted: a disk that is full for an hour costs the hour's oldest profiles, not the host's memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "output/compressed_output.h"
#include "output/output.h"
#include "profile/profile.h"

namespace gp::output {

inline constexpr size_t kMaxHeldBytes = size_t{8} << 20U;

// Owner thread: the closer's, and the one that ends the agent when there is no closer any more; figures are for any.
class HeldProfiles {
 public:
  explicit HeldProfiles(size_t max_bytes = kMaxHeldBytes) : max_bytes_(max_bytes) {}

  // As write_files(). After an error the profile is held, unless it is in the directory and only a link is not.
  Result<WrittenFiles> write(const std::string& directory, const profile::Profile& profile,
                             std::span<const Format> formats, Retention retention);
  // Writes what is held, oldest first, and says what it wrote; a directory that does not take one is not tried with the
  // others. To be called before the next profile is written.
  std::vector<WrittenFiles> write_held();

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }  // profiles that had to go

 private:
  struct Held {
    std::string directory;
    int64_t end_unix_ns = 0;
    Retention retention = Retention::kAll;
    std::vector<std::pair<Format, CompressedOutput>> outputs;
    size_t bytes = 0;
  };

  void hold(const std::string& directory, const profile::Profile& profile, std::span<const Format> formats,
            Retention retention);
  void note();

  size_t max_bytes_;
  std::deque<Held> held_;
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace gp::output
