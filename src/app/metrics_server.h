// The agent's own figures for Prometheus: GET /metrics on a loopback address, nothing else and nobody from outside.
// One thread, one request at a time, each within a second. Owner thread: control; its own thread serves.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"

namespace httplib {
class Server;
}

namespace gp::app {

struct ListenAddress {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: any that is free
  bool operator==(const ListenAddress&) const = default;
};
// "PORT", "HOST:PORT" or "[::1]:PORT". kUsage unless HOST is a loopback address: the figures name what runs here, and
// there is no authentication.
Result<ListenAddress> parse_listen_address(std::string_view text);

class MetricsServer {
 public:
  // Listens when it returns. kSystem with what to do when the port is taken.
  static Result<std::unique_ptr<MetricsServer>> start(const ListenAddress& address);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  // What is served from now on: text in the exposition format.
  void publish(std::string text);

 private:
  MetricsServer();

  std::unique_ptr<httplib::Server> server_;
  std::mutex mutex_;
  std::string text_;
  uint16_t port_ = 0;
  std::jthread thread_;
};

}  // namespace gp::app
