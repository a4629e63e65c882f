// Costs that a budget of docs/performance.md rests on and that only show alone: rows of a page, adding of samples.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "elf/image.h"
#include "elf/unwind_source.h"
#include "session/recording.h"

namespace {

constexpr const char* kLibc = "/lib/x86_64-linux-gnu/libc.so.6";

// All pages of libc in turn: signal frames, hand-written assembly and compiled C.
void compile_page(benchmark::State& state) {
  const auto image = gp::elf::Image::open(kLibc);
  if (!image) return state.SkipWithError("no libc at its usual place");
  gp::elf::UnwindSource source(*image);
  const auto ranges = image->executable_ranges();
  const uint64_t first = ranges.front().begin.value >> GP_PAGE_SHIFT;
  const uint64_t end = (ranges.back().end.value + GP_PAGE_SIZE - 1) >> GP_PAGE_SHIFT;
  uint64_t page = first;
  uint64_t rows = 0;
  for (auto _ : state) {
    rows += source.compile_page(page).rows.size();
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
  header.weight_ns = 1;
  gp::session::Recording recording;
  std::mt19937 random(1);  // the same sequence each time
  for (auto _ : state) {
    const auto draw = random();
    header.tid = draw % 64;
    frames.front().value = draw / 64 % 16;
    recording.add({.header = &header, .frames = frames, .kernel = {}, .program = program},
                  [&](uint32_t) -> const std::shared_ptr<gp::targets::CodeFile>& { return file; });
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

BENCHMARK(compile_page)->Unit(benchmark::kMicrosecond);
BENCHMARK(add_sample)->Arg(10)->Arg(30)->Arg(300);

}  // namespace
