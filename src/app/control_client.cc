#include "app/control_client.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "app/control_server.h"
#include "os/unix_socket.h"
#include "output/terminal.h"

namespace gp::app {
namespace {

using nlohmann::json;

std::string clock_text(int64_t unix_s) {
  if (unix_s == 0) return "-";
  return fmt::format("{:%H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(unix_s)));
}

std::string pids_text(const json& session) {
  const auto pids = session.value("pids", std::vector<int32_t>());
  if (pids.empty()) return "all";
  std::string text = fmt::format("{}{}", pids.front(), session.value("children", false) ? "+" : "");
  if (pids.size() > 1) text += fmt::format(" and {} more", pids.size() - 1);
  return text;
}

std::string sessions_text(const json& sessions) {
  constexpr std::string_view kRow = "  {:>4}  {:<16}  {:>6}  {:>8}  {:<16}  {:>10}  {:>7}  {:>6}  {}\n";
  if (sessions.empty()) return "  no session\n";
  std::string text = fmt::format(fmt::runtime(kRow), "id", "name", "Hz", "window", "processes", "samples", "written",
                                 "failed", "ends");
  for (const json& session : sessions) {
    const auto window = session.value("window_seconds", 0.0);
    text += fmt::format(fmt::runtime(kRow), session.value("id", 0), output::fit(session.value("name", ""), 16),
                        session.value("frequency", 0), window == 0 ? "open" : fmt::format("{:g} s", window),
                        pids_text(session), session.value("samples", 0), session.value("windows", 0),
                        session.value("failed", 0), clock_text(session.value("window_end", int64_t{0})));
    const auto error = session.value("last_error", "");
    if (!error.empty()) text += fmt::format("        last error: {}\n", output::fit(error, 200));
  }
  return text;
}

std::string status_text(const json& reply) {
  std::string text =
      fmt::format("gprofiler {}, pid {}, up {} s, {} ticks per second and CPU\n", reply.value("version", "?"),
                  reply.value("pid", 0), reply.value("uptime_seconds", 0), reply.value("sampling_hz", 0));
  text += sessions_text(reply["sessions"]);
  const json held = reply.value("held", json::object());
  if (held.value("profiles", 0) + held.value("dropped", 0) > 0) {
    text += fmt::format("{} profiles wait to be written ({} KiB), {} were lost\n", held.value("profiles", 0),
                        held.value("bytes", 0) / 1024, held.value("dropped", 0));
  }
  return text + reply.value("self_text", "");
}

}  // namespace

std::string reply_text(const json& reply) {
  if (reply.contains("pid")) return status_text(reply);
  if (reply.contains("sessions")) return sessions_text(reply["sessions"]);
  std::string text;
  if (const auto summary = reply.value("summary", ""); !summary.empty()) text += summary + "\n";
  for (const auto& file : reply.value("files", std::vector<std::string>())) text += fmt::format("wrote {}\n", file);
  for (const auto& warning : reply.value("warnings", std::vector<std::string>())) {
    text += fmt::format("warning: {}\n", warning);
  }
  if (!reply.contains("files") && reply.contains("id")) text += fmt::format("session {}\n", reply.value("id", 0));
  return text;
}

Result<ControlClient> ControlClient::connect(const std::string& socket) {
  GP_ASSIGN(os::UniqueFd fd, os::connect_to(socket));
  return ControlClient(std::move(fd));
}

Result<std::string> ControlClient::read_line() {
  std::array<char, 65536> chunk;
  for (;;) {
    if (const size_t end = input_.find('\n'); end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    const ssize_t got = ::read(fd_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read the reply of the gprofiler in the background");
    if (got == 0) return fail(ErrorCode::kSystem, "the gprofiler in the background ended before it replied");
    input_.append(chunk.data(), static_cast<size_t>(got));
    if (input_.size() > 2 * ControlServer::kMaxUnreadBytes) return fail(ErrorCode::kMalformed, "a reply without end");
  }
}

Result<json> ControlClient::ask(const json& request) {
  const std::string line = request.dump(-1, ' ', true, json::error_handler_t::replace) + '\n';
  // Its refusal may already be there, and tells more than a broken pipe.
  const auto sent = os::write_all(fd_.get(), line, "the control socket");
  auto answer = read_line();
  if (!answer) return std::unexpected(sent ? std::move(answer).error() : sent.error());
  json reply = json::parse(*answer, nullptr, false);
  if (!reply.is_object()) return fail(ErrorCode::kMalformed, "the reply is no JSON object");
  if (!reply.value("ok", false)) return fail(ErrorCode::kSystem, reply.value("error", "refused without a reason"));
  return reply;
}

Result<int> run_control(const ControlOptions& options) {
  auto client = ControlClient::connect(options.control_socket);
  if (!client && client.error().code() == ErrorCode::kNotFound) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("no gprofiler runs in the background: {}; start one with gprofiler -c", client.error().message()));
  }
  if (!client) return std::unexpected(std::move(client).error());
  GP_ASSIGN(const json reply, client->ask(json::parse(options.request)));
  const std::string text =
      options.json ? reply.dump(-1, ' ', true, json::error_handler_t::replace) + "\n" : reply_text(reply);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace gp::app
