#include "base/account.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

namespace gp {
namespace {

uint64_t balance_of(std::string_view name) {
  const auto all = account_balances();
  const auto found = std::ranges::find(all, name, &AccountBalance::name);
  return found == all.end() ? UINT64_MAX : found->bytes;
}

TEST(Account, FollowsChargesUpAndDown) {
  Account& rows = account("test rows");
  {
    Charge first(rows, 100);
    Charge second(rows);
    second.set(50);
    EXPECT_EQ(balance_of("test rows"), 150U);
    first.set(10);
    EXPECT_EQ(balance_of("test rows"), 60U);
  }
  EXPECT_EQ(balance_of("test rows"), 0U);
}

TEST(Account, IsTheSameForTheSameName) {
  EXPECT_EQ(&account("test same"), &account("test same"));
  EXPECT_NE(&account("test same"), &account("test another"));
}

TEST(Charge, MovesWithItsOwner) {
  Account& moved = account("test moved");
  Charge from(moved, 70);
  Charge to(std::move(from));
  EXPECT_EQ(moved.bytes(), 70U);
  to = Charge(moved, 5);
  EXPECT_EQ(moved.bytes(), 5U);
  to = Charge();
  EXPECT_EQ(moved.bytes(), 0U);
}

TEST(Charge, OfNoAccountIsNothing) {
  Charge none;
  none.set(100);
  EXPECT_EQ(none.bytes(), 0U);
}

TEST(Account, BearsManyThreads) {
  Account& shared = account("test threads");
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&shared] {
      Charge charge(shared);
      for (uint64_t i = 0; i < 10'000; ++i) charge.set(i % 97);
    });
  }
  threads.clear();
  EXPECT_EQ(shared.bytes(), 0U);
}

// Last: it fills the registry of this process.
TEST(AccountsFull, ChargeWhatComesLaterToOther) {
  static std::vector<std::string> names;
  names.reserve(kMaxAccounts + 10);
  for (size_t i = 0; i < kMaxAccounts + 10; ++i) {
    names.push_back("test " + std::to_string(i));
    account(names.back()).add(1);
  }
  EXPECT_EQ(account_balances().size(), kMaxAccounts);
  EXPECT_GE(balance_of("other"), 10U);
}

}  // namespace
}  // namespace gp
