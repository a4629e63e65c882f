#include "os/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace gp::os {
namespace {

// What a service manager does: a datagram socket that the service is told of.
class ServiceManager {
 public:
  explicit ServiceManager(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0) << std::strerror(errno);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string next() {
    std::array<char, 512> text{};
    const ssize_t size = ::recv(fd_.get(), text.data(), text.size(), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(text.data(), static_cast<size_t>(size));
  }

 private:
  UniqueFd fd_;
};

TEST(ServiceNotify, TellsTheManager) {
  const std::string path = testing::TempDir() + "gp_notify.sock";
  ::unlink(path.c_str());
  ServiceManager manager(path);
  ServiceNotify notify = ServiceNotify::from_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  ASSERT_TRUE(notify.ready());
  EXPECT_EQ(manager.next(), "READY=1");
  ASSERT_TRUE(notify.alive());
  EXPECT_EQ(manager.next(), "WATCHDOG=1");
  ASSERT_TRUE(notify.status("one\ntwo"));
  EXPECT_EQ(manager.next(), "STATUS=one two");
  ASSERT_TRUE(notify.reloading());
  EXPECT_TRUE(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  ASSERT_TRUE(notify.stopping());
  EXPECT_EQ(manager.next(), "STOPPING=1");
  ::unlink(path.c_str());
  EXPECT_FALSE(notify.alive());
}

TEST(ServiceNotify, KnowsAbstractNames) {
  ServiceManager manager("@gp_notify_test_" + std::to_string(::getpid()));
  ServiceNotify notify = ServiceNotify::from_environment();
  ASSERT_TRUE(notify.ready());
  EXPECT_EQ(manager.next(), "READY=1");
}

TEST(ServiceNotify, IsSilentWhereNobodyListens) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(ServiceNotify::from_environment().ready());
}

TEST(ServiceNotify, RefusesAnAddressThatIsNone) {
  ::setenv("NOTIFY_SOCKET", "relative/path", 1);
  EXPECT_FALSE(ServiceNotify::from_environment().ready());
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_FALSE(ServiceNotify::from_environment().ready());
}

TEST(ServiceNotify, FeedsTheWatchdogTwiceInItsTimeIfItIsOurs) {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(ServiceNotify::from_environment().watchdog_interval(), std::chrono::seconds(15));
  EXPECT_FALSE(ServiceNotify::from_environment().watchdog_interval());  // taken
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(ServiceNotify::from_environment().watchdog_interval());
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_FALSE(ServiceNotify::from_environment().watchdog_interval());
}

}  // namespace
}  // namespace gp::os
