// Costs that a budget of docs/performance.md rests on and that only show alone: rows of a page, adding of samples, and
// the pipeline from the ring's bytes to the files, stage by stage, over a recorded load.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "elf/image.h"
#include "elf/unwind_source.h"
#include "output/output.h"
#include "session/recording.h"
#include "tests/replay/replay.h"

namespace {

constexpr const char* kLibc = "/lib/x86_64-linux-gnu/libc.so.6";

// All pages of libc in turn: signal frames, hand-written assembly and compiled C.
void compile_page(benchmark::State& state) {
  const auto image = gp::elf::Image::open(kLibc);
  if (!image) return state.SkipWithError("no libc at its usual place");
  gp::elf::UnwindSource source(*image);
  gp::elf::RowBuilder builder;
  const auto ranges = image->executable_ranges();
  const uint64_t first = ranges.front().begin.value >> GP_PAGE_SHIFT;
  const uint64_t end = (ranges.back().end.value + GP_PAGE_SIZE - 1) >> GP_PAGE_SHIFT;
  uint64_t page = first;
  uint64_t rows = 0;
  for (auto _ : state) {
    rows += source.compile_page(page, builder).rows.size();
    page = page + 1 < end ? page + 1 : first;
  }
  state.counters["rows"] = benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kAvgIterations);
}

// `state.range(0)` frames deep; one of 64 threads each time, one of 16 leaves.
void add_sample(benchmark::State& state) {
  const auto depth = static_cast<size_t>(state.range(0));
  const auto file = std::make_shared<gp::targets::CodeFile>();
  const auto program = std::make_shared<gp::targets::Program>();
  std::vector<gp_frame> frames(depth);
  for (size_t i = 0; i < depth; ++i) {
    frames[i] = {
        .kind = GP_FRAME_NATIVE, .flags = GP_FRAME_RETURN_ADDRESS, .cookie = 0, .extra = 0, .value = 4096 + i * 64};
  }
  gp_sample header{};
  gp::session::Recording recording;
  std::mt19937 random(1);  // the same sequence each time
  for (auto _ : state) {
    const auto draw = random();
    header.tid = draw % 64;
    frames.front().value = draw / 64 % 16;
    recording.add({.header = &header, .weight_ns = 1, .frames = frames, .kernel = {}, .program = program},
                  [&](uint32_t) -> const std::shared_ptr<gp::targets::CodeFile>& { return file; });
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

const gp::replay::RecordedLoad& recorded() {
  static const auto load = gp::replay::RecordedLoad::read(GP_SOURCE_DIR "/tests/data/replay/mixed.load");
  static const gp::replay::RecordedLoad none;
  return load ? *load : none;
}

void per_sample(benchmark::State& state, size_t samples) {
  using benchmark::Counter;
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(samples));  // samples/s of one core
  state.counters["ns_a_sample"] =
      Counter(static_cast<double>(samples) * 1e-9, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

// Records of the ring parsed, their process found, their stack merged into the window.
void replay_samples(benchmark::State& state) {
  gp::replay::Replay replay(recorded());
  replay.play();
  for (auto _ : state) replay.play_samples();
  per_sample(state, replay.samples());
  state.counters["frames_a_sample"] = static_cast<double>(replay.frames()) / static_cast<double>(replay.samples());
}

// Everything once: sideband, files, samples, names, and the files of a window that was never seen before.
void replay_window(benchmark::State& state) {
  size_t samples = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto replay = std::make_unique<gp::replay::Replay>(recorded());
    state.ResumeTiming();
    replay->play();
    gp::output::StringSink sink;
    const auto profile = replay->close();
    gp::output::write(gp::output::Format::kCollapsed, profile, sink);
    gp::output::write(gp::output::Format::kHtml, profile, sink);
    samples = replay->samples();
    state.PauseTiming();
    replay.reset();
    state.ResumeTiming();
  }
  per_sample(state, samples);
}

// Of that the end: names, merging by name.
void replay_close(benchmark::State& state) {
  gp::replay::Replay replay(recorded());
  replay.play();
  benchmark::DoNotOptimize(replay.close());
  for (auto _ : state) {
    state.PauseTiming();
    replay.play_samples();
    state.ResumeTiming();
    benchmark::DoNotOptimize(replay.close());
  }
  per_sample(state, replay.samples());
}

void replay_output(benchmark::State& state, gp::output::Format format) {
  gp::replay::Replay replay(recorded());
  replay.play();
  const auto profile = replay.close();
  for (auto _ : state) {
    gp::output::StringSink sink;
    gp::output::write(format, profile, sink);
    benchmark::DoNotOptimize(sink.text());
  }
  per_sample(state, replay.samples());
}

BENCHMARK(replay_samples)->Unit(benchmark::kMicrosecond);
BENCHMARK(replay_window)->Unit(benchmark::kMillisecond);
BENCHMARK(replay_close)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(replay_output, collapsed, gp::output::Format::kCollapsed)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(replay_output, html, gp::output::Format::kHtml)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(replay_output, pprof, gp::output::Format::kPprof)->Unit(benchmark::kMicrosecond);
BENCHMARK(compile_page)->Unit(benchmark::kMicrosecond);
BENCHMARK(add_sample)->Arg(10)->Arg(30)->Arg(300);

}  // namespace
