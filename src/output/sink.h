// Where the bytes of an output go. Writers append and never ask: a sink that can fail keeps its first error and tells
// it when it is finished. Owner thread: whoever writes.
#pragma once

#include <string>
#include <string_view>

namespace gp::output {

// What is on its way to a sink is charged here (base/account.h).
inline constexpr std::string_view kBuffersAccount = "output buffers";

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  Sink(Sink&&) = delete;
  Sink& operator=(Sink&&) = delete;
  virtual ~Sink() = default;
  virtual void append(std::string_view bytes) = 0;
};

class StringSink : public Sink {
 public:
  void append(std::string_view bytes) override { text_ += bytes; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace gp::output
