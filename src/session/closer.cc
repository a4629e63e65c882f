#include "session/closer.h"

#include <fmt/format.h>

#include <algorithm>

#include "os/procfs.h"

namespace gp::session {
namespace {

profile::Function from_name(symbols::Name name, profile::FrameKind kind) {
  return {.name = std::move(name.name),
          .file = std::move(name.file),
          .module = std::move(name.module),
          .line = name.line,
          .kind = kind,
          .named = name.named,
          .inlined = name.inlined};
}

}  // namespace

void Closer::close(Recording& recording, profile::Profile& profile) {
  profile_ = &profile;
  function_ids_.clear();
  tree_ = {};
  paths_.clear();
  symbolizer_->begin_window();
  for (auto& [process, map] : recording.perf_maps()) {
    if (map.fd) symbolizer_->keep_perf_map(process, std::move(map.fd));
  }
  profile.quality = recording.quality();
  add_processes(recording);
  add_stacks(recording);
  add_samples(recording);
  profile.nodes.reserve(tree_.nodes().size());
  for (const auto& node : tree_.nodes()) profile.nodes.push_back({.parent = node.parent, .function = node.frame});
}

uint32_t Closer::function_index(profile::Function function) {
  const auto key = fmt::format("{}\n{}\n{}\n{}\n{}{}", function.name, function.file, function.module, function.line,
                               static_cast<int>(function.kind), function.inlined ? 1 : 0);
  const auto [place, added] = function_ids_.try_emplace(key, static_cast<uint32_t>(profile_->functions.size()));
  if (added) profile_->functions.push_back(std::move(function));
  return place->second;
}

Closer::Functions Closer::name(Recording& recording, const profile::RawFrame& frame) {
  using profile::FrameKind;
  using profile::RawFrameKind;
  switch (frame.kind) {
    case RawFrameKind::kFile: {
      const targets::CodeFile& file = *recording.files()[frame.owner];
      const FileOffset at{frame.value - (frame.return_address ? 1 : 0)};
      const auto holds = [at](const targets::RuntimeFile& runtime) { return is_instruction(runtime, at); };
      if (std::ranges::any_of(file.runtimes, holds)) return {};
      const symbols::FileRef ref{.image = file.image, .path = file.path, .root = os::root_of(file.brought_by)};
      Functions functions;
      for (auto& name : symbolizer_->file_frame(ref, {frame.value}, frame.return_address, inlines_)) {
        functions.push_back(function_index(from_name(std::move(name), FrameKind::kNative)));
      }
      return functions;
    }
    case RawFrameKind::kKernel:
      return {function_index(
          from_name(symbolizer_->kernel_frame({frame.value}, frame.return_address), FrameKind::kKernel))};
    case RawFrameKind::kJit: {
      const targets::Program& program = *recording.programs()[frame.owner];
      const auto map = recording.perf_maps().find(program.key);
      const symbols::JitProcess process{
          .key = program.key,
          .namespace_pid = map == recording.perf_maps().end() ? program.key.pid : map->second.namespace_pid,
          .root = os::root_of(program.key.pid)};
      return {function_index(
          from_name(symbolizer_->jit_frame(process, {frame.value}, frame.return_address), FrameKind::kJit))};
    }
    case RawFrameKind::kCode:
      if (recording.code()[frame.owner]->internal) return {};
      return {function_index(interpreted(*recording.code()[frame.owner], static_cast<uint32_t>(frame.value)))};
    case RawFrameKind::kMarker: break;
  }
  return {function_index({.name = recording.texts()[frame.owner],
                          .file = {},
                          .module = {},
                          .line = 0,
                          .kind = FrameKind::kMarker,
                          .named = true,
                          .inlined = false})};
}

profile::Function Closer::interpreted(const targets::CodeSymbol& code, uint32_t where) const {
  const profile::FrameKind kind = frame_kind_of(code.kind);
  uint32_t line = 0;
  for (const targets::Runtime* runtime : runtimes_)
    if (runtime->kind() == code.kind) line = runtime->line(code, where);
  return {.name = code.name_known ? code.name : fmt::format("[{}: unreadable name]", frame_kind_name(kind)),
          .file = code.file,
          .module = with_packages_ && code.packages ? code.packages->package_of(code.file) : std::string(),
          .line = line == 0 ? code.first_line : line,
          .kind = kind,
          .named = code.name_known,
          .inlined = false};
}

void Closer::add_processes(const Recording& recording) {
  for (const auto& program : recording.programs()) {
    std::string runtimes;
    for (const auto& runtime : program->runtimes) runtimes += (runtimes.empty() ? "" : ", ") + runtime.text;
    profile_->processes.push_back({.key = program->key,
                                   .comm = program->comm,
                                   .executable = program->executable,
                                   .container_id = program->container_id,
                                   .runtime = std::move(runtimes)});
  }
  for (const auto& thread : recording.threads()) {
    profile_->threads.push_back({.process = thread.program, .tid = thread.tid, .name = thread.name});
  }
}

void Closer::add_stacks(Recording& recording) {
  const auto frames = recording.trie().frames();
  std::vector<Functions> named(frames.size());
  for (size_t i = 0; i < frames.size(); ++i) named[i] = name(recording, frames[i]);

  const auto nodes = recording.trie().nodes();
  paths_.resize(nodes.size());
  for (size_t i = 1; i < nodes.size(); ++i) {
    Path path = paths_[nodes[i].parent];
    for (const uint32_t function : named[nodes[i].frame]) {
      path.node = tree_.child(path.node, function);
      if (frames[nodes[i].frame].kind == profile::RawFrameKind::kMarker) continue;
      ++path.depth;
      if (!profile_->functions[function].named) ++path.unnamed;
    }
    paths_[i] = path;
  }
}

void Closer::add_samples(const Recording& recording) {
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> merged;
  profile::Quality& quality = profile_->quality;
  for (const auto& [place, weight_ns] : recording.weights()) {
    const Path& path = paths_[Recording::node_of(place)];
    const uint64_t count = std::max<uint64_t>(1, (weight_ns + profile_->period_ns / 2) / profile_->period_ns);
    merged[{Recording::thread_of(place), path.node}] += count;
    quality.frames += count * path.depth;
    quality.unnamed_frames += count * path.unnamed;
    if (path.unnamed > 0) quality.unnamed += count;
  }
  profile_->samples.reserve(merged.size());
  for (const auto& [where, count] : merged) {
    profile_->samples.push_back({.thread = where.first, .stack = where.second, .count = count});
  }
}

}  // namespace gp::session
