#include "session/profiler.h"

#include <algorithm>
#include <bit>

#include "base/clock.h"
#include "os/host.h"
#include "os/procfs.h"
#include "session/closer.h"
#include "symbols/symbolizer.h"

namespace gp::session {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

// Tables big enough for four times the processes that run now; 32 executable mappings each (a Python or Java process
// has 20 to 60, most others share theirs with their parent).
sampling::SamplerOptions sampler_options(const RunOptions& options) {
  sampling::SamplerOptions sizes;
  sizes.frequency_hz = options.frequency_hz;
  const auto processes = os::list_processes();
  const auto count = static_cast<uint32_t>(processes ? processes->size() : 0) * 4;
  sizes.process_buckets = std::clamp(std::bit_ceil(count / GP_BUCKET_ENTRIES * 2), 1024U, 16384U);
  sizes.runtimes = std::clamp(std::bit_ceil(count), 1024U, 16384U);
  sizes.mappings = std::clamp(std::bit_ceil(count * 32), 32768U, 524288U);
  return sizes;
}

}  // namespace

Result<std::unique_ptr<Profiler>> Profiler::start(const RunOptions& options) {
  std::unique_ptr<Profiler> profiler(new Profiler(options));
  GP_ASSIGN(profiler->sampler_, sampling::Sampler::load(sampler_options(options)));
  profiler->loader_ = std::make_unique<targets::Loader>(&profiler->sampler_->tables(), profiler->sampler_.get(),
                                                        options.runtimes, targets::LoaderOptions{});
  GP_ASSIGN(profiler->reader_, Reader::start(profiler->sampler_.get(), profiler->loader_.get(), options.runtimes,
                                             {.pids = options.pids, .children = options.children}));
  profiler->start_unix_ns_ = wall_ns();
  return profiler;
}

Profiler::~Profiler() = default;

uint64_t Profiler::samples_taken() const { return reader_->samples(); }

Footprint Profiler::footprint() const {
  return {.bpf_bytes = sampler_->memory_bytes(),
          .row_pool_bytes = loader_->stats().rows_bytes,
          .processes = reader_->process_count()};
}

Result<profile::Profile> Profiler::finish() {
  profile::Profile profile;
  profile.start_unix_ns = start_unix_ns_;
  profile.end_unix_ns = wall_ns();
  profile.frequency_hz = options_.frequency_hz;
  profile.period_ns = kNsPerSecond / options_.frequency_hz;
  profile.event = os::sampling_source_name(sampler_->source());
  profile.hostname = os::host_name();
  profile.kernel_release = os::kernel_release();
  profile.agent_version = GP_VERSION;

  Recording recording = reader_->finish();
  symbols::SymbolizerOptions names;
  names.cache_directory = options_.symbol_cache;
  symbols::Symbolizer symbolizer(std::move(names));
  Closer closer(&symbolizer, options_.runtimes, options_.inlines);
  closer.close(recording, profile);
  const auto loading = loader_->stats();
  profile.quality.hung_files = loading.stuck_files;
  profile.quality.loading_stopped = loading.stopped;
  return profile;
}

}  // namespace gp::session
