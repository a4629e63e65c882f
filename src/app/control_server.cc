#include "app/control_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "os/unix_socket.h"

namespace gp::app {

std::string error_reply(std::string_view message) {
  // What is no UTF-8 in a foreign text is replaced.
  return nlohmann::json({{"ok", false}, {"error", message}})
      .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path, Handlers handlers) {
  std::unique_ptr<ControlServer> server(new ControlServer(path, std::move(handlers)));
  GP_ASSIGN(server->listener_, os::listen_on(path));
  return server;
}

ControlServer::~ControlServer() {
  if (listener_) ::unlink(path_.c_str());
}

void ControlServer::add_to(std::vector<pollfd>& waiting) const {
  waiting.push_back({.fd = no_room_ ? -1 : listener_.get(), .events = POLLIN, .revents = 0});
  for (const Client& client : clients_) {
    short events = 0;
    if (!client.waiting && !client.ended && !client.closing) events |= POLLIN;
    if (!client.output.empty()) events |= POLLOUT;
    waiting.push_back({.fd = client.fd.get(), .events = events, .revents = 0});
  }
}

void ControlServer::serve(uint64_t now_ns) {
  accept(now_ns);
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (serve(*client, now_ns)) {
      ++client;
      continue;
    }
    const ClientId id = client->id;
    client = clients_.erase(client);
    handlers_.gone(id);
  }
}

void ControlServer::accept(uint64_t now_ns) {
  for (;;) {
    auto fd = os::accept_connection(listener_.get());
    // Whoever waits then would wake us at once again: we look for them once a second instead.
    no_room_ = !fd && (fd.error().system_errno() == EMFILE || fd.error().system_errno() == ENFILE);
    if (!fd) return;
    Client client;
    client.id = ++last_id_;
    client.fd = std::move(*fd);
    client.progress_ns = now_ns;
    const auto user = os::peer_user(client.fd.get());
    if (!user || (*user != 0 && *user != ::geteuid())) {
      refuse(client, "only root and the user gprofiler runs as may control it");
    } else if (clients_.size() >= kMaxClients) {
      refuse(client, "too many clients; try again");
    } else {
      clients_.push_back(std::move(client));
      continue;
    }
    write(client, now_ns);  // as far as the socket takes it; nobody waits for such a client
  }
}

bool ControlServer::serve(Client& client, uint64_t now_ns) {
  pollfd state{.fd = client.fd.get(), .events = 0, .revents = 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0) return false;
  if (!client.waiting && !client.closing && !read(client, now_ns)) return false;
  if (!write(client, now_ns)) return false;
  if (client.closing || (client.ended && !client.waiting && !client.kept)) {
    if (client.output.empty()) return false;
  }
  const bool may_idle = client.output.empty() && (client.waiting || client.kept);
  return may_idle || now_ns - client.progress_ns < kIdleNs;
}

// Requests are answered one after the other: what comes before the reply stays in the socket.
bool ControlServer::read(Client& client, uint64_t now_ns) {
  std::array<char, 4096> chunk;
  take_line(client);
  while (!client.waiting && !client.closing && !client.ended) {
    const ssize_t got = ::recv(client.fd.get(), chunk.data(), chunk.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) {
      client.ended = true;
      return true;
    }
    client.progress_ns = now_ns;
    client.input.append(chunk.data(), static_cast<size_t>(got));
    take_line(client);
    if (client.input.size() > kMaxLineBytes) refuse(client, "a request is a line of up to 64 KiB");
  }
  return true;
}

void ControlServer::take_line(Client& client) {
  const size_t end = client.input.find('\n');
  if (client.waiting || client.closing || end == std::string::npos || end > kMaxLineBytes) return;
  const std::string line = client.input.substr(0, end);
  client.input.erase(0, end + 1);
  client.waiting = true;
  handlers_.request(client.id, line);
}

bool ControlServer::write(Client& client, uint64_t now_ns) {
  while (!client.output.empty()) {
    const ssize_t put = ::send(client.fd.get(), client.output.data(), client.output.size(), MSG_NOSIGNAL);
    if (put < 0) return errno == EAGAIN || errno == EINTR;
    client.output.erase(0, static_cast<size_t>(put));
    client.progress_ns = now_ns;
  }
  return true;
}

void ControlServer::refuse(Client& client, std::string_view why) {
  client.input.clear();
  client.output += error_reply(why) + '\n';
  client.closing = true;
}

void ControlServer::reply(ClientId id, std::string line) {
  const auto client = std::ranges::find(clients_, id, &Client::id);
  if (client == clients_.end()) return;
  client->waiting = false;
  if (client->output.size() + line.size() > kMaxUnreadBytes) {
    client->output.clear();  // it does not read: nobody to tell
    client->closing = true;
    return;
  }
  client->output += std::move(line) + '\n';
}

void ControlServer::keep(ClientId id, bool kept) {
  const auto client = std::ranges::find(clients_, id, &Client::id);
  if (client != clients_.end()) client->kept = kept;
}

}  // namespace gp::app
