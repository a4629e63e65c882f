// The other end of the control socket. Owner thread: control of the calling program.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/options.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::app {

// A connection to the gprofiler in the background. Blocks.
class ControlClient {
 public:
  // kNotFound: none listens there.
  static Result<ControlClient> connect(const std::string& socket);

  // The reply of a request that was done; an error with the other side's words otherwise.
  Result<nlohmann::json> ask(const nlohmann::json& request);
  [[nodiscard]] int fd() const { return fd_.get(); }  // readable though nothing was asked: the connection has ended

 private:
  explicit ControlClient(os::UniqueFd fd) : fd_(std::move(fd)) {}
  Result<std::string> read_line();

  os::UniqueFd fd_;
  std::string input_;
};

// `gprofiler status` and the like: asks and prints. The value is the exit code.
Result<int> run_control(const ControlOptions& options);

// A reply for people.
std::string reply_text(const nlohmann::json& reply);

}  // namespace gp::app
