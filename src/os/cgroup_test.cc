#include "os/cgroup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/spawn.h"

namespace gp::os {
namespace {

constexpr std::string_view kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:3 - cgroup cgroup rw,cpu\n"
    "41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:9 master:1 - cgroup2 cgroup2 rw\n";

TEST(Cgroup, FindsTheHierarchy) {
  const auto mount = parse_cgroup2_mount(kHybrid);
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->directory, "/sys/fs/cgroup/uni fied");
  EXPECT_EQ(mount->root, "/");
  EXPECT_FALSE(parse_cgroup2_mount("1 2 0:3 / /x rw - cgroup cgroup rw\n"));
  EXPECT_FALSE(parse_cgroup2_mount(""));
  EXPECT_FALSE(parse_cgroup2_mount(" - "));
  EXPECT_FALSE(parse_cgroup2_mount(" - cgroup2 x"));
  EXPECT_FALSE(parse_cgroup2_mount("1 2 3 - cgroup2 x"));
}

TEST(Cgroup, FindsOurPath) {
  EXPECT_EQ(parse_cgroup2_path("8:pids:/\n0::/system.slice/x.service\n"), "/system.slice/x.service");
  EXPECT_EQ(parse_cgroup2_path("0::/"), "/");
  EXPECT_FALSE(parse_cgroup2_path("4:memory:/0::/x\n"));
}

TEST(Cgroup, JoinsMountAndPath) {
  EXPECT_EQ(cgroup_directory({"/cg", "/"}, "/"), "/cg");
  EXPECT_EQ(cgroup_directory({"/cg", "/"}, "/a/b"), "/cg/a/b");
  EXPECT_EQ(cgroup_directory({"/cg", "/docker/1"}, "/docker/1"), "/cg");
  EXPECT_EQ(cgroup_directory({"/cg", "/docker/1"}, "/docker/1/x"), "/cg/x");
  EXPECT_FALSE(cgroup_directory({"/cg", "/docker/1"}, "/docker/12"));
  EXPECT_FALSE(cgroup_directory({"/cg", "/"}, "/../x"));
}

TEST(CgroupLeaf, KillsWhatLeftTheSession) {
  const auto own = own_cgroup_directory();
  if (!own) GTEST_SKIP() << own.error().message();
  const std::string directory = *own + "/gp_os_test." + std::to_string(::getpid());
  auto leaf = CgroupLeaf::make(directory);
  if (!leaf) GTEST_SKIP() << leaf.error().message();
  SpawnSpec spec;
  spec.arguments = {"sh", "-c", "setsid sleep 1000 & exec sleep 1000"};
  spec.managed = true;
  spec.cgroup = leaf->fd();
  auto child = GatedChild::prepare(spec);
  ASSERT_TRUE(child) << child.error().message();
  ASSERT_TRUE(child->start());
  leaf->kill();
  EXPECT_EQ(child->wait()->signal, SIGKILL);
  {
    const CgroupLeaf gone = std::move(*leaf);
  }
  EXPECT_NE(::access(directory.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace gp::os
