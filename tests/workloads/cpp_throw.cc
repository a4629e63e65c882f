// main → Outer<int>::run → descend<…> → thrower, which throws through them; and a burn in templates and lambdas.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
#include "burn.h"
}

namespace shapes {

volatile uint64_t sink;

template <class T>
struct Sum {
  T total{};
  NOINLINE void add(T value) { total += static_cast<T>(burn_units(static_cast<uint64_t>(value), 40)); }
};

struct Shape {
  virtual ~Shape() = default;
  virtual uint64_t area(uint64_t scale) const = 0;
};

template <class T>
struct Square final : Shape {
  NOINLINE uint64_t area(uint64_t scale) const override {
    Sum<T> sum;
    sum.add(static_cast<T>(scale));
    return static_cast<uint64_t>(sum.total);
  }
};

NOINLINE void thrower(int depth) {
  if (depth < 0) throw std::runtime_error("as meant");
  sink = sink + 1;
}

template <int Depth>
NOINLINE uint64_t descend(const std::vector<std::unique_ptr<Shape>>& shapes) {
  std::string keeps_a_destructor(40, 'x');
  if constexpr (Depth == 0) {
    uint64_t total = keeps_a_destructor.size();
    for (const auto& shape : shapes) total += shape->area(total);
    for (int i = 0; i < 3; ++i) thrower(1 - i);
    return total;
  } else {
    return descend<Depth - 1>(shapes) + keeps_a_destructor.size();
  }
}

template <class T>
struct Outer {
  std::vector<std::unique_ptr<Shape>> shapes;
  NOINLINE uint64_t run() {
    try {
      return descend<3>(shapes);
    } catch (const std::exception& error) {
      return error.what()[0];
    }
  }
};

}  // namespace shapes

int main(int argc, char** argv) {
  const double end = deadline_of(argc, argv);
  shapes::Outer<int> outer;
  outer.shapes.push_back(std::make_unique<shapes::Square<long>>());
  outer.shapes.push_back(std::make_unique<shapes::Square<unsigned>>());
  while (now_seconds() < end) shapes::sink = shapes::sink + outer.run();
}
