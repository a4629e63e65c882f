// Records a load for replay.h: what the processes started by PID (and those they start) do for SECONDS.
// Usage: gp_record_load PID SECONDS HZ > tests/data/replay/NAME.load. Needs root. Paths of files are cut to their names.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "base/clock.h"
#include "os/host.h"
#include "os/perf_event.h"
#include "runtimes/runtimes.h"
#include "sampling/sampler.h"
#include "session/sample_record.h"
#include "symbols/index_cache.h"
#include "symbols/kernel_symbols.h"
#include "targets/loader.h"
#include "targets/targets.h"
#include "tests/replay/recorded_load.h"

namespace gp::replay {
namespace {

constexpr uint64_t kWarmNs = 3'000'000'000;  // pages and runtimes are loaded then

std::string hex_of(Bytes bytes) {
  std::string hex;
  for (const uint8_t byte : bytes) hex += fmt::format("{:02x}", byte);
  return hex;
}

// Names of the functions that frames lie in, each with a new place: one after the other in its file.
class Functions {
 public:
  explicit Functions(RecordedLoad& load) : load_(load) {}

  struct Place {
    uint32_t function;
    uint64_t distance;  // from its start
  };
  Place place(uint32_t file, const targets::CodeFile& code, uint64_t offset, bool is_return) {
    const FileOffset inside{is_return && offset > 0 ? offset - 1 : offset};
    const auto address = code.image ? code.image->to_vaddr(inside) : std::nullopt;
    const auto symbol = address ? index_of(file, *code.image).find(*address) : std::nullopt;
    const uint64_t start = symbol ? (inside - (*address - symbol->start)).value : offset & ~uint64_t{15};
    const auto [known, added] = known_.try_emplace({file, start}, static_cast<uint32_t>(load_.functions.size()));
    if (added) load_.functions.push_back({.file = file, .name = symbol ? std::string(symbol->name) : ""});
    Function& function = load_.functions[known->second];
    function.size = std::max(function.size, offset - start + 1);
    return {.function = known->second, .distance = offset - start};
  }
  // Once all are known: where each begins.
  void lay_out() {
    std::map<uint32_t, uint64_t> ends;
    for (Function& function : load_.functions) {
      function.size = (function.size + 15) & ~uint64_t{15};
      function.offset = std::exchange(ends[function.file], ends[function.file] + function.size);
    }
  }

 private:
  const symbols::SymbolIndex& index_of(uint32_t file, const elf::Image& image) {
    const auto known = indexes_.find(file);
    if (known != indexes_.end()) return known->second;
    const symbols::IndexSources sources(image, {});
    return indexes_.emplace(file, cache_.make({.file = image.file_id(), .debug_stamp = 0}, sources).value())
        .first->second;
  }

  RecordedLoad& load_;
  symbols::IndexCache cache_{"", 0};
  std::map<uint32_t, symbols::SymbolIndex> indexes_;
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> known_;
};

constexpr uint32_t kSlot = 0;  // of the session that records

class Recorder {
 public:
  Recorder(sampling::Sampler* sampler, targets::Loader* loader, int32_t pid)
      : sampler_(sampler), loader_(loader), targets_(&sampler->tables(), loader), pid_(pid) {}

  bool start() {
    const auto cpus = os::online_cpus();
    if (!cpus) return false;
    for (const int cpu : *cpus) {
      auto ring = os::SidebandRing::open(cpu);
      if (!ring || !ring->enable()) return false;
      sideband_.push_back(std::move(*ring));
    }
    targets_.scan_all();
    targets_.add_session(kSlot, {.pids = {pid_}, .children = true});
    sampler_->sessions().open(kSlot, 1'000'000'000 / sampler_->rate(), UINT64_MAX / 2, 0);
    return sampler_->attach().has_value();
  }

  void run(uint64_t nanoseconds) {
    const uint64_t begin = monotonic_ns() + kWarmNs;
    while (monotonic_ns() < begin) turn();
    recording_ = true;
    begin_ns_ = monotonic_ns();
    for (const auto& [pid, process] : targets_.processes())
      if (process->sessions != 0) describe(*process);
    while (monotonic_ns() < begin + nanoseconds) turn();
    sampler_->stop();
    functions_.lay_out();
    for (const auto& [frame, place] : places_)
      load_.frames[frame].value = load_.functions[place.function].offset + place.distance;
  }
  [[nodiscard]] const RecordedLoad& load() const { return load_; }

 private:
  struct Held {
    os::SidebandEvent event;
    std::string text;
  };

  [[nodiscard]] uint64_t time(uint64_t time_ns) const {
    return 1'000'000'000 + (time_ns > begin_ns_ ? time_ns - begin_ns_ : 0);
  }

  // A process that was there already: as if somebody unknown had started it just now.
  void describe(const targets::Process& process) {
    if (!known_.insert(process.key.pid).second) return;
    event({.kind = Event::Kind::kFork, .time_ns = time(0), .pid = process.key.pid});
    event({.kind = Event::Kind::kExec, .time_ns = time(0), .pid = process.key.pid, .name = process.program->comm});
    for (const auto& [start, mapping] : process.mappings) {
      event({.kind = Event::Kind::kMap,
             .time_ns = time(0),
             .pid = process.key.pid,
             .address = mapping.start,
             .length = mapping.end - mapping.start,
             .file = mapping.file ? file_number(*mapping.file) : UINT32_MAX});
    }
  }
  void event(Event event) { load_.items.emplace_back(std::move(event)); }

  uint32_t file_number(const targets::CodeFile& file) {
    const auto [known, added] = files_.try_emplace(&file, static_cast<uint32_t>(load_.files.size()));
    if (added) {
      kept_.push_back(targets_.file_in_slot(file.slot));
      load_.files.push_back(fmt::format("{}.{}", file.path.substr(file.path.rfind('/') + 1), known->second));
    }
    return known->second;
  }

  void turn() {
    std::vector<Held> events;
    for (auto& ring : sideband_) {
      ring.drain([&](const os::SidebandEvent& e) {
        const auto* mmap = std::get_if<os::MmapEvent>(&e.body);
        const auto* comm = std::get_if<os::CommEvent>(&e.body);
        events.push_back({.event = e, .text = std::string(mmap ? mmap->path : comm ? comm->name : "")});
      });
    }
    std::ranges::stable_sort(events, {}, [](const Held& held) { return held.event.time_ns; });
    for (Held& held : events) {
      if (auto* mmap = std::get_if<os::MmapEvent>(&held.event.body)) mmap->path = held.text;
      if (auto* comm = std::get_if<os::CommEvent>(&held.event.body)) comm->name = held.text;
      targets_.apply(held.event);
      if (recording_) on_event(held.event);
    }
    targets_.publish();
    for (auto& result : loader_->take_results()) {
      if (auto* file = std::get_if<targets::FileDone>(&result)) targets_.take(*file);
      if (auto* attached = std::get_if<targets::AttachDone>(&result)) targets_.take(*attached);
    }
    static_cast<void>(sampler_->consume([this](Bytes record) { on_record(record); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  void on_event(const os::SidebandEvent& e) {
    const auto wanted = [this](int32_t pid) {
      const auto known = targets_.processes().find(pid);
      return known != targets_.processes().end() && known->second->sessions != 0;
    };
    const uint64_t when = time(e.time_ns);
    if (const auto* fork = std::get_if<os::ForkEvent>(&e.body)) {
      if (fork->pid == fork->parent_pid || !wanted(fork->pid) || !known_.insert(fork->pid).second) return;
      event({.kind = Event::Kind::kFork, .time_ns = when, .pid = fork->pid, .other = fork->parent_pid});
    } else if (const auto* comm = std::get_if<os::CommEvent>(&e.body)) {
      if (!known_.contains(comm->pid)) return;
      const auto kind = comm->exec ? Event::Kind::kExec : Event::Kind::kName;
      event({.kind = kind, .time_ns = when, .pid = comm->pid, .other = comm->tid, .name = std::string(comm->name)});
    } else if (const auto* exit = std::get_if<os::ExitEvent>(&e.body)) {
      if (!known_.contains(exit->pid)) return;
      event({.kind = Event::Kind::kExit, .time_ns = when, .pid = exit->pid, .other = exit->tid});
    } else if (const auto* mmap = std::get_if<os::MmapEvent>(&e.body)) {
      if (!known_.contains(mmap->pid)) return;
      const auto& mappings = targets_.processes().at(mmap->pid)->mappings;
      const auto mapping = mappings.find(mmap->address);
      const bool of_file = mapping != mappings.end() && mapping->second.file;
      event({.kind = Event::Kind::kMap,
             .time_ns = when,
             .pid = mmap->pid,
             .address = mmap->address,
             .length = mmap->length,
             .file = of_file ? file_number(*mapping->second.file) : UINT32_MAX});
    }
  }

  void on_record(Bytes record) {
    const auto header = read_at<gp_record_header>(record, 0);
    if (!header) return;
    if (header->type == GP_RECORD_SYMBOL) on_symbol(record);
    const auto sample = header->type == GP_RECORD_SAMPLE ? session::parse_sample(record) : std::nullopt;
    if (!sample) return;
    if (sample->header.miss != 0) request_missing(sample->header);
    if (recording_ && known_.contains(static_cast<int32_t>(sample->header.pid))) on_sample(*sample);
  }

  void request_missing(const gp_sample& header) {
    const ProcessKey key{.pid = static_cast<int32_t>(header.pid), .start_ticks = header.start_ticks};
    const targets::Process* process = targets_.find(key);
    if (process == nullptr) return;
    const auto after = process->mappings.upper_bound(header.miss);
    if (after == process->mappings.begin()) return;
    const targets::Mapping& mapping = std::prev(after)->second;
    if (header.miss >= mapping.end || !mapping.file) return;
    loader_->post(targets::PageRequest{.file = mapping.file,
                                       .page = (header.miss - mapping.start + mapping.offset) >> GP_PAGE_SHIFT});
  }

  // Names shipped while warming are kept too: they are not shipped again.
  void on_symbol(Bytes record) {
    const auto header = read_at<gp_symbol>(record, 0);
    if (!header || header->name.width != 1 || header->file.width != 1 || header->scope.bytes != 0) return;
    ByteReader reader(record.subspan(sizeof(*header)));
    Symbol symbol{.pid = static_cast<int32_t>(header->pid),
                  .runtime = header->runtime,
                  .object = header->object,
                  .cookie = header->cookie,
                  .first_line = header->first_line};
    symbol.name = hex_of(reader.take(header->name.bytes));
    const Bytes file = reader.take(header->file.bytes);
    const std::string_view path(reinterpret_cast<const char*>(file.data()), file.size());
    symbol.file = hex_of(file.subspan(path.rfind('/') + 1));  // npos + 1 is 0
    if (header->table_stored == header->table_bytes) symbol.table = hex_of(reader.take(header->table_stored));
    symbols_.push_back(std::move(symbol));
  }

  void on_sample(const session::SampleRecord& sample) {
    const gp_sample& header = sample.header;
    // Names go ahead of the first sample of their process that is recorded.
    std::erase_if(symbols_, [&](Symbol& symbol) {
      if (symbol.pid != static_cast<int32_t>(header.pid)) return false;
      load_.items.emplace_back(std::move(symbol));
      return true;
    });
    uint32_t node = 0;
    for (auto frame = sample.frames.rbegin(); frame != sample.frames.rend(); ++frame) node = push(node, *frame);
    for (size_t i = sample.kernel.size(); i-- > 0;) node = push(node, kernel_frame(sample.kernel[i], i > 0));
    load_.items.emplace_back(Sample{.time_ns = time(header.time_ns),
                                    .pid = static_cast<int32_t>(header.pid),
                                    .tid = static_cast<int32_t>(header.tid),
                                    .end = header.end,
                                    .flags = header.flags & ~uint32_t{GP_SAMPLE_HAS_COPY},
                                    .stack = node,
                                    .comm = std::string(header.comm, ::strnlen(header.comm, sizeof(header.comm)))});
  }

  uint32_t push(uint32_t parent, const gp_frame& frame) {
    const auto [known, added] = nodes_.try_emplace({parent, frame_number(frame)}, load_.nodes.size());
    if (added) load_.nodes.push_back({.parent = parent, .frame = known->first.second});
    return known->second;
  }

  uint32_t frame_number(gp_frame frame) {
    const auto& file = frame.kind == GP_FRAME_NATIVE ? targets_.file_in_slot(frame.extra) : nullptr;
    if (file) frame.extra = file_number(*file);
    std::array<uint64_t, 2> key;
    std::memcpy(key.data(), &frame, sizeof(key));
    const auto [known, added] = frames_.try_emplace(key, load_.frames.size());
    if (!added) return known->second;
    load_.frames.push_back(frame);
    if (file) {
      const bool is_return = (frame.flags & GP_FRAME_RETURN_ADDRESS) != 0;
      places_[known->second] = functions_.place(frame.extra, *file, frame.value, is_return);
    }
    return known->second;
  }

  gp_frame kernel_frame(uint64_t address, bool is_return) {
    const auto symbol = kernel_symbols_.find({address - (is_return ? 1 : 0)});
    const std::string name(symbol ? symbol->name : "unknown");
    const auto [known, added] = kernel_.try_emplace(name, static_cast<uint32_t>(load_.kernel.size()));
    if (added) load_.kernel.push_back(name);
    return {.kind = kKernelFrame, .flags = 0, .cookie = 0, .extra = 0, .value = known->second};
  }

  sampling::Sampler* sampler_;
  targets::Loader* loader_;
  targets::Targets targets_;
  int32_t pid_;
  std::vector<os::SidebandRing> sideband_;
  bool recording_ = false;
  uint64_t begin_ns_ = 0;
  RecordedLoad load_;
  Functions functions_{load_};
  symbols::KernelSymbols kernel_symbols_;
  std::set<int32_t> known_;
  std::vector<std::shared_ptr<targets::CodeFile>> kept_;
  std::map<const targets::CodeFile*, uint32_t> files_;
  std::vector<Symbol> symbols_;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> nodes_;
  std::map<std::array<uint64_t, 2>, uint32_t> frames_;
  std::map<uint32_t, Functions::Place> places_;
  std::map<std::string, uint32_t> kernel_;
};

int record(int32_t pid, int seconds, uint32_t hz) {
  auto sampler = sampling::Sampler::load({});
  if (!sampler) {
    fmt::print(stderr, "{}\n", sampler.error().message());
    return 1;
  }
  if (const auto rated = (*sampler)->set_rate(hz); !rated) return 1;
  targets::Loader loader(&(*sampler)->tables(), sampler->get(), runtimes::all(), targets::LoaderOptions{});
  Recorder recorder(sampler->get(), &loader, pid);
  if (!recorder.start()) return 1;
  recorder.run(static_cast<uint64_t>(seconds) * 1'000'000'000);
  fmt::print("# by gp_record_load, see tests/replay/recorded_load.h\n{}", recorder.load().text());
  return 0;
}

}  // namespace
}  // namespace gp::replay

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: gp_record_load PID SECONDS HZ\n");
    return 2;
  }
  return gp::replay::record(std::stoi(argv[1]), std::stoi(argv[2]), static_cast<uint32_t>(std::stoi(argv[3])));
}
