// main → throws → down<60> … down<0>: exceptions thrown through sixty frames; nearly all time is the unwinder's own.
#include <stdexcept>
#include <string>

extern "C" {
#include "burn.h"
}

volatile uint64_t sink;

template <int Depth>
NOINLINE uint64_t down(uint64_t seed) {
  std::string destroyed_on_the_way(40, static_cast<char>('a' + Depth % 26));
  if constexpr (Depth == 0) {
    if (seed != 0) throw std::runtime_error(destroyed_on_the_way);
    return 0;
  } else {
    return down<Depth - 1>(seed) + destroyed_on_the_way.size();
  }
}

NOINLINE void throws() {
  try {
    sink = sink + down<60>(1);
  } catch (const std::exception& error) {
    sink = sink + static_cast<uint64_t>(error.what()[0]);
  }
}

int main(int argc, char** argv) {
  const double end = deadline_of(argc, argv);
  while (now_seconds() < end) throws();
}
