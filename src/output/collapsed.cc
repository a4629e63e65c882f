#include "output/collapsed.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "output/json_writer.h"
#include "output/quality_json.h"
#include "output/text.h"
#include "profile/stack_trie.h"

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
  if (!profile.tools.empty()) write_tools(profile.tools, json.key("external_profilers"));
  json.end_object();
  return out;
}

// Stacks merged by the text of their frames. Below the root, the first level holds what a line begins with.
class TextTree {
 public:
  explicit TextTree(const Profile& profile)
      : profile_(profile), placed_(profile.nodes.size()), placed_below_(profile.nodes.size()) {
    function_texts_.reserve(profile.functions.size());
    for (const auto& function : profile.functions) function_texts_.push_back(text(escape_part(frame_text(function))));
    for (const auto& group : profile.samples) {
      const auto& process = profile.processes[profile.threads[group.thread].process];
      const uint32_t start = text(
          fmt::format("0;{};{}", escape_part(short_container_id(process.container_id)), escape_part(process.comm)));
      const uint32_t leaf = place(tree_.child(0, start), group.stack);
      if (leaf >= counts_.size()) counts_.resize(leaf + size_t{1});
      counts_[leaf] += group.count;
    }
    counts_.resize(tree_.nodes().size());
  }

  void write(Sink& sink) const {
    struct Visit {
      uint32_t node;
      size_t prefix;  // bytes of the line that its parent's visit left
    };
    const Children children = children_by_text();
    std::string line;
    std::vector<Visit> open = {{0, 0}};
    while (!open.empty()) {
      const auto [index, prefix] = open.back();
      open.pop_back();
      line.resize(prefix);
      if (prefix > 0) line += ';';
      line += text_of(index);
      if (counts_[index] > 0) {
        sink.append("\n");
        sink.append(line);
        sink.append(fmt::format(" {}", counts_[index]));
      }
      for (const uint32_t below : children.of(index)) open.push_back({below, line.size()});
    }
  }

 private:
  [[nodiscard]] std::string_view text_of(uint32_t node) const { return texts_[tree_.nodes()[node].frame]; }

  // Those of one node lie together: 8 bytes a node, where a vector for each takes 60.
  struct Children {
    std::vector<uint32_t> first;  // by node, and one more
    std::vector<uint32_t> nodes;
    [[nodiscard]] std::span<const uint32_t> of(uint32_t node) const {
      return std::span(nodes).subspan(first[node], first[node + size_t{1}] - first[node]);
    }
  };

  // Of each node, in the reverse order of their texts: the last is visited first.
  [[nodiscard]] Children children_by_text() const {
    const auto nodes = tree_.nodes();
    Children children{.first = std::vector<uint32_t>(nodes.size() + 1),
                      .nodes = std::vector<uint32_t>(nodes.size() - 1)};
    // first[n + 1] counts those of n, then says where they begin, then, as they are filled in, where they end: which is
    // where those of n + 1 begin.
    for (const auto& node : nodes.subspan(1)) ++children.first[node.parent + size_t{1}];
    uint32_t begin = 0;
    for (uint32_t& count : children.first) count = std::exchange(begin, begin + count);
    for (uint32_t node = 1; node < nodes.size(); ++node) {
      children.nodes[children.first[nodes[node].parent + size_t{1}]++] = node;
    }
    for (uint32_t node = 0; node < nodes.size(); ++node) {
      const auto begin_of = children.nodes.begin() + children.first[node];
      std::sort(begin_of, children.nodes.begin() + children.first[node + size_t{1}],
                [this](uint32_t a, uint32_t b) { return text_of(a) > text_of(b); });
    }
    return children;
  }

  uint32_t text(std::string words) {
    const auto [entry, added] = text_ids_.try_emplace(std::move(words), static_cast<uint32_t>(texts_.size()));
    if (added) texts_.push_back(entry->first);
    return entry->second;
  }

  // The node that stands for stack `stack` below `start`.
  uint32_t place(uint32_t start, uint32_t stack) {
    missing_.clear();
    uint32_t at = start;
    for (uint32_t node = stack; node != 0; node = profile_.nodes[node].parent) {
      if (placed_below_[node] == start) {
        at = placed_[node];
        break;
      }
      missing_.push_back(node);
    }
    for (size_t i = missing_.size(); i-- > 0;) {
      at = tree_.child(at, function_texts_[profile_.nodes[missing_[i]].function]);
      placed_[missing_[i]] = at;
      placed_below_[missing_[i]] = start;
    }
    return at;
  }

  const Profile& profile_;
  std::unordered_map<std::string, uint32_t> text_ids_ = {{"", 0}};
  std::vector<std::string_view> texts_ = {""};  // into the keys of text_ids_, which stay where they are
  std::vector<uint32_t> function_texts_;        // by index into Profile::functions
  profile::StackTrie tree_;                     // of texts instead of frames
  std::vector<uint64_t> counts_ = {0};          // by node of it
  // Of each stack of the profile where it was placed last, and below which start. Samples come by thread.
  std::vector<uint32_t> placed_;
  std::vector<uint32_t> placed_below_;
  std::vector<uint32_t> missing_;
};

}  // namespace

void write_collapsed(const Profile& profile, Sink& sink) {
  sink.append(header(profile));
  TextTree(profile).write(sink);
}

}  // namespace gp::output
