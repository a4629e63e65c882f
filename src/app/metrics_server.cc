#include "app/metrics_server.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <pthread.h>

#include "os/proc_text.h"

namespace gp::app {
namespace {

constexpr time_t kPatienceSeconds = 1;

// Requests are served where they are accepted: no pool of threads for a scrape a minute.
class ServeInPlace final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override { task(); }
  void shutdown() override {}
};

bool is_loopback(const std::string& host) {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24U == IN_LOOPBACKNET;
  return host == "localhost" || host == "::1";
}

// Without SO_REUSEPORT, which the library sets: two of us would share a port unnoticed.
void set_socket_options(int fd) {
  const int yes = 1;
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address;
  const size_t colon = text.rfind(':');
  std::string_view port = text;
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    address.host = host;
  }
  const auto number = os::parse_decimal(port);
  if (!number || *number > UINT16_MAX) {
    return fail(ErrorCode::kUsage, fmt::format("'{}': give a port, or 127.0.0.1:PORT", text));
  }
  if (!is_loopback(address.host)) {
    return fail(
        ErrorCode::kUsage,
        fmt::format("'{}': metrics are served on loopback only; give 127.0.0.1:PORT and a proxy of yours", text));
  }
  address.port = static_cast<uint16_t>(*number);
  return address;
}

MetricsServer::MetricsServer() : server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [] { return new ServeInPlace(); };
  server_->set_socket_options(set_socket_options);
  server_->set_keep_alive_max_count(1);
  server_->set_keep_alive_timeout(kPatienceSeconds);  // for a first request, too
  server_->set_read_timeout(kPatienceSeconds);
  server_->set_write_timeout(kPatienceSeconds);
  server_->set_payload_max_length(4096);
  server_->Get("/metrics", [this](const httplib::Request& /*request*/, httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    response.set_content(text_, "text/plain; version=0.0.4; charset=utf-8");
  });
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const ListenAddress& address) {
  std::unique_ptr<MetricsServer> server(new MetricsServer());
  const int port = address.port == 0 ? server->server_->bind_to_any_port(address.host)
                   : server->server_->bind_to_port(address.host, address.port) ? address.port
                                                                               : -1;
  if (port < 0) {
    return fail_errno(
        fmt::format("cannot serve metrics on {}:{}; choose another --metrics-listen", address.host, address.port));
  }
  server->port_ = static_cast<uint16_t>(port);
  server->thread_ = std::jthread([raw = server.get()] {
    ::pthread_setname_np(::pthread_self(), "gp-metrics");
    raw->server_->listen_after_bind();
  });
  return server;
}

MetricsServer::~MetricsServer() {
  if (!thread_.joinable()) return;
  // A thread that has not come to listen yet would not hear of the stop.
  while (!server_->is_running()) std::this_thread::yield();
  server_->stop();
}

void MetricsServer::publish(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

}  // namespace gp::app
