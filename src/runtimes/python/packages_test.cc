#include "runtimes/python/packages.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <fstream>

namespace gp::runtimes::python {
namespace {

constexpr int64_t kLater = INT64_MAX;  // than all files

class PackagesTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ + kSite); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void file(const std::string& path, const std::string& text) const {
    const std::string whole = root_ + kSite + path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << text;
  }
  [[nodiscard]] std::string package(const std::string& path, int64_t started_ns = kLater) const {
    const auto site = read_packages(root_, kSite, nullptr);
    return site ? std::string(site->package_of(path, started_ns)) : "unreadable";
  }

  static inline const std::string kSite = "/usr/lib/python3/dist-packages/";
  std::string root_ = testing::TempDir() + "/packages_" + std::to_string(::getpid());
};

TEST_F(PackagesTest, GoesByWhatAWheelRecorded) {
  file("PyYAML-6.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\n\nName: nonsense\n");
  file("PyYAML-6.0.dist-info/RECORD", "yaml/__init__.py,sha256=x,1\r\nyaml/loader.py,,\n../../bin/y,,\n\"a,b.py\",,\n");
  EXPECT_EQ(package("yaml/loader.py"), "PyYAML==6.0");
  EXPECT_EQ(package("yaml/__init__.py"), "PyYAML==6.0");
  EXPECT_EQ(package("a,b.py"), "PyYAML==6.0");
  EXPECT_EQ(package("yaml/other.py"), "");  // shares the directory, is not of it
}

TEST_F(PackagesTest, GoesByInstalledFilesOfAnEgg) {
  file("six.egg-info/PKG-INFO", "Name: six\nVersion: 1.16.0\n");
  file("six.egg-info/installed-files.txt", "../six.py\nPKG-INFO\n");
  EXPECT_EQ(package("six.py"), "six==1.16.0");
}

TEST_F(PackagesTest, GoesByTopLevelNamesWhereNothingElseIsThere) {
  file("apt-2.5.egg-info/PKG-INFO", "Name: python-apt\nVersion: 2.5\n");
  file("apt-2.5.egg-info/top_level.txt", "apt\n\naptsources\n");
  EXPECT_EQ(package("apt/cache.py"), "python-apt==2.5");
  EXPECT_EQ(package("aptsources/x/y.py"), "python-apt==2.5");
  EXPECT_EQ(package("aptitude.py"), "");
}

TEST_F(PackagesTest, APackageWithoutAnyListHasTheModuleOfItsName) {
  file("My_Tool-3.egg-info", "Name: My-Tool\nVersion: 3\n");
  EXPECT_EQ(package("my_tool/x.py"), "My-Tool==3");
  EXPECT_EQ(package("my_tool.py"), "My-Tool==3");
  EXPECT_EQ(package("other.py"), "");
}

TEST_F(PackagesTest, AnEggSaysItInItsName) {
  file("zope_x-1.2-py3.11.egg/zope/x.py", "");
  file("zipped-4.egg", "PK");
  EXPECT_EQ(package("zope_x-1.2-py3.11.egg/zope/x.py"), "zope_x==1.2");
  EXPECT_EQ(package("zipped-4.egg/zipped/__init__.py"), "zipped==4");
}

TEST_F(PackagesTest, WhatTwoPackagesClaimIsNeithers) {
  for (const std::string name : {"one", "two"}) {
    file(name + ".dist-info/METADATA", "Name: " + name + "\nVersion: 1\n");
    file(name + ".dist-info/RECORD", "space/both.py,,\nspace/" + name + ".py,,\n");
    file(name + ".egg-info/PKG-INFO", "Name: " + name + "\nVersion: 1\n");  // and once more
    file(name + ".egg-info/top_level.txt", "space\n");
  }
  EXPECT_EQ(package("space/both.py"), "");
  EXPECT_EQ(package("space/one.py"), "one==1");
  EXPECT_EQ(package("space/two.py"), "two==1");
  EXPECT_EQ(package("space/three.py"), "");
}

TEST_F(PackagesTest, SaysNothingOfWhatCameAfterTheProcess) {
  file("a.dist-info/METADATA", "Name: a\nVersion: 1\n");
  file("a.dist-info/RECORD", "a.py,,\n");
  EXPECT_EQ(package("a.py", 1), "");
}

TEST_F(PackagesTest, ReadsAgainOnlyWhatHasChanged) {
  file("a.dist-info/METADATA", "Name: a\nVersion: 1\n");
  file("a.dist-info/RECORD", "a.py,,\na/b.py,,\n");
  file("m.egg-info/PKG-INFO", "Name: m\nVersion: 1\n");
  const auto before = read_packages(root_, kSite, nullptr);
  ASSERT_TRUE(before);
  // In place: the directories do not show it, so that it stays what it was.
  file("a.dist-info/RECORD", "c.py,,\n");
  file("b.dist-info/METADATA", "Name: b\nVersion: 2\n");
  file("b.dist-info/RECORD", "b.py,,\n");
  const auto after = read_packages(root_, kSite, before.get());
  ASSERT_TRUE(after);
  EXPECT_EQ(after->package_of("a/b.py", kLater), "a==1");
  EXPECT_EQ(after->package_of("m.py", kLater), "m==1");
  EXPECT_EQ(after->package_of("b.py", kLater), "b==2");
  EXPECT_EQ(after->package_of("c.py", kLater), "");
  EXPECT_EQ(before->package_of("b.py", kLater), "");
}

TEST_F(PackagesTest, SaysNothingOfBrokenPackages) {
  file("a.dist-info/METADATA", "Name: a\n");
  file("a.dist-info/RECORD", "a.py,,");
  file("b.dist-info/RECORD", "b.py,,");
  file("c.dist-info", "a file");
  file("d.dist-info/METADATA", "Name: " + std::string(1000, 'd') + "\nVersion: 1\n");
  file("d.dist-info/RECORD", "d.py,,\n");
  for (const std::string name : {"a.py", "b.py", "c.py", "d.py"}) EXPECT_EQ(package(name), "") << name;
  std::filesystem::remove_all(root_);
  EXPECT_EQ(package("a.py"), "unreadable");
}

TEST_F(PackagesTest, IsBounded) {
  std::string record;
  for (int i = 0; i < 100'000; ++i) record += "p/m" + std::to_string(i) + ".py,,\n";
  file("p.dist-info/METADATA", "Name: p\nVersion: 1\n");
  file("p.dist-info/RECORD", record + std::string(100'000, 'x') + "\n");
  const auto site = read_packages(root_, kSite, nullptr);
  ASSERT_TRUE(site);
  EXPECT_LT(site->memory_bytes(), (1U << 20U) + 4096U);
  EXPECT_EQ(site->package_of("p/m5.py", kLater), "p==1");
}

TEST(StandardLibrary, IsBelowItsOwnDirectory) {
  EXPECT_TRUE(is_standard_library("/usr/lib/python3.11/json/decoder.py"));
  EXPECT_TRUE(is_standard_library("/opt/p/lib64/python2.7/os.py"));
  EXPECT_TRUE(is_standard_library("/opt/p/lib/python3.13t/threading.py"));
  EXPECT_FALSE(is_standard_library("/opt/p/lib/python3.13tools/x.py"));
  EXPECT_FALSE(is_standard_library("/usr/lib/python3/dist-packages/yaml/x.py"));
  EXPECT_FALSE(is_standard_library("/opt/p/lib/python3.12/site-packages/x.py"));
  EXPECT_FALSE(is_standard_library("/srv/python3.11/x.py"));
  EXPECT_FALSE(is_standard_library("<string>"));
  EXPECT_FALSE(is_standard_library("/usr/lib/python3.11"));
}

TEST(PackageDirectory, IsTheInnermost) {
  EXPECT_EQ(package_directory("/v/site-packages/a/site-packages/b.py"), "/v/site-packages/a/site-packages/");
  EXPECT_EQ(package_directory("/v/lib/x.py"), "");
}

}  // namespace
}  // namespace gp::runtimes::python
