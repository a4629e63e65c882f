#include "base/account.h"

#include <algorithm>
#include <array>
#include <mutex>

namespace gp {
namespace {

struct Named {
  std::string_view name;
  Counted counted = Counted::kInside;
  Account account;
};

struct Registry {
  std::mutex mutex;
  std::array<Named, kMaxAccounts> names;
  size_t count = 0;
};

// Never destroyed: accounts are used by destructors of other statics.
Registry& registry() {
  static auto* const kRegistry = new Registry();
  return *kRegistry;
}

}  // namespace

Account& account(std::string_view name, Counted counted) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto end = all.names.begin() + static_cast<std::ptrdiff_t>(all.count);
  const auto known = std::find_if(all.names.begin(), end, [&](const Named& named) { return named.name == name; });
  if (known != end) return known->account;
  if (all.count == kMaxAccounts) return all.names.back().account;
  Named& added = all.names[all.count++];
  added.name = all.count == kMaxAccounts ? "other" : name;
  added.counted = counted;
  return added.account;
}

std::vector<AccountBalance> account_balances() {
  Registry& all = registry();
  std::vector<AccountBalance> balances;
  {
    const std::lock_guard lock(all.mutex);
    for (size_t i = 0; i < all.count; ++i) {
      const Named& named = all.names[i];
      balances.push_back({.name = named.name, .counted = named.counted, .bytes = named.account.bytes()});
    }
  }
  std::ranges::sort(balances, {}, &AccountBalance::name);
  return balances;
}

}  // namespace gp
