// The control socket: clients of our own user or root, each sending requests and getting replies, one JSON object a
// line. What clients can cost is bounded: their number, the length of a line, what waits to be read by a slow one, the
// time one may sit idle. Nothing here blocks. Owner thread: control.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::app {

using ClientId = uint64_t;

class ControlServer {
 public:
  static constexpr size_t kMaxClients = 32;
  static constexpr size_t kMaxLineBytes = 64U << 10U;
  static constexpr size_t kMaxUnreadBytes = 1U << 20U;
  static constexpr uint64_t kIdleNs = 30'000'000'000;  // without a request, or without reading a reply

  struct Handlers {
    std::function<void(ClientId, std::string_view line)> request;  // reply() is to be called for each, now or later
    std::function<void(ClientId)> gone;                            // no reply can reach it any more
  };

  // Makes the socket (mode 0600). kLimit: another program listens there.
  static Result<std::unique_ptr<ControlServer>> listen(const std::string& path, Handlers handlers);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Appends what to poll for.
  void add_to(std::vector<pollfd>& waiting) const;
  // Accepts, reads and writes what is possible.
  void serve(uint64_t now_ns);
  void reply(ClientId id, std::string line);
  // While it is kept, a client may sit idle.
  void keep(ClientId id, bool kept);
  [[nodiscard]] size_t clients() const { return clients_.size(); }

 private:
  struct Client {
    ClientId id = 0;
    os::UniqueFd fd;
    std::string input;
    std::string output;
    uint64_t progress_ns = 0;
    bool waiting = false;  // for the reply to its last request; no further one is read meanwhile
    bool kept = false;
    bool closing = false;  // once the output is written
    bool ended = false;    // sends no more
  };

  explicit ControlServer(std::string path, Handlers handlers)
      : path_(std::move(path)), handlers_(std::move(handlers)) {}
  void accept(uint64_t now_ns);
  bool serve(Client& client, uint64_t now_ns);  // false: it is gone
  bool read(Client& client, uint64_t now_ns);
  void take_line(Client& client);
  static bool write(Client& client, uint64_t now_ns);
  static void refuse(Client& client, std::string_view why);

  std::string path_;
  Handlers handlers_;
  os::UniqueFd listener_;
  std::list<Client> clients_;
  ClientId last_id_ = 0;
  bool no_room_ = false;  // this process has no descriptor left for a client
};

// {"ok": false, "error": …}
std::string error_reply(std::string_view message);

}  // namespace gp::app
