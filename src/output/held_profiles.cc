#include "output/held_profiles.h"

#include <algorithm>
#include <set>

namespace gp::output {

Result<WrittenFiles> HeldProfiles::write(const std::string& directory, const profile::Profile& profile,
                                         std::span<const Format> formats, Retention retention) {
  const auto content = [&profile](Format format, Sink& sink) -> Result<void> {
    output::write(format, profile, sink);
    return {};
  };
  auto written = name_files(directory, profile.end_unix_ns, formats, content);
  if (!written) {
    hold(directory, profile, formats, retention);
    return written;
  }
  GP_TRY(link_files(directory, *written, retention));
  return written;
}

void HeldProfiles::hold(const std::string& directory, const profile::Profile& profile, std::span<const Format> formats,
                        Retention retention) {
  Held held{
      .directory = directory, .end_unix_ns = profile.end_unix_ns, .retention = retention, .outputs = {}, .bytes = 0};
  for (const Format format : formats) {
    CompressingSink sink{std::string(format_extension(format))};
    output::write(format, profile, sink);
    auto output = sink.finish();
    if (!output) {
      ++dropped_;
      return;
    }
    held.bytes += output->bytes();
    held.outputs.emplace_back(format, std::move(*output));
  }
  // The one before would be removed as soon as it is written.
  if (retention == Retention::kNewest) {
    std::erase_if(held_,
                  [&](const Held& other) { return other.directory == directory && other.retention == retention; });
  }
  held_.push_back(std::move(held));
  note();
  while (bytes_ > max_bytes_) {
    held_.pop_front();
    ++dropped_;
    note();
  }
}

std::vector<WrittenFiles> HeldProfiles::write_held() {
  std::vector<WrittenFiles> all;
  std::set<std::string> closed;
  std::erase_if(held_, [&](const Held& held) {
    if (closed.contains(held.directory)) return false;
    std::vector<Format> formats;
    formats.reserve(held.outputs.size());
    for (const auto& [format, output] : held.outputs) formats.push_back(format);
    const auto content = [&held](Format format, Sink& sink) {
      return std::ranges::find(held.outputs, format, [](const auto& output) { return output.first; })
          ->second.expand(sink);
    };
    auto written = name_files(held.directory, held.end_unix_ns, formats, content);
    if (!written) {
      closed.insert(held.directory);
      return false;
    }
    // A link that cannot be replaced is told by the window that is written next.
    static_cast<void>(link_files(held.directory, *written, held.retention));
    all.push_back(std::move(*written));
    return true;
  });
  note();
  return all;
}

void HeldProfiles::note() {
  count_ = held_.size();
  uint64_t bytes = 0;
  for (const Held& held : held_) bytes += held.bytes;
  bytes_ = bytes;
}

}  // namespace gp::output
