// Plays a recorded load through the agent's pipeline with neither kernel nor processes: sideband bytes are decoded and
// followed, files are opened by the real loader (made-up ones, with just the functions that were met), records of the
// ring are parsed and added, the window is closed and named. What of the reader is not in it: its thread and the rings.
// Owner thread: one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "profile/profile.h"
#include "session/recording.h"
#include "targets/loader.h"
#include "targets/targets.h"
#include "tests/replay/recorded_load.h"
#include "walk/testing/plain_tables.h"

namespace gp::replay {

class Replay {
 public:
  explicit Replay(const RecordedLoad& load);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Everything, in its order.
  void play();
  // The samples once more, as they lie in the ring. After play().
  void play_samples();
  // Names and closes the window so far; the next one begins.
  profile::Profile close();

  [[nodiscard]] size_t samples() const { return sample_count_; }
  [[nodiscard]] size_t frames() const { return frame_count_; }

 private:
  struct Sideband {
    std::vector<uint8_t> bytes;
  };
  struct RingRecord {
    std::vector<uint8_t> bytes;
    bool placed = false;  // its frames have the slots that files have here
  };

  void write_files();
  void write_kernel();
  void make_records();
  [[nodiscard]] int32_t pid_of(int32_t recorded) const;
  [[nodiscard]] uint64_t start_ticks(int32_t recorded) const;
  std::vector<uint8_t> sideband_of(const Event& event) const;
  std::vector<uint8_t> ring_record_of(const Symbol& symbol) const;
  std::vector<uint8_t> ring_record_of(const Sample& sample);
  void place_frames(RingRecord& record);
  uint32_t slot_of(uint32_t file);

  void on_ring_record(Bytes record);
  void on_symbol(Bytes record);
  void on_sample(Bytes record);
  void take_results();

  const RecordedLoad& load_;
  std::filesystem::path dir_;
  std::map<int32_t, int32_t> pids_;  // recorded → played: no kernel gives these out
  std::map<int32_t, uint64_t> born_ns_;
  std::vector<std::variant<Sideband, RingRecord>> records_;
  std::vector<uint32_t> slots_;  // by recorded file
  size_t sample_count_ = 0;
  size_t frame_count_ = 0;
  walk::PlainTables tables_;
  std::unique_ptr<targets::Loader> loader_;
  std::unique_ptr<targets::Targets> targets_;
  session::CodeTable code_;
  std::unique_ptr<session::Recording> recording_;
};

}  // namespace gp::replay
