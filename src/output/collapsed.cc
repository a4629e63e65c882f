#include "output/collapsed.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "output/json_writer.h"
#include "output/quality_json.h"
#include "output/text.h"

namespace gp::output {

namespace {

using profile::Profile;

std::string header(const Profile& profile) {
  std::string out = "# ";
  JsonWriter json(out);
  json.begin_object().key("containers").begin_array();
  std::set<std::string_view> containers;
  for (const auto& process : profile.processes) {
    if (!process.container_id.empty()) containers.insert(short_container_id(process.container_id));
  }
  for (const auto container : containers) json.value(container);
  json.end_array().member("container_names_enabled", false);  // the second column holds ids
  json.key("metadata").begin_object();
  json.member("hostname", profile.hostname).member("agent_version", profile.agent_version);
  json.member("kernel_release", profile.kernel_release).member("profiling_mode", "cpu");
  json.member("current_time", iso_seconds(profile.end_unix_ns));
  json.member("start_time", iso_seconds(profile.start_unix_ns)).member("end_time", iso_seconds(profile.end_unix_ns));
  json.member("frequency", profile.frequency_hz).member("period_ns", profile.period_ns);
  json.member("event", profile.event).end_object();
  json.key("metrics").begin_object().key("cpu_avg").null().key("mem_avg").null().end_object();
  json.key("application_metadata").begin_array().null().end_array();
  json.member("application_metadata_enabled", true).member("profiling_mode", "cpu");
  json.key("data_quality");
  write_quality(profile.quality, json);
  json.end_object();
  return out;
}

// Stacks merged by the text of their frames. Below the root, the first level holds what a line begins with.
class TextTree {
 public:
  explicit TextTree(const Profile& profile) : profile_(profile) {
    function_texts_.reserve(profile.functions.size());
    for (const auto& function : profile.functions) function_texts_.push_back(text(escape_part(frame_text(function))));
    for (const auto& group : profile.samples) {
      const auto& process = profile.processes[profile.threads[group.thread].process];
      const std::string start =
          fmt::format("0;{};{}", escape_part(short_container_id(process.container_id)), escape_part(process.comm));
      nodes_[place(child(0, text(start)), group.stack)].count += group.count;
    }
  }

  void write(Sink& sink) {
    struct Visit {
      uint32_t node;
      size_t prefix;  // bytes of the line that its parent's visit left
    };
    std::string line;
    std::vector<Visit> open = {{0, 0}};
    while (!open.empty()) {
      const auto [index, prefix] = open.back();
      open.pop_back();
      Node& node = nodes_[index];
      line.resize(prefix);
      if (prefix > 0) line += ';';
      line += texts_[node.text];
      if (node.count > 0) sink.append(fmt::format("\n{} {}", line, node.count));
      std::ranges::sort(node.children, [this](uint32_t a, uint32_t b) {
        return texts_[nodes_[a].text] > texts_[nodes_[b].text];  // the last pushed is visited first
      });
      for (const uint32_t below : node.children) open.push_back({below, line.size()});
    }
  }

 private:
  struct Node {
    uint32_t text = 0;
    uint64_t count = 0;
    std::vector<uint32_t> children;
  };

  static uint64_t pair(uint32_t a, uint32_t b) { return (uint64_t{a} << 32U) | b; }

  uint32_t text(std::string words) {
    const auto [entry, added] = text_ids_.try_emplace(std::move(words), static_cast<uint32_t>(texts_.size()));
    if (added) texts_.push_back(entry->first);
    return entry->second;
  }

  uint32_t child(uint32_t parent, uint32_t text) {
    const auto [entry, added] = children_.try_emplace(pair(parent, text), static_cast<uint32_t>(nodes_.size()));
    if (added) {
      nodes_.push_back({text, 0, {}});
      nodes_[parent].children.push_back(entry->second);
    }
    return entry->second;
  }

  // The node that stands for stack `stack` below `start`.
  uint32_t place(uint32_t start, uint32_t stack) {
    std::vector<uint32_t> missing;
    uint32_t at = start;
    for (uint32_t node = stack; node != 0; node = profile_.nodes[node].parent) {
      if (const auto known = placed_.find(pair(start, node)); known != placed_.end()) {
        at = known->second;
        break;
      }
      missing.push_back(node);
    }
    for (size_t i = missing.size(); i-- > 0;) {
      at = child(at, function_texts_[profile_.nodes[missing[i]].function]);
      placed_[pair(start, missing[i])] = at;
    }
    return at;
  }

  const Profile& profile_;
  std::unordered_map<std::string, uint32_t> text_ids_ = {{"", 0}};
  std::vector<std::string_view> texts_ = {""};  // into the keys of text_ids_, which stay where they are
  std::vector<uint32_t> function_texts_;        // by index into Profile::functions
  std::vector<Node> nodes_ = {Node()};
  std::unordered_map<uint64_t, uint32_t> children_;  // (node, text) → node
  std::unordered_map<uint64_t, uint32_t> placed_;    // (start, stack) → node
};

}  // namespace

void write_collapsed(const Profile& profile, Sink& sink) {
  sink.append(header(profile));
  TextTree(profile).write(sink);
}

}  // namespace gp::output
