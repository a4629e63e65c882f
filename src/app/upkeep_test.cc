#include "app/upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace gp::app {
namespace {

using testing::HasSubstr;

class NoRelief final : public session::Relief {
 public:
  void trim() override {}
  void refuse_growth(bool /*refuse*/) override {}
  void drop_detail(bool /*drop*/) override {}
  void halve_logs() override {}
  void restore_logs() override {}
  void cancel_collectors(bool /*cancel*/) override {}
  [[nodiscard]] uint32_t asked_rate_hz() const override { return 11; }
  void limit_rate(uint32_t /*hz*/) override {}
  void close_early() override {}
};

// Turns as a control loop does, for so many seconds.
void run(Upkeep& upkeep, int seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    auto fds = upkeep.fds();
    ::poll(fds.data(), fds.size(), 100);
    upkeep.turn(fds);
  }
}

TEST(Upkeep, RefusesLevelsThatMakeNoSense) {
  NoRelief relief;
  const auto upkeep = Upkeep::start(
      {.memory = {.limit_bytes = 1, .threshold_mb = {}}, .state_directory = "", .metrics = {}}, {}, &relief);
  ASSERT_FALSE(upkeep);
  EXPECT_EQ(upkeep.error().code(), ErrorCode::kUsage);
}

TEST(Upkeep, ServesItsOwnFigures) {
  NoRelief relief;
  const auto upkeep = Upkeep::start({.memory = {}, .state_directory = "", .metrics = ListenAddress{}}, {}, &relief);
  ASSERT_TRUE(upkeep) << upkeep.error().message();
  httplib::Client client("127.0.0.1", (*upkeep)->metrics_port());
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->body, HasSubstr("gprofiler_memory_bytes{part=\"anonymous\"} "));
  EXPECT_THAT(answer->body, HasSubstr("gprofiler_threads "));
}

TEST(Upkeep, FeedsTheWatchdogOnceItIsReady) {
  const std::string name = "gp_upkeep_" + std::to_string(::getpid());
  const os::UniqueFd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  ::setenv("WATCHDOG_USEC", "1000000", 1);
  ::unsetenv("WATCHDOG_PID");

  NoRelief relief;
  const auto upkeep = Upkeep::start({.memory = {}, .state_directory = "", .metrics = {}},
                                    os::ServiceNotify::from_environment(), &relief);
  ASSERT_TRUE(upkeep);
  const auto told = [&manager] {
    std::string all;
    std::array<char, 256> text{};
    for (ssize_t got = 0; (got = ::recv(manager.get(), text.data(), text.size(), 0)) > 0;) {
      all += std::string(text.data(), static_cast<size_t>(got)) + ";";
    }
    return all;
  };
  run(**upkeep, 2);
  EXPECT_EQ(told(), "") << "a watchdog that is fed before the service is ready hides a start that hangs";
  (*upkeep)->ready();
  run(**upkeep, 3);
  const std::string alive = told();
  EXPECT_TRUE(alive.starts_with("READY=1;WATCHDOG=1;")) << alive;
  (*upkeep)->stopping();
  EXPECT_EQ(told(), "STOPPING=1;");
}

TEST(Upkeep, ReportsThisProcess) {
  NoRelief relief;
  const auto upkeep = Upkeep::start({.memory = {}, .state_directory = "", .metrics = {}}, {}, &relief);
  ASSERT_TRUE(upkeep);
  const auto report = (*upkeep)->report();
  EXPECT_GT(report.memory_bytes(), 0U);
  EXPECT_GT(report.levels.hard, report.levels.soft);
}

}  // namespace
}  // namespace gp::app
