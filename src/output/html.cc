#include "output/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/account.h"
#include "base/hash.h"
#include "output/compress.h"
#include "output/json_writer.h"
#include "output/quality_json.h"
#include "output/text.h"

// The page, embedded by gp_embed (cmake/Embed.cmake), which spells symbols of the assembler.
extern "C" const char gp_web_page[];              // NOLINT(readability-identifier-naming)
extern "C" const unsigned long gp_web_page_size;  // NOLINT(readability-identifier-naming)

namespace gp::output {

namespace {

using profile::Profile;

// Flags of a function, as web/profile.js knows them.
constexpr uint32_t kFlagNamed = 1;
constexpr uint32_t kFlagInlined = 2;

class DataWriter {
 public:
  DataWriter(const Profile& profile, std::string& out) : profile_(profile), json_(out) {}

  void write() {
    json_.begin_object();
    json_.key("meta");
    meta();
    json_.key("quality");
    write_quality(profile_.quality, json_);
    json_.key("functions");
    functions();
    json_.key("nodes");
    nodes();
    json_.key("processes");
    processes();
    json_.key("threads");
    threads();
    json_.key("samples");
    samples();
    json_.key("strings").begin_array();
    for (const auto text : strings_) json_.value(text);
    json_.end_array().end_object();
  }

 private:
  size_t string(std::string_view foreign) {
    const auto [entry, added] = string_ids_.try_emplace(escape_bytes(foreign), strings_.size());
    if (added) strings_.push_back(entry->first);
    return entry->second;
  }

  // One column: value(element) of each element.
  template <class Elements, class Value>
  void column(std::string_view name, const Elements& elements, Value value) {
    json_.key(name).begin_array();
    for (const auto& element : elements) json_.value(value(element));
    json_.end_array();
  }

  void meta() {
    json_.begin_object();
    json_.member("host", escape_bytes(profile_.hostname)).member("agent", profile_.agent_version);
    json_.member("kernel", escape_bytes(profile_.kernel_release)).member("event", profile_.event);
    json_.member("frequency", profile_.frequency_hz).member("period_ns", profile_.period_ns);
    json_.member("start_ms", profile_.start_unix_ns / 1'000'000).member("end_ms", profile_.end_unix_ns / 1'000'000);
    std::string summary = profile_.quality.summary();
    for (const profile::ToolReport& tool : profile_.tools) summary += fmt::format(". {}", escape_bytes(tool.summary()));
    json_.member("quality_summary", summary);
    json_.end_object();
  }

  void functions() {
    using profile::Function;
    const auto& all = profile_.functions;
    json_.begin_object();
    column("name", all, [this](const Function& each) { return string(each.name); });
    column("file", all, [this](const Function& each) { return string(each.file); });
    column("module", all, [this](const Function& each) { return string(each.module); });
    column("line", all, [](const Function& each) { return each.line; });
    column("kind", all, [](const Function& each) { return static_cast<unsigned>(each.kind); });
    column("flags", all,
           [](const Function& each) { return (each.named ? kFlagNamed : 0) | (each.inlined ? kFlagInlined : 0); });
    json_.end_object();
  }

  // Parents as the distance back to them: small numbers pack well. The root's is 0.
  void nodes() {
    json_.begin_object();
    uint32_t index = 0;
    column("up", profile_.nodes, [&](const profile::StackNode& each) { return index++ - each.parent; });
    column("function", profile_.nodes, [](const profile::StackNode& each) { return each.function; });
    json_.end_object();
  }

  void processes() {
    using profile::Process;
    const auto& all = profile_.processes;
    json_.begin_object();
    column("pid", all, [](const Process& each) { return each.key.pid; });
    column("comm", all, [this](const Process& each) { return string(each.comm); });
    column("executable", all, [this](const Process& each) { return string(each.executable); });
    column("container", all, [this](const Process& each) { return string(each.container_id); });
    column("runtime", all, [this](const Process& each) { return string(each.runtime); });
    json_.end_object();
  }

  void threads() {
    using profile::Thread;
    json_.begin_object();
    column("process", profile_.threads, [](const Thread& each) { return each.process; });
    column("tid", profile_.threads, [](const Thread& each) { return each.tid; });
    column("name", profile_.threads, [this](const Thread& each) { return string(each.name); });
    json_.end_object();
  }

  void samples() {
    using profile::SampleGroup;
    json_.begin_object();
    column("thread", profile_.samples, [](const SampleGroup& each) { return each.thread; });
    column("stack", profile_.samples, [](const SampleGroup& each) { return each.stack; });
    column("count", profile_.samples, [](const SampleGroup& each) { return each.count; });
    json_.end_object();
  }

  const Profile& profile_;
  JsonWriter json_;
  std::unordered_map<std::string, size_t> string_ids_;
  std::vector<std::string_view> strings_;  // into the keys of string_ids_, which stay where they are
};

// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t left = std::min<size_t>(bytes.size() - at, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = (bits << 8U) | (i < left ? static_cast<uint8_t>(bytes[at + i]) : 0U);
    for (size_t i = 0; i < 4; ++i) out += i <= left ? kDigits[(bits >> (18 - 6 * i)) & 0x3fU] : '=';
  }
  return out;
}

}  // namespace

std::string html_data(const Profile& profile) {
  std::string json;
  DataWriter(profile, json).write();
  return json;
}

void write_html(const Profile& profile, Sink& sink) {
  std::string data;
  {
    const std::string json = html_data(profile);
    const Charge held(account(kBuffersAccount), json.capacity());
    data = base64(gzip(json));
  }
  const Charge held(account(kBuffersAccount), data.capacity());
  const auto hash = hash128({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
  const std::string nonce = fmt::format("{:016x}{:016x}", hash[0], hash[1]);
  std::string_view page(gp_web_page, gp_web_page_size);
  constexpr std::string_view kNonce = "{{NONCE}}", kData = "{{DATA}}";
  for (size_t mark = page.find("{{"); mark != std::string_view::npos; mark = page.find("{{", mark)) {
    const bool is_nonce = page.substr(mark).starts_with(kNonce);
    if (!is_nonce && !page.substr(mark).starts_with(kData)) {
      ++mark;
      continue;
    }
    sink.append(page.substr(0, mark));
    sink.append(is_nonce ? nonce : data);
    page.remove_prefix(mark + (is_nonce ? kNonce : kData).size());
    mark = 0;
  }
  sink.append(page);
}

}  // namespace gp::output
