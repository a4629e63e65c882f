#include "tests/replay/replay.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "elf/test_file.h"
#include "os/perf_record.h"
#include "runtimes/runtimes.h"
#include "session/closer.h"
#include "session/sample_record.h"
#include "symbols/symbolizer.h"

namespace gp::replay {
namespace {

constexpr int32_t kFirstPid = 5'000'000;  // above PID_MAX_LIMIT (include/linux/threads.h)
constexpr uint64_t kText = 0x1000;        // file offset of the code of a made-up file
constexpr uint8_t kTrap = 0xcc;          // int3: what functions are not made of, so that none are seen in it
constexpr uint64_t kTextAddress = 0x401000;
constexpr uint64_t kKernelText = 0xffffffff81000000;
constexpr uint64_t kKernelStep = 0x1000;
constexpr uint64_t kPeriodNs = 10'000'000;
constexpr uint64_t kTickNs = 10'000'000;  // of ProcessKey::start_ticks
constexpr walk::PlainSizes kSizes{.buckets = 1024, .mappings = 32768, .files = 1024, .pages = 8192, .runtimes = 64};

template <class T>
void append(std::vector<uint8_t>& bytes, const T& value) {
  const size_t had = bytes.size();
  bytes.resize(had + sizeof(T));
  std::memcpy(bytes.data() + had, &value, sizeof(T));
}
// As the kernel pads texts in records: with NULs, to 8 bytes.
void append_text(std::vector<uint8_t>& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.resize(bytes.size() + 8 - text.size() % 8);
}
std::vector<uint8_t> from_hex(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

}  // namespace

Replay::Replay(const RecordedLoad& load)
    : load_(load), slots_(load.files.size(), UINT32_MAX), tables_(kSizes), recording_(new session::Recording) {
  std::string pattern = (std::filesystem::temp_directory_path() / "gp-replay-XXXXXX").string();
  dir_ = ::mkdtemp(pattern.data());
  write_files();
  write_kernel();
  make_records();
  loader_ = std::make_unique<targets::Loader>(&tables_.tables, &tables_, runtimes::all(), targets::LoaderOptions{});
  targets_ = std::make_unique<targets::Targets>(&tables_.tables, loader_.get());
  targets_->add_session(0, {});
  // The parent of all that were there when the recording began; an exec of a process nobody knows is looked up in /proc.
  targets_->apply({.time_ns = 1,
                   .cpu = 0,
                   .body = os::CommEvent{.pid = ::getpid(), .tid = ::getpid(), .exec = true, .name = "root"}});
}

Replay::~Replay() { std::filesystem::remove_all(dir_); }

void Replay::write_files() {
  for (uint32_t file = 0; file < load_.files.size(); ++file) {
    uint64_t size = 16;
    std::vector<elf::TestFile::Symbol> symbols;
    for (const Function& function : load_.functions) {
      if (function.file != file) continue;
      size = std::max(size, function.offset + function.size);
      if (function.name.empty()) continue;
      symbols.push_back({.name = function.name, .address = kTextAddress + function.offset, .size = function.size});
    }
    elf::TestFile elf;
    elf.code(".text", kTextAddress, std::vector<uint8_t>(size, kTrap));
    elf.symtab(symbols);
    const auto bytes = elf.bytes();
    std::ofstream(dir_ / load_.files[file], std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

void Replay::write_kernel() {
  std::ofstream out(dir_ / "kallsyms");
  for (size_t i = 0; i < load_.kernel.size(); ++i)
    out << fmt::format("{:x} T {}\n", kKernelText + i * kKernelStep, load_.kernel[i]);
}

int32_t Replay::pid_of(int32_t recorded) const {
  const auto known = pids_.find(recorded);
  return known == pids_.end() ? ::getpid() : known->second;
}

uint64_t Replay::start_ticks(int32_t recorded) const {
  const uint64_t boot_offset = clock_ns(CLOCK_BOOTTIME) - monotonic_ns();
  return (born_ns_.at(recorded) + boot_offset) / kTickNs;
}

void Replay::make_records() {
  for (const auto& item : load_.items) {
    const auto* event = std::get_if<Event>(&item);
    if (event == nullptr || event->kind != Event::Kind::kFork) continue;
    pids_.emplace(event->pid, kFirstPid + static_cast<int32_t>(pids_.size()));
    born_ns_.emplace(event->pid, event->time_ns);
  }
  for (const auto& item : load_.items) {
    if (const auto* event = std::get_if<Event>(&item)) records_.emplace_back(Sideband{sideband_of(*event)});
    if (const auto* symbol = std::get_if<Symbol>(&item)) records_.emplace_back(RingRecord{ring_record_of(*symbol)});
    if (const auto* sample = std::get_if<Sample>(&item)) records_.emplace_back(RingRecord{ring_record_of(*sample)});
  }
}

// As the kernel writes it: include/uapi/linux/perf_event.h, PERF_RECORD_*.
std::vector<uint8_t> Replay::sideband_of(const Event& event) const {
  const int32_t pid = pid_of(event.pid);
  const int32_t other = event.kind == Event::Kind::kFork ? pid_of(event.other) : pid;
  std::vector<uint8_t> bytes(sizeof(perf_event_header));
  perf_event_header header{};
  switch (event.kind) {
    case Event::Kind::kFork:
    case Event::Kind::kExit:
      header.type = event.kind == Event::Kind::kFork ? PERF_RECORD_FORK : PERF_RECORD_EXIT;
      for (const int32_t number : {pid, other, pid, other}) append(bytes, number);
      append(bytes, event.time_ns);
      break;
    case Event::Kind::kExec:
    case Event::Kind::kName:
      header.type = PERF_RECORD_COMM;
      header.misc = event.kind == Event::Kind::kExec ? PERF_RECORD_MISC_COMM_EXEC : 0;
      for (const int32_t number : {pid, pid}) append(bytes, number);
      append_text(bytes, event.name);
      break;
    case Event::Kind::kMap: {
      header.type = PERF_RECORD_MMAP2;
      const std::string path = event.file == UINT32_MAX ? "//anon" : (dir_ / load_.files[event.file]).string();
      struct stat info{};
      if (event.file != UINT32_MAX) ::stat(path.c_str(), &info);
      for (const int32_t number : {pid, pid}) append(bytes, number);
      for (const uint64_t number : {event.address, event.length, kText}) append(bytes, number);
      for (const uint32_t number : {::gnu_dev_major(info.st_dev), ::gnu_dev_minor(info.st_dev)}) append(bytes, number);
      for (const uint64_t number : {uint64_t{info.st_ino}, uint64_t{0}}) append(bytes, number);
      for (const uint32_t number : {uint32_t{PROT_READ | PROT_EXEC}, uint32_t{MAP_PRIVATE}}) append(bytes, number);
      append_text(bytes, path);
      break;
    }
  }
  for (const int32_t number : {pid, pid}) append(bytes, number);
  for (const uint64_t number : {event.time_ns, uint64_t{0}}) append(bytes, number);
  header.size = static_cast<uint16_t>(bytes.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

std::vector<uint8_t> Replay::ring_record_of(const Symbol& symbol) const {
  const auto name = from_hex(symbol.name);
  const auto file = from_hex(symbol.file);
  const auto table = from_hex(symbol.table);
  const auto text = [](const std::vector<uint8_t>& bytes) {
    return gp_symbol_text{.bytes = static_cast<uint32_t>(bytes.size()), .width = 1, .ascii = 1, .truncated = 0};
  };
  gp_symbol record{};
  record.header.type = GP_RECORD_SYMBOL;
  record.header.size = static_cast<uint32_t>(sizeof(record) + name.size() + file.size() + table.size());
  record.start_ticks = start_ticks(symbol.pid);
  record.pid = static_cast<uint32_t>(pid_of(symbol.pid));
  record.runtime = symbol.runtime;
  record.object = symbol.object;
  record.cookie = symbol.cookie;
  record.first_line = symbol.first_line;
  record.name = text(name);
  record.file = text(file);
  record.table_bytes = record.table_stored = static_cast<uint32_t>(table.size());
  std::vector<uint8_t> bytes;
  append(bytes, record);
  for (const auto* part : {&name, &file, &table}) bytes.insert(bytes.end(), part->begin(), part->end());
  return bytes;
}

std::vector<uint8_t> Replay::ring_record_of(const Sample& sample) {
  gp_sample record{};
  std::vector<gp_frame> frames;  // leaf first
  std::vector<uint64_t> kernel;
  for (uint32_t node = sample.stack; node != 0; node = load_.nodes[node].parent) {
    const gp_frame& frame = load_.frames[load_.nodes[node].frame];
    if (frame.kind == kKernelFrame) {
      kernel.push_back(kKernelText + frame.value * kKernelStep + 1);
    } else {
      frames.push_back(frame);
    }
  }
  record.header.type = GP_RECORD_SAMPLE;
  record.header.size =
      static_cast<uint32_t>(sizeof(record) + frames.size() * sizeof(gp_frame) + kernel.size() * sizeof(uint64_t));
  record.time_ns = sample.time_ns;
  record.start_ticks = start_ticks(sample.pid);
  record.pid = static_cast<uint32_t>(pid_of(sample.pid));
  record.tid = static_cast<uint32_t>(sample.tid);
  record.tick_ns = kPeriodNs;
  record.sessions = 1;
  record.user_frames = static_cast<uint16_t>(frames.size());
  record.kernel_frames = static_cast<uint16_t>(kernel.size());
  record.end = static_cast<uint16_t>(sample.end);
  record.flags = static_cast<uint16_t>(sample.flags);
  std::memcpy(record.comm, sample.comm.data(), std::min(sample.comm.size(), sizeof(record.comm) - 1));
  std::vector<uint8_t> bytes;
  append(bytes, record);
  for (const auto& frame : frames) append(bytes, frame);
  for (const uint64_t address : kernel) append(bytes, address);
  ++sample_count_;
  frame_count_ += frames.size() + kernel.size();
  return bytes;
}

// A file gets its slot when it is mapped, which came before its first sample.
uint32_t Replay::slot_of(uint32_t file) {
  if (slots_[file] != UINT32_MAX) return slots_[file];
  const std::string path = dir_ / load_.files[file];
  for (uint32_t slot = 0; slot < kSizes.files; ++slot) {
    const auto& known = targets_->file_in_slot(slot);
    if (known && known->path == path) slots_[file] = slot;
  }
  return slots_[file];
}

void Replay::place_frames(RingRecord& record) {
  record.placed = true;
  gp_sample header{};
  std::memcpy(&header, record.bytes.data(), sizeof(gp_record_header));
  if (header.header.type != GP_RECORD_SAMPLE) return;
  std::memcpy(&header, record.bytes.data(), sizeof(header));
  for (size_t i = 0; i < header.user_frames; ++i) {
    uint8_t* const at = record.bytes.data() + sizeof(header) + i * sizeof(gp_frame);
    gp_frame frame{};
    std::memcpy(&frame, at, sizeof(frame));
    if (frame.kind != GP_FRAME_NATIVE) continue;
    frame.extra = slot_of(frame.extra);
    frame.value += kText;
    std::memcpy(at, &frame, sizeof(frame));
  }
}

void Replay::play() {
  for (auto& item : records_) {
    if (auto* record = std::get_if<RingRecord>(&item)) {
      if (!record->placed) place_frames(*record);
      on_ring_record(record->bytes);
    } else if (const auto event = os::decode_sideband(std::get<Sideband>(item).bytes)) {
      targets_->apply(*event);
      targets_->publish();
      take_results();
    }
  }
}

void Replay::play_samples() {
  for (const auto& item : records_)
    if (const auto* record = std::get_if<RingRecord>(&item)) on_ring_record(record->bytes);
}

void Replay::on_ring_record(Bytes record) {
  const auto header = read_at<gp_record_header>(record, 0);
  if (!header) return;
  if (header->type == GP_RECORD_SAMPLE) on_sample(record);
  if (header->type == GP_RECORD_SYMBOL) on_symbol(record);
}

void Replay::on_symbol(Bytes record) {
  const auto header = read_at<gp_symbol>(record, 0);
  if (!header) return;
  const ProcessKey process{.pid = static_cast<int32_t>(header->pid), .start_ticks = header->start_ticks};
  for (const targets::Runtime* runtime : runtimes::all()) {
    if (runtime->kind() != header->runtime) continue;
    if (auto symbol = runtime->decode(record, nullptr)) {
      symbol->kind = header->runtime;
      code_.add({.process = process, .runtime = header->runtime, .cookie = header->cookie, .object = header->object},
                std::move(*symbol));
    }
  }
}

void Replay::on_sample(Bytes record) {
  const auto sample = session::parse_sample(record);
  if (!sample) return;
  const gp_sample& header = sample->header;
  const auto* process = targets_->find({.pid = static_cast<int32_t>(header.pid), .start_ticks = header.start_ticks});
  if (process == nullptr) return;
  recording_->add(
      {.header = &header,
       .weight_ns = header.tick_ns,
       .frames = sample->frames,
       .kernel = sample->kernel,
       .end = header.end == GP_END_ROOT || header.end == GP_END_KERNEL_THREAD ? profile::WalkEnd::kRoot
                                                                              : profile::WalkEnd::kNoUnwindInfo,
       .guessed = (header.flags & GP_SAMPLE_GUESSED) != 0,
       .program = process->program_at(header.time_ns),
       .code = &code_},
      [this](uint32_t slot) -> const std::shared_ptr<targets::CodeFile>& { return targets_->file_in_slot(slot); });
}

void Replay::take_results() {
  for (auto& result : loader_->take_results()) {
    if (auto* file = std::get_if<targets::FileDone>(&result)) targets_->take(*file);
  }
}

profile::Profile Replay::close() {
  while (!loader_->idle()) {
    take_results();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  profile::Profile profile;
  profile.start_unix_ns = 1'700'000'000'000'000'000;
  profile.end_unix_ns = profile.start_unix_ns + 1'000'000'000;
  profile.period_ns = kPeriodNs;
  profile.frequency_hz = 100;
  profile.event = "cpu-clock";
  profile.hostname = "replay";
  profile.kernel_release = "6.0";
  profile.agent_version = "0";
  recording_->take_late_names(code_);
  recording_->quality().taken = recording_->quality().reported() + recording_->quality().lost_total();
  symbols::SymbolizerOptions options;
  options.cache_directory = "";
  options.debug_directory = dir_;
  options.kernel = {.kallsyms = dir_ / "kallsyms", .modules = dir_ / "modules", .watch_bpf = false};
  symbols::Symbolizer symbolizer(options);
  session::Closer(&symbolizer, runtimes::all(), false).close(*recording_, profile);
  recording_ = std::make_unique<session::Recording>();
  return profile;
}

}  // namespace gp::replay
