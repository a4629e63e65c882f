#include "os/command.h"

#include <unistd.h>

#include <string_view>

namespace gp::os {
namespace {

std::vector<std::string> environment_for(const std::optional<InvokingUser>& user) {
  std::vector<std::string> variables;
  const bool rename = user && !user->name.empty();
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view text = *at;
    const bool replaced = text.starts_with("HOME=") || text.starts_with("USER=") || text.starts_with("LOGNAME=");
    if (!rename || !replaced) variables.emplace_back(text);
  }
  if (rename) {
    variables.push_back("HOME=" + user->home);
    variables.push_back("USER=" + user->name);
    variables.push_back("LOGNAME=" + user->name);
  }
  return variables;
}

}  // namespace

Result<Command> Command::prepare(const std::vector<std::string>& arguments, const std::optional<InvokingUser>& user) {
  SpawnSpec spec;
  spec.arguments = arguments;
  spec.environment = environment_for(user);
  spec.user = user;
  GP_ASSIGN(GatedChild child, GatedChild::prepare(spec));
  return Command(std::move(child));
}

Result<void> Command::start() {
  auto started = child_.start();
  // Nothing is left for it to do but to exit.
  if (!started) (void)child_.wait();
  return started;
}

Result<CommandEnd> Command::wait() {
  GP_ASSIGN(const ChildEnd end, child_.wait());
  return CommandEnd{end.exit_code, end.signal};
}

int exec_failure_exit_code(const Error& error) { return error.system_errno() == ENOENT ? 127 : 126; }

}  // namespace gp::os
