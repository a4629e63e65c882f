#include "output/pprof.h"

#include <fmt/format.h>

#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/account.h"
#include "output/compress.h"
#include "output/text.h"

namespace gp::output {

namespace {

using profile::Function;
using profile::Profile;
using protozero::pbf_writer;

// Field numbers of profile.proto, by message.
namespace field {
constexpr uint32_t kSampleType = 1, kSample = 2, kMapping = 3, kLocation = 4, kFunction = 5, kStringTable = 6,
                   kTimeNanos = 9, kDurationNanos = 10, kPeriodType = 11, kPeriod = 12, kComment = 13,
                   kDefaultSampleType = 14;
constexpr uint32_t kValueTypeType = 1, kValueTypeUnit = 2;
constexpr uint32_t kSampleLocation = 1, kSampleValue = 2, kSampleLabel = 3;
constexpr uint32_t kLabelKey = 1, kLabelString = 2, kLabelNumber = 3;
constexpr uint32_t kMappingId = 1, kMappingFile = 5, kMappingHasFunctions = 7, kMappingHasFiles = 8,
                   kMappingHasLines = 9, kMappingHasInlines = 10;
constexpr uint32_t kLocationId = 1, kLocationMapping = 2, kLocationLine = 4;
constexpr uint32_t kLineFunction = 1, kLineLine = 2;
constexpr uint32_t kFunctionId = 1, kFunctionName = 2, kFunctionFile = 4;
}  // namespace field

// Writes samples as it goes and collects what they refer to; ids count from 1 as the format wants.
class Builder {
 public:
  explicit Builder(const Profile& profile) : profile_(profile), message_(bytes_), steps_(profile.nodes.size()) {}

  std::string build() {
    header();
    for (const auto& group : profile_.samples) sample(group);
    for (const auto text : strings_) message_.add_string(field::kStringTable, text.data(), text.size());
    return std::move(bytes_);
  }

 private:
  struct Step {
    uint64_t location = 0;  // 0: not made yet
    uint32_t next = 0;      // the stack node its caller's location begins at
  };

  int64_t string(std::string_view foreign) {
    const auto [entry, added] = string_ids_.try_emplace(escape_bytes(foreign), strings_.size());
    if (added) strings_.push_back(entry->first);
    return static_cast<int64_t>(entry->second);
  }

  void value_type(uint32_t tag, std::string_view type, std::string_view unit) {
    pbf_writer message(message_, tag);
    message.add_int64(field::kValueTypeType, string(type));
    message.add_int64(field::kValueTypeUnit, string(unit));
  }

  void header() {
    value_type(field::kSampleType, "samples", "count");
    value_type(field::kSampleType, "cpu", "nanoseconds");
    value_type(field::kPeriodType, "cpu", "nanoseconds");
    message_.add_int64(field::kPeriod, static_cast<int64_t>(profile_.period_ns));
    message_.add_int64(field::kTimeNanos, profile_.start_unix_ns);
    message_.add_int64(field::kDurationNanos, profile_.end_unix_ns - profile_.start_unix_ns);
    message_.add_int64(field::kDefaultSampleType, string("cpu"));
    for (const auto& comment :
         {fmt::format("gprofiler {} on {}, kernel {}, {} at {} Hz", profile_.agent_version, profile_.hostname,
                      profile_.kernel_release, profile_.event, profile_.frequency_hz),
          profile_.quality.summary()}) {
      message_.add_int64(field::kComment, string(comment));
    }
  }

  void sample(const profile::SampleGroup& group) {
    locations_.clear();
    for (uint32_t node = group.stack; node != 0; node = steps_[node].next) {
      if (steps_[node].location == 0) steps_[node] = step(node);
      locations_.push_back(steps_[node].location);
    }
    const auto& thread = profile_.threads[group.thread];
    const auto& process = profile_.processes[thread.process];
    const std::vector<int64_t> values = {static_cast<int64_t>(group.count),
                                         static_cast<int64_t>(group.count * profile_.period_ns)};
    pbf_writer message(message_, field::kSample);
    message.add_packed_uint64(field::kSampleLocation, locations_.begin(), locations_.end());
    message.add_packed_int64(field::kSampleValue, values.begin(), values.end());
    label(message, "pid", process.key.pid);
    label(message, "tid", thread.tid);
    label(message, "comm", process.comm);
    label(message, "thread", thread.name);
    label(message, "container_id", process.container_id);
  }

  void label(pbf_writer& sample, std::string_view key, int32_t number) {
    pbf_writer message(sample, field::kSampleLabel);
    message.add_int64(field::kLabelKey, string(key));
    message.add_int64(field::kLabelNumber, number);
  }
  void label(pbf_writer& sample, std::string_view key, const std::string& text) {
    if (text.empty()) return;
    pbf_writer message(sample, field::kSampleLabel);
    message.add_int64(field::kLabelKey, string(key));
    message.add_int64(field::kLabelString, string(text));
  }

  // The location whose innermost line is `node`: inlined frames up to and with the one they were inlined into.
  Step step(uint32_t node) {
    std::vector<uint32_t> lines;
    bool inlined = true;
    while (node != 0 && inlined) {
      lines.push_back(profile_.nodes[node].function);
      inlined = profile_.functions[lines.back()].inlined;
      node = profile_.nodes[node].parent;
    }
    return {location(lines), node};
  }

  uint64_t location(const std::vector<uint32_t>& lines) {
    const auto [entry, added] = location_ids_.try_emplace(lines, location_ids_.size() + 1);
    if (!added) return entry->second;
    const profile::Function& outer = profile_.functions[lines.back()];
    const uint64_t module = mapping(is_interpreted(outer.kind) ? std::string() : outer.module);
    std::vector<std::pair<uint64_t, uint32_t>> functions;  // made first: one message is written at a time
    functions.reserve(lines.size());
    for (const uint32_t line : lines) {
      functions.emplace_back(function(profile_.functions[line]), profile_.functions[line].line);
    }
    pbf_writer message(message_, field::kLocation);
    message.add_uint64(field::kLocationId, entry->second);
    if (module != 0) message.add_uint64(field::kLocationMapping, module);
    for (const auto& [id, number] : functions) {
      pbf_writer line(message, field::kLocationLine);
      line.add_uint64(field::kLineFunction, id);
      if (number != 0) line.add_int64(field::kLineLine, number);
    }
    return entry->second;
  }

  uint64_t function(const Function& function) {
    const int64_t name = string(function.name + std::string(frame_suffix(function.kind)));
    const int64_t file = string(function.file);
    const auto [entry, added] = function_ids_.try_emplace({name, file}, function_ids_.size() + 1);
    if (added) {
      // system_name stays empty: the tool would take an equal one for a mangled name and cut its arguments off.
      pbf_writer message(message_, field::kFunction);
      message.add_uint64(field::kFunctionId, entry->second);
      message.add_int64(field::kFunctionName, name);
      message.add_int64(field::kFunctionFile, file);
    }
    return entry->second;
  }

  // 0 for frames of no file. Ranges stay empty: they differ between processes, and nobody needs them to find names.
  uint64_t mapping(const std::string& module) {
    if (module.empty()) return 0;
    const int64_t file = string(module);
    const auto [entry, added] = mapping_ids_.try_emplace(file, mapping_ids_.size() + 1);
    if (added) {
      pbf_writer message(message_, field::kMapping);
      message.add_uint64(field::kMappingId, entry->second);
      message.add_int64(field::kMappingFile, file);
      for (const uint32_t has :
           {field::kMappingHasFunctions, field::kMappingHasFiles, field::kMappingHasLines, field::kMappingHasInlines}) {
        message.add_bool(has, true);
      }
    }
    return entry->second;
  }

  const Profile& profile_;
  std::string bytes_;
  pbf_writer message_;
  std::unordered_map<std::string, size_t> string_ids_ = {{"", 0}};
  std::vector<std::string_view> strings_ = {""};  // into the keys of string_ids_, which stay where they are
  std::map<std::vector<uint32_t>, uint64_t> location_ids_;
  std::map<std::pair<int64_t, int64_t>, uint64_t> function_ids_;  // (name, file)
  std::map<int64_t, uint64_t> mapping_ids_;
  std::vector<Step> steps_;  // by stack node
  std::vector<uint64_t> locations_;
};

}  // namespace

void write_pprof(const Profile& profile, Sink& sink) {
  const std::string message = Builder(profile).build();
  const Charge held(account(kBuffersAccount), message.capacity());
  sink.append(gzip(message));
}

}  // namespace gp::output
