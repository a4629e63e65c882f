#include "os/event_fd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace gp::os {
namespace {

using std::chrono::milliseconds;

constexpr std::array kUserSignal{SIGUSR1};

bool readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

TEST(EventFd, WakesOncePerDrain) {
  const auto fd = make_eventfd();
  ASSERT_TRUE(fd);
  EXPECT_FALSE(readable(fd->get(), 0));
  ASSERT_TRUE(signal_eventfd(fd->get()));
  EXPECT_TRUE(readable(fd->get(), 0));
}

TEST(TimerFd, ExpiresOnceOrOften) {
  const auto once = make_timerfd(milliseconds(1), milliseconds(0));
  ASSERT_TRUE(once);
  EXPECT_TRUE(readable(once->get(), 1000));
  EXPECT_EQ(take_expirations(once->get()), 1U);
  EXPECT_EQ(take_expirations(once->get()), 0U);
  const auto often = make_timerfd(milliseconds(0), milliseconds(1));
  ASSERT_TRUE(often);
  ::usleep(5000);
  EXPECT_GE(take_expirations(often->get()), 3U);
}

TEST(SignalFd, ReadsSignalsAndRestoresTheMask) {
  {
    auto signals = SignalFd::make(kUserSignal);
    ASSERT_TRUE(signals);
    EXPECT_FALSE(signals->next());
    ::raise(SIGUSR1);
    EXPECT_EQ(signals->next(), SIGUSR1);
    const SignalFd moved = std::move(*signals);
  }
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  EXPECT_EQ(::sigismember(&now, SIGUSR1), 0);
}

TEST(SignalFd, ReadsIgnoredSignals) {
  ::signal(SIGUSR1, SIG_IGN);
  EXPECT_TRUE(signal_ignored(SIGUSR1));
  {
    auto signals = SignalFd::make(kUserSignal);
    ASSERT_TRUE(signals);
    ::raise(SIGUSR1);
    EXPECT_EQ(signals->next(), SIGUSR1);
  }
  ::signal(SIGUSR1, SIG_DFL);
  EXPECT_FALSE(signal_ignored(SIGUSR1));
}

TEST(PidFd, IsReadableWhenTheProcessEnds) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const auto fd = open_pidfd(child);
  ASSERT_TRUE(fd);
  EXPECT_TRUE(readable(fd->get(), 1000));
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(open_pidfd(child).error().code(), ErrorCode::kNotFound);
}

TEST(MemFd, HoldsBytes) {
  const auto fd = make_memfd("test");
  ASSERT_TRUE(fd);
  ASSERT_TRUE(write_all(fd->get(), "abc", "memfd"));
  ASSERT_EQ(::lseek(fd->get(), 0, SEEK_SET), 0);
  EXPECT_EQ(*read_all(fd->get(), 3, "memfd"), "abc");
}

}  // namespace
}  // namespace gp::os
