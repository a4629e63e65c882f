#include "output/quality_json.h"

#include "output/text.h"

namespace gp::output {

void write_quality(const profile::Quality& quality, JsonWriter& json) {
  json.begin_object();
  json.member("taken", quality.taken).member("reported", quality.reported());
  json.member("whole", quality.whole).member("guessed", quality.guessed);
  json.member("truncated", quality.truncated).member("unwalked", quality.unwalked);
  json.key("ends").begin_object();
  for (size_t i = 0; i < quality.ends.size(); ++i) {
    const auto end = static_cast<profile::WalkEnd>(i);
    if (end != profile::WalkEnd::kRoot) json.member(profile::walk_end_marker(end), quality.ends[i]);
  }
  json.end_object();
  json.member("lost", quality.lost_total());
  json.key("losses").begin_object();
  for (size_t i = 0; i < quality.lost.size(); ++i) {
    json.member(profile::loss_reason_name(static_cast<profile::LossReason>(i)), quality.lost[i]);
  }
  json.end_object();
  json.member("deferred", quality.deferred).member("unnamed", quality.unnamed);
  json.member("frames", quality.frames).member("unnamed_frames", quality.unnamed_frames);
  if (quality.hung_files > 0) json.member("hung_files", quality.hung_files);
  if (quality.loading_stopped) json.member("loading_stopped", true);
  json.member("sums_hold", quality.sums_hold());
  json.end_object();
}

void write_tools(std::span<const profile::ToolReport> tools, JsonWriter& json) {
  json.begin_array();
  for (const profile::ToolReport& tool : tools) {
    json.begin_object().member("name", tool.name).member("processes", tool.processes).member("samples", tool.samples);
    json.key("failures").begin_object();
    for (const auto& [reason, count] : tool.failures) json.member(escape_bytes(reason), count);
    json.end_object().end_object();
  }
  json.end_array();
}

}  // namespace gp::output
