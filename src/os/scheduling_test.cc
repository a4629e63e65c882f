#include "os/scheduling.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

namespace gp::os {
namespace {

TEST(Scheduling, GivesTheThreadItsNiceValueAndNoOther) {
  const auto nice_of = [](pid_t tid) { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(tid)); };
  const int before = nice_of(::gettid());
  int after = 0;
  std::thread([&] {
    run_soon(19, 100'000);
    after = nice_of(::gettid());
  }).join();
  EXPECT_EQ(after, 19);
  EXPECT_EQ(nice_of(::gettid()), before);
}

TEST(Scheduling, HasteEndsWithItsScope) {
  std::thread([] {
    const auto nice = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
    run_soon(5, 0);
    {
      const Haste haste(10);
      EXPECT_EQ(nice(), 10);
    }
    EXPECT_EQ(nice(), ::geteuid() == 0 ? 5 : 10);
  }).join();
}

}  // namespace
}  // namespace gp::os
