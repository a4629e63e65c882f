#include "sampling/sampler.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "os/host.h"
#include "os/self_usage.h"
#include "sampling/bpf_log.h"
#include "sampling/missed_ticks.h"
#include "tick.skel.h"

namespace gp::sampling {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

size_t whole_pages(size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

// Entries of the pc cache of one CPU: 64 bytes each, at most 8 MiB over all CPUs.
uint32_t cache_entries(uint32_t cpus) {
  uint32_t entries = 2048;
  while (entries > 256 && uint64_t{entries} * cpus > 131072) entries /= 2;
  return entries;
}

std::optional<uint64_t> idle_of(const std::vector<os::CpuIdle>& idle, int cpu) {
  const auto at = std::ranges::find(idle, cpu, &os::CpuIdle::cpu);
  return at == idle.end() ? std::nullopt : std::optional(at->ns);
}

// What the kernel charges for a map; 0 where it does not say.
uint64_t map_bytes(int fd) {
  const auto text = os::read_file(fmt::format("/proc/self/fdinfo/{}", fd), 4096);
  const auto info = text ? os::parse_bpf_map_info(*text) : std::nullopt;
  return info ? info->memlock_bytes : 0;
}

}  // namespace

Result<TableMapping> TableMapping::map(int map_fd, size_t bytes) {
  bytes = whole_pages(bytes);
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (data == MAP_FAILED) return fail_errno("map a BPF array");
  return TableMapping(data, bytes);
}

TableMapping::TableMapping(TableMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

TableMapping& TableMapping::operator=(TableMapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

TableMapping::~TableMapping() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

// The consumer of the kernel's ring; the callback is whoever consumes at the moment.
struct Sampler::RingState {
  struct Close {
    void operator()(ring_buffer* consumer) const { ring_buffer__free(consumer); }
  };
  std::unique_ptr<ring_buffer, Close> ring;
  const std::function<void(Bytes)>* callback = nullptr;
  uint64_t records = 0;

  static int on_record(void* context, void* data, size_t size) {
    auto* self = static_cast<RingState*>(context);
    ++self->records;
    (*self->callback)({static_cast<const uint8_t*>(data), size});
    return 0;
  }
};

Result<std::unique_ptr<Sampler>> Sampler::load(const SamplerOptions& options) {
  listen_to_libbpf();
  // Kernels before 5.11 charge BPF memory to this limit; where it cannot be raised we try all the same.
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  static_cast<void>(::setrlimit(RLIMIT_MEMLOCK, &unlimited));

  std::unique_ptr<Sampler> sampler(new Sampler());
  GP_TRY(sampler->open(options));
  GP_TRY(sampler->map_tables(options));
  GP_TRY(sampler->open_ring());
  sampler->charge_maps();
  return sampler;
}

Result<void> Sampler::open(const SamplerOptions& options) {
  source_ = os::detect_sampling_source();
  skeleton_ = tick_bpf::open();
  if (skeleton_ == nullptr) return fail_bpf("open the BPF program", -errno);

  const int possible = libbpf_num_possible_cpus();
  if (possible <= 0) return fail(ErrorCode::kSystem, "cannot tell how many CPUs there are");
  const auto cpus = static_cast<uint32_t>(possible);
  const auto& maps = skeleton_->maps;
  GP_CHECK(std::has_single_bit(options.process_buckets) && std::has_single_bit(options.ring_bytes));
  bpf_map__set_max_entries(maps.ring, options.ring_bytes);
  bpf_map__set_max_entries(maps.processes, options.process_buckets);
  bpf_map__set_max_entries(maps.mappings, options.mappings);
  bpf_map__set_max_entries(maps.files, options.files);
  bpf_map__set_max_entries(maps.pages, options.pages);
  bpf_map__set_max_entries(maps.runtimes, options.runtimes);
  bpf_map__set_max_entries(maps.counters, cpus);
  bpf_map__set_max_entries(maps.session_cpus, cpus);
  bpf_map__set_max_entries(maps.walks, cpus);
  bpf_map__set_max_entries(maps.copies, cpus);
  bpf_map__set_max_entries(maps.symbol_scratch, cpus);
  bpf_map__set_max_entries(maps.pc_cache, cpus * cache_entries(cpus));

  const int result = tick_bpf::load(skeleton_);
  if (result != 0) return fail_bpf("make the tables of the BPF program", result);
  program_ = std::make_unique<SamplingProgram>(skeleton_->obj, bpf_map__fd(maps.sampler),
                                               SamplingProgram::Constants{.ring_wake = options.ring_bytes / 4,
                                                                          .ring_copy_limit = options.ring_bytes / 2,
                                                                          .bucket_mask = options.process_buckets - 1,
                                                                          .cache_mask = cache_entries(cpus) - 1});
  return {};
}

Result<void> Sampler::map_tables(const SamplerOptions& options) {
  const auto add = [this]<class T>(bpf_map* map, uint32_t entries, std::span<T>& table) -> Result<void> {
    static_assert(sizeof(T) % 8 == 0, "array elements are padded to 8 bytes");
    GP_ASSIGN(TableMapping mapping, TableMapping::map(bpf_map__fd(map), size_t{entries} * sizeof(T)));
    table = {static_cast<T*>(mapping.data()), entries};
    mappings_.push_back(std::move(mapping));
    return {};
  };
  const auto& maps = skeleton_->maps;
  tables_.page_used_ms = std::vector<std::atomic<uint32_t>>(options.pages);
  GP_TRY(add(maps.processes, options.process_buckets, tables_.processes));
  GP_TRY(add(maps.mappings, options.mappings, tables_.mappings));
  GP_TRY(add(maps.files, options.files, tables_.files));
  GP_TRY(add(maps.pages, options.pages, tables_.pages));
  GP_TRY(add(maps.runtimes, options.runtimes, tables_.runtimes));
  GP_TRY(add(maps.counters, bpf_map__max_entries(maps.counters), counters_));
  GP_TRY(add(maps.symbols_seen, bpf_map__max_entries(maps.symbols_seen), symbols_seen_));
  std::span<gp_session_table> table;
  std::span<gp_session_cpu> cpus;
  GP_TRY(add(maps.sessions, 1, table));
  GP_TRY(add(maps.session_cpus, bpf_map__max_entries(maps.session_cpus), cpus));
  sessions_ = SessionTable(table.data(), cpus);
  return {};
}

Result<void> Sampler::open_ring() {
  ring_ = std::make_unique<RingState>();
  ring_->ring.reset(ring_buffer__new(bpf_map__fd(skeleton_->maps.ring), &RingState::on_record, ring_.get(), nullptr));
  if (!ring_->ring) return fail_bpf("open the sample ring", -errno);
  return {};
}

Sampler::~Sampler() {
  stop();
  ring_.reset();
  mappings_.clear();
  program_.reset();
  if (skeleton_ != nullptr) tick_bpf::destroy(skeleton_);
}

Result<uint32_t*> Sampler::add_segment(uint32_t index) {
  bpf_map_create_opts create{};
  create.sz = sizeof(create);
  create.map_flags = BPF_F_MMAPABLE;
  os::UniqueFd fd(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "gp_rows", sizeof(uint32_t), sizeof(uint64_t), GP_SEGMENT_WORDS / 2, &create));
  if (!fd) return fail_errno("make a segment of the row pool");
  GP_ASSIGN(TableMapping mapping, TableMapping::map(fd.get(), GP_SEGMENT_SIZE));
  const int raw = fd.get();
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.segments), &index, &raw, BPF_ANY) != 0) {
    return fail_errno("publish a segment of the row pool");
  }
  auto* words = static_cast<uint32_t*>(mapping.data());
  const uint64_t bytes = map_bytes(raw);
  segment_bytes_ += bytes;
  segments_[index] = {
      .fd = std::move(fd), .mapping = std::move(mapping), .charge = Charge(account("unwind rows"), bytes)};
  return words;
}

void Sampler::remove_segment(uint32_t index) {
  const auto segment = segments_.find(index);
  if (segment == segments_.end()) return;
  // The kernel frees the map when the last walk that may have found it has ended.
  static_cast<void>(bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.segments), &index));
  segment_bytes_ -= segment->second.charge.bytes();
  segments_.erase(segment);
}

Result<void> Sampler::attach() {
  GP_ASSIGN(const std::vector<int> cpus, os::online_cpus());
  const Idle idle = os::cpu_idle();
  for (auto event = events_.begin(); event != events_.end();) {
    if (std::ranges::find(cpus, event->first) != cpus.end()) {
      ++event;
      continue;
    }
    missed_before_ += missed(event->first, event->second, idle);
    event = events_.erase(event);
  }
  Result<void> failure;
  for (const int cpu : cpus) {
    if (events_.contains(cpu)) continue;
    auto event = attach_cpu(cpu, idle);
    if (event) {
      events_.emplace(cpu, std::move(*event));
    } else {
      failure = std::unexpected(std::move(event).error());
    }
  }
  return events_.empty() ? failure : Result<void>();
}

Result<Sampler::CpuEvent> Sampler::attach_cpu(int cpu, const Idle& idle) {
  CpuEvent event;
  GP_ASSIGN(event.fd, os::open_sampling_event(source_, cpu, frequency_hz_));
  if (::ioctl(event.fd.get(), PERF_EVENT_IOC_SET_BPF, bpf_program__fd(skeleton_->progs.gp_tick)) != 0) {
    return fail_errno("attach the BPF program to a CPU");
  }
  begin_rate(cpu, event, idle);
  GP_TRY(os::enable_event(event.fd.get()));
  return event;
}

Result<void> Sampler::set_rate(uint32_t hz) {
  if (hz == frequency_hz_) return {};
  const Idle idle = os::cpu_idle();
  for (auto& [cpu, event] : events_) {
    missed_before_ += missed(cpu, event, idle);
    begin_rate(cpu, event, idle);
    GP_TRY(os::set_event_rate(event.fd.get(), source_, hz));
  }
  frequency_hz_ = hz;
  sessions_.set_tick(kNsPerSecond / hz);
  return {};
}

void Sampler::stop() {
  const Idle idle = os::cpu_idle();
  for (const auto& [cpu, event] : events_) {
    static_cast<void>(os::disable_event(event.fd.get()));
    missed_before_ += missed(cpu, event, idle);
  }
  events_.clear();
}

int Sampler::ring_fd() const { return ring_buffer__epoll_fd(ring_->ring.get()); }

Result<uint64_t> Sampler::consume(const std::function<void(Bytes)>& callback) {
  ring_->callback = &callback;
  ring_->records = 0;
  const int result = ring_buffer__consume(ring_->ring.get());
  ring_->callback = nullptr;
  if (result < 0) return fail_bpf("read the sample ring", result);
  return ring_->records;
}

void Sampler::begin_rate(int cpu, CpuEvent& event, const Idle& idle) {
  event.count_ns = os::event_count(event.fd.get()).value_or(0);
  event.idle_ns = idle_of(idle, cpu);
  event.runs = runs_of(cpu);
}

uint64_t Sampler::runs_of(int cpu) const {
  const auto index = static_cast<size_t>(cpu);
  return index < counters_.size() ? counters_[index].runs : 0;
}

uint64_t Sampler::missed(int cpu, const CpuEvent& event, const Idle& idle) const {
  // The timer's event counts nanoseconds; the cycle counter, run by frequency, does not tell how often it was due.
  if (source_ != os::SamplingSource::kCpuClock) return 0;
  const auto count_ns = os::event_count(event.fd.get());
  const auto idle_ns = idle_of(idle, cpu);
  if (!count_ns || !idle_ns || !event.idle_ns) return 0;
  return missed_ticks({.elapsed_ns = *count_ns - std::min(*count_ns, event.count_ns),
                       .idle_ns = *idle_ns - std::min(*idle_ns, *event.idle_ns),
                       .ticks = runs_of(cpu) - event.runs},
                      kNsPerSecond / frequency_hz_);
}

SamplerCounts Sampler::counts() const {
  SamplerCounts sum;
  for (const gp_counters& cpu : counters_) {
    sum.kernel.runs += cpu.runs;
    sum.kernel.unwanted += cpu.unwanted;
    sum.kernel.taken += cpu.taken;
    sum.kernel.ring_full += cpu.ring_full;
    sum.kernel.copies += cpu.copies;
    sum.kernel.copies_refused += cpu.copies_refused;
    sum.kernel.symbols += cpu.symbols;
  }
  sum.missed = missed_before_;
  const Idle idle = os::cpu_idle();
  for (const auto& [cpu, event] : events_) sum.missed += missed(cpu, event, idle);
  return sum;
}

void Sampler::forget_symbols() { std::ranges::fill(symbols_seen_, 0); }

void Sampler::charge_maps() {
  const int ring = bpf_map__fd(skeleton_->maps.ring);
  uint64_t tables = 0;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) tables += bpf_map__fd(map) == ring ? 0 : map_bytes(bpf_map__fd(map));
  ring_charge_ = Charge(account("sample ring"), map_bytes(ring));
  tables_charge_ = Charge(account("walker tables"), tables);
}

uint64_t Sampler::memory_bytes() const { return ring_charge_.bytes() + tables_charge_.bytes() + segment_bytes_; }

}  // namespace gp::sampling
