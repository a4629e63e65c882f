// A stopped Ruby; a C function has the place it was called from.
#pragma once

#include "runtimes/ruby/offsets.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::ruby {

struct Recording final : RecordingOf<Recording> {
  std::string version;  // "3.3.8"
  // context.slot and offset, current, vm, symbols of gp_ruby; then model and is_musl of context, where it is not through
  // the slot, if there is one, in glibc's way.
  std::vector<uint64_t> places;
  uint64_t thread = 0;  // the thread pointer

  // The walker's entry: the recorded addresses with what the version says today.
  [[nodiscard]] std::optional<gp_runtime_entry> entry() const {
    auto ruby = offsets_of(version);
    if (!ruby || (places.size() != 5 && places.size() != 7)) return std::nullopt;
    const bool says_how = places.size() > 5;
    const uint32_t usual = places[0] != 0 ? GP_THREAD_BLOCK : GP_THREAD_OFFSET;
    ruby->context = {.slot = places[0],
                     .offset = places[1],
                     .model = says_how ? static_cast<uint32_t>(places[5]) : usual,
                     .is_musl = says_how && places[6] != 0 ? 1U : 0U};
    ruby->current = places[2];
    ruby->vm = places[3];
    ruby->symbols = places[4];
    return targets::entry_with(GP_RUNTIME_RUBY, *ruby);
  }

  bool parse_value(const std::string& key, std::istringstream& in) {
    if (key == "version") return static_cast<bool>(std::getline(in, version));
    if (key == "thread") return static_cast<bool>(in >> thread);
    for (uint64_t place = 0; in >> place;) places.push_back(place);
    return key == "places";
  }
  [[nodiscard]] std::string head() const {
    return fmt::format("version\t{}\nthread\t{}\nplaces\t{}\n", version, thread, fmt::join(places, " "));
  }
};

}  // namespace gp::runtimes::ruby
