// Who holds how many bytes: every cache, pool, ring and map charges its bytes to a named account, so that what the
// program holds can be told by name at any moment. Gauges are lock-free; names are made once and stay.
//
// Owner thread: any. Units: bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace gp {

// Whether the bytes are part of the memory that the budget is about.
enum class Counted : uint8_t {
  kInside,  // heap, or a BPF map
  kApart,   // kernel memory that no process counter shows, such as perf rings
};

// A gauge. Made by account() only; lives as long as the program.
class Account {
 public:
  Account() = default;
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  Account(Account&&) = delete;
  Account& operator=(Account&&) = delete;
  ~Account() = default;

  void add(uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void subtract(uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> bytes_{0};
};

// So many names there can be; what comes later is charged to the account "other".
inline constexpr size_t kMaxAccounts = 48;

// The account of that name, made when first asked for. `name` must live as long as the program (a literal). Takes a
// lock: to be called once by an owner, not at each charge.
Account& account(std::string_view name, Counted counted = Counted::kInside);

struct AccountBalance {
  std::string_view name;
  Counted counted = Counted::kInside;
  uint64_t bytes = 0;
};
// All accounts, by name.
std::vector<AccountBalance> account_balances();

// What one owner has charged; given back when it goes. One thread at a time.
class Charge {
 public:
  Charge() = default;
  explicit Charge(Account& account, uint64_t bytes = 0) : account_(&account) { set(bytes); }
  Charge(Charge&& other) noexcept
      : account_(std::exchange(other.account_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    if (this != &other) {
      set(0);
      account_ = std::exchange(other.account_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { set(0); }

  // From now on the owner holds `bytes`.
  void set(uint64_t bytes) {
    if (account_ == nullptr || bytes == bytes_) return;
    account_->add(bytes - bytes_);  // modulo 2^64, so less works as well
    bytes_ = bytes;
  }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  Account* account_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace gp
