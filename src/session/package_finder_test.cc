#include "session/package_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/account.h"
#include "base/clock.h"
#include "os/procfs.h"

namespace gp::session {
namespace {

constexpr uint64_t kWaitNs = 10'000'000'000;

class Installed final : public targets::InstalledPackages {
 public:
  explicit Installed(size_t bytes) : bytes_(bytes) {}
  [[nodiscard]] std::string_view package_of(std::string_view file, int64_t /*started_ns*/) const override {
    return file == "x.py" ? "x==1" : "";
  }
  [[nodiscard]] size_t memory_bytes() const override { return bytes_; }

 private:
  size_t bytes_;
};

// Directories called "packages" are of packages; those that have "hang" in their path hang whoever reads them.
class Language final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PYTHON; }
  [[nodiscard]] std::string_view name() const override { return "python"; }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& /*image*/,
                                                           std::string_view /*path*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& /*file*/,
                                                const targets::MemoryReader& /*memory*/,
                                                uint64_t /*bias*/) const override {
    return gp_runtime_entry{};
  }
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> /*record*/,
                                                          const targets::MemoryReader* /*memory*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& /*symbol*/, uint32_t /*instruction*/) const override {
    return 0;
  }
  [[nodiscard]] std::string library_of(std::string_view file, std::string_view version) const override {
    return file.starts_with("/lib/") ? "library==" + std::string(version) : std::string();
  }
  [[nodiscard]] std::string_view package_directory(std::string_view file) const override {
    const size_t at = file.find("/packages/");
    return at == std::string_view::npos ? std::string_view() : file.substr(0, at + 10);
  }
  [[nodiscard]] std::shared_ptr<const targets::InstalledPackages> read_packages(
      const std::string& /*root*/, const std::string& directory,
      const targets::InstalledPackages* /*before*/) const override {
    ++reads;
    if (directory.contains("hang")) released.wait(false);
    return std::make_shared<Installed>(bytes);
  }

  mutable std::atomic<int> reads{0};
  mutable std::atomic<bool> released{false};
  std::atomic<size_t> bytes{1000};
};

class PackageFinderTest : public testing::Test {
 protected:
  void SetUp() override {
    program_.key = *os::process_key(::getpid());
    program_.runtimes.push_back({.kind = GP_RUNTIME_PYTHON, .text = "python 3", .version = "3.1.2", .supported = true});
  }
  void TearDown() override {
    language_->released = true;
    language_->released.notify_all();
    std::filesystem::remove_all(path_);
  }
  std::string directory(const std::string& name) const {
    std::filesystem::create_directories(path_ + name + "/packages");
    return path_ + name + "/packages/";
  }
  auto names_of(const std::string& file) { return finder_.names_of(program_, *language_, file); }
  bool wait_for(const std::function<bool()>& condition) const {
    const uint64_t end = monotonic_ns() + kWaitNs;
    while (!condition() && monotonic_ns() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  }
  bool wait_idle() {
    return wait_for([this] { return finder_.idle(); });
  }

  std::string path_ = testing::TempDir() + "/finder_" + std::to_string(::getpid()) + "/";
  std::shared_ptr<Language> language_ = std::make_shared<Language>();  // before the finder, whose thread uses it
  targets::Program program_;
  PackageFinder finder_;
};

TEST_F(PackageFinderTest, CodeOfTheLibraryHasItsVersion) {
  const auto names = names_of("/lib/x.py");
  ASSERT_TRUE(names);
  EXPECT_EQ(names->package_of("/lib/x.py"), "library==3.1.2");
  EXPECT_EQ(names_of("/lib/y.py"), names);
  EXPECT_EQ(names_of("/srv/x.py"), nullptr);
  program_.runtimes.clear();
  EXPECT_EQ(names_of("/lib/x.py"), nullptr);
}

TEST_F(PackageFinderTest, ADirectoryIsReadOnceForAllItsCodeAndProcesses) {
  const std::string at = directory("a");
  const auto names = names_of(at + "x.py");
  const auto others = names_of(at + "y.py");
  EXPECT_EQ(names, others);
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(names->package_of(at + "x.py"), "x==1");
  EXPECT_EQ(names->package_of(at + "y.py"), "");
  EXPECT_EQ(names->package_of("/x.py"), "");
  program_.exec_ns = monotonic_ns();  // another program
  const auto again = names_of(at + "x.py");
  EXPECT_NE(again, names);
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(again->package_of(at + "x.py"), "x==1");
  EXPECT_EQ(language_->reads, 1);
  EXPECT_EQ(account("package versions").bytes(), 1000U);
}

TEST_F(PackageFinderTest, AChangedDirectoryIsReadAgain) {
  const std::string at = directory("a");
  auto names = names_of(at + "x.py");
  ASSERT_TRUE(wait_idle());
  names.reset();
  std::filesystem::create_directories(at + "new");
  std::filesystem::last_write_time(at, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(2));
  finder_.forget_unused();
  names = names_of(at + "x.py");
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(language_->reads, 2);
}

TEST_F(PackageFinderTest, OfAProcessThatHasGoneNothingIsRead) {
  program_.key.start_ticks += 1000;
  const auto names = names_of(directory("a") + "x.py");
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(names->package_of(directory("a") + "x.py"), "");
  EXPECT_EQ(language_->reads, 0);
}

TEST_F(PackageFinderTest, AFilesystemThatHangsCostsOnlyWhatIsThere) {
  const std::string hung = directory("hang");
  const std::string fine = directory("b");
  const auto lost = names_of(hung + "x.py");
  const auto known = names_of(fine + "x.py");
  ASSERT_TRUE(wait_for([this] { return language_->reads == 1; }));
  finder_.check_stuck(monotonic_ns());
  EXPECT_EQ(finder_.hung(), 0U);
  finder_.check_stuck(monotonic_ns() + PackageFinder::kStuckNs + 1);
  EXPECT_EQ(finder_.hung(), 1U);
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(lost->package_of(hung + "x.py"), "");
  EXPECT_EQ(known->package_of(fine + "x.py"), "x==1");
  // Another process that uses it does not make another thread hang.
  program_.exec_ns = monotonic_ns();
  const auto other = names_of(hung + "x.py");
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(language_->reads, 2);
  // And when it answers at last, that is taken.
  language_->released = true;
  language_->released.notify_all();
  ASSERT_TRUE(wait_for([this] { return finder_.hung() == 0; }));
  EXPECT_EQ(lost->package_of(hung + "x.py"), "x==1");
}

TEST_F(PackageFinderTest, WithManyHangingNothingMoreIsRead) {
  for (uint32_t i = 0; i <= PackageFinder::kMaxHung; ++i) names_of(directory("hang" + std::to_string(i)) + "x.py");
  for (uint32_t i = 1; i <= PackageFinder::kMaxHung; ++i) {
    ASSERT_TRUE(wait_for([&] { return language_->reads == static_cast<int>(i); }));
    finder_.check_stuck(monotonic_ns() + PackageFinder::kStuckNs + 1);
    EXPECT_EQ(finder_.hung(), i);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(language_->reads, static_cast<int>(PackageFinder::kMaxHung));
  language_->released = true;
  language_->released.notify_all();
  ASSERT_TRUE(wait_for([this] { return finder_.hung() == 0; }));
  finder_.check_stuck(monotonic_ns());
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(language_->reads, static_cast<int>(PackageFinder::kMaxHung) + 1);
}

TEST_F(PackageFinderTest, WhatIsUsedNoMoreMakesRoom) {
  language_->bytes = PackageFinder::kMaxBytes * 2 / 3;
  auto first = names_of(directory("a") + "x.py");
  ASSERT_TRUE(wait_idle());
  const auto second = names_of(directory("b") + "x.py");
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(first->package_of(directory("a") + "x.py"), "x==1");
  EXPECT_EQ(second->package_of(directory("b") + "x.py"), "");  // there is no room
  first.reset();
  const auto third = names_of(directory("c") + "x.py");
  ASSERT_TRUE(wait_idle());
  EXPECT_EQ(third->package_of(directory("c") + "x.py"), "x==1");
  EXPECT_LE(account("package versions").bytes(), PackageFinder::kMaxBytes);
}

}  // namespace
}  // namespace gp::session
