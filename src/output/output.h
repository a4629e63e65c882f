// What a finished profile becomes: one function per format, and the files of a session.
// Owner thread: the closer (a Profile is read-only, nothing here keeps state).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "output/sink.h"
#include "profile/profile.h"

namespace gp::output {

enum class Format : uint8_t {
  kCollapsed,  // one line per stack, root first, with a JSON header (collapsed.h)
  kHtml,       // a flame graph that needs nothing but a browser (html.h)
  kPprof,      // gzip of perftools.profiles.Profile (pprof.h)
};

std::string_view format_extension(Format format);  // ".col", ".html", ".pb.gz"
std::string_view format_link(Format format);       // "last_profile.col", "last_flamegraph.html", "last_profile.pb.gz"

// The profile in one format. Same profile, same bytes.
void write(Format format, const profile::Profile& profile, Sink& sink);

struct WrittenFile {
  Format format;
  std::string path;  // directory as given, then profile_<END><extension>
};
struct WrittenFiles {
  std::vector<WrittenFile> files;  // in the order asked for
};

// Makes the directory if it is missing and says whether files can be made in it. To be asked before profiling, so
// that nobody waits a minute to learn that the answer has nowhere to go.
Result<void> prepare_directory(const std::string& directory);

enum class Retention : uint8_t {
  kAll,
  kNewest,  // what the last_* links pointed at before is removed once they point at the new files
};

// Writes every format as profile_<END><extension>, END being the window's end in UTC seconds. Each file appears complete
// or not at all; when END is taken by an earlier session the name becomes profile_<END>-2, alike for all formats. After an
// error none of the new files is there.
using FileContent = std::function<Result<void>(Format, Sink&)>;
Result<WrittenFiles> name_files(const std::string& directory, int64_t end_unix_ns, std::span<const Format> formats,
                                const FileContent& content);
// Points the last_* links at them. After an error the files are there, and it says so.
Result<void> link_files(const std::string& directory, const WrittenFiles& written, Retention retention);
// Both.
Result<WrittenFiles> write_files(const std::string& directory, const profile::Profile& profile,
                                 std::span<const Format> formats, Retention retention = Retention::kAll);

}  // namespace gp::output
