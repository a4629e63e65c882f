// The kernel side: loads the sampling program, shares its tables, attaches it to every CPU and reads its ring.
// Owner thread: made by control, then the reader's alone, but for segments, which are the loader's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/account.h"
#include "base/bytes.h"
#include "base/result.h"
#include "bpf/abi/sample.h"
#include "os/perf_event.h"
#include "os/proc_text.h"
#include "os/unique_fd.h"
#include "sampling/sampling_program.h"
#include "sampling/session_table.h"
#include "walk/tables.h"

struct tick_bpf;     // skeleton made by bpftool  NOLINT(readability-identifier-naming): its name
struct ring_buffer;  // libbpf

namespace gp::sampling {

// Sizes of what is shared with the kernel; fixed at load.
struct SamplerOptions {
  uint32_t ring_bytes = 4U << 20U;  // power of two
  uint32_t process_buckets = 2048;  // power of two; 8 processes each
  uint32_t mappings = 32768;
  uint32_t files = 4096;
  uint32_t pages = 65536;    // directory words: 64 KiB of code each
  uint32_t runtimes = 1024;  // interpreters of processes
};

// What the kernel side counted, summed over CPUs since it was loaded.
struct SamplerCounts {
  gp_counters kernel{};
  uint64_t missed = 0;  // see missed_ticks.h
};

// A read-write mapping of one BPF array.
class TableMapping {
 public:
  TableMapping() = default;
  static Result<TableMapping> map(int map_fd, size_t bytes);
  TableMapping(TableMapping&& other) noexcept;
  TableMapping& operator=(TableMapping&& other) noexcept;
  TableMapping(const TableMapping&) = delete;
  TableMapping& operator=(const TableMapping&) = delete;
  ~TableMapping();

  [[nodiscard]] void* data() const { return data_; }

 private:
  TableMapping(void* data, size_t bytes) : data_(data), bytes_(bytes) {}
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

class Sampler final : public walk::SegmentSource {
 public:
  static Result<std::unique_ptr<Sampler>> load(const SamplerOptions& options);
  ~Sampler() override;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  [[nodiscard]] walk::Tables& tables() { return tables_; }
  [[nodiscard]] os::SamplingSource source() const { return source_; }
  Result<uint32_t*> add_segment(uint32_t index) override;
  void remove_segment(uint32_t index) override;

  [[nodiscard]] SessionTable& sessions() { return sessions_; }

  // What attach() attaches: to be told of the runtimes that were met before attach(), and of more as they are met.
  [[nodiscard]] SamplingProgram& program() { return *program_; }

  // Opens and enables the event of every online CPU. Called again it follows hotplug: new CPUs are added, gone ones
  // dropped. Fails when no CPU at all can be sampled.
  Result<void> attach();
  // How often each CPU ticks, from now on; before attach() at the latest.
  Result<void> set_rate(uint32_t hz);
  [[nodiscard]] uint32_t rate() const { return frequency_hz_; }
  [[nodiscard]] bool attached() const { return !events_.empty(); }
  // No sample is taken afterwards; the ring keeps what is in it.
  void stop();

  [[nodiscard]] int ring_fd() const;  // for poll(): readable when the kernel asked to be read
  // Hands every pending record to the callback. Returns their count.
  Result<uint64_t> consume(const std::function<void(Bytes)>& callback);

  [[nodiscard]] SamplerCounts counts() const;
  // Has every symbol shipped again, after the agent has forgotten what it knew.
  void forget_symbols();
  // Bytes of all BPF maps as the kernel charges them (fdinfo memlock); see feasibility of the design, section 6. Any thread.
  [[nodiscard]] uint64_t memory_bytes() const;

 private:
  Sampler() = default;
  Result<void> open(const SamplerOptions& options);
  Result<void> map_tables(const SamplerOptions& options);
  Result<void> open_ring();
  void charge_maps();

  // The timer of one CPU, and where it stood when it took up its rate.
  struct CpuEvent {
    os::UniqueFd fd;
    uint64_t count_ns = 0;
    std::optional<uint64_t> idle_ns;
    uint64_t runs = 0;
  };
  using Idle = std::vector<os::CpuIdle>;
  Result<CpuEvent> attach_cpu(int cpu, const Idle& idle);
  [[nodiscard]] uint64_t runs_of(int cpu) const;
  void begin_rate(int cpu, CpuEvent& event, const Idle& idle);
  [[nodiscard]] uint64_t missed(int cpu, const CpuEvent& event, const Idle& idle) const;

  struct RingState;

  tick_bpf* skeleton_ = nullptr;
  std::unique_ptr<SamplingProgram> program_;
  std::unique_ptr<RingState> ring_;
  walk::Tables tables_;
  std::vector<TableMapping> mappings_;
  std::span<gp_counters> counters_;
  SessionTable sessions_;
  std::span<uint64_t> symbols_seen_;
  struct Segment {
    os::UniqueFd fd;
    TableMapping mapping;
    Charge charge;
  };
  std::map<uint32_t, Segment> segments_;  // by slot; the loader's
  std::atomic<uint64_t> segment_bytes_{0};
  // Set at load: these maps do not grow.
  Charge ring_charge_;
  Charge tables_charge_;
  std::map<int, CpuEvent> events_;  // by CPU
  os::SamplingSource source_ = os::SamplingSource::kCpuClock;
  uint32_t frequency_hz_ = 0;
  uint64_t missed_before_ = 0;  // at earlier rates, and on CPUs that went away
};

}  // namespace gp::sampling
