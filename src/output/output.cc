#include "output/output.h"

#include "output/collapsed.h"
#include "output/html.h"
#include "output/pprof.h"

namespace gp::output {

std::string_view format_extension(Format format) {
  switch (format) {
    case Format::kCollapsed: return ".col";
    case Format::kHtml: return ".html";
    case Format::kPprof: return ".pb.gz";
  }
  return "";
}

std::string_view format_link(Format format) {
  switch (format) {
    case Format::kCollapsed: return "last_profile.col";
    case Format::kHtml: return "last_flamegraph.html";
    case Format::kPprof: return "last_profile.pb.gz";
  }
  return "";
}

void write(Format format, const profile::Profile& profile, Sink& sink) {
  switch (format) {
    case Format::kCollapsed: return write_collapsed(profile, sink);
    case Format::kHtml: return write_html(profile, sink);
    case Format::kPprof: return write_pprof(profile, sink);
  }
}

}  // namespace gp::output
