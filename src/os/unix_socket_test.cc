#include "os/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace gp::os {
namespace {

class UnixSocket : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_ = std::filesystem::temp_directory_path() / fmt::format("gp-socket-{}", ::getpid());
  std::string path_ = directory_ + "/sub/control.sock";
};

TEST_F(UnixSocket, CarriesBytesBetweenProcessesOfOneUser) {
  const auto listener = listen_on(path_);
  ASSERT_TRUE(listener) << listener.error().message();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_FALSE(accept_connection(listener->get()));
  const auto client = connect_to(path_);
  ASSERT_TRUE(client);
  const auto server = accept_connection(listener->get());
  ASSERT_TRUE(server);
  EXPECT_EQ(*peer_user(server->get()), ::geteuid());
  ASSERT_TRUE(write_all(client->get(), "x", "test"));
  char byte = 0;
  EXPECT_EQ(::read(server->get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(UnixSocket, ReplacesASocketNobodyListensOnOnly) {
  {
    const auto first = listen_on(path_);
    ASSERT_TRUE(first);
    EXPECT_EQ(listen_on(path_).error().code(), ErrorCode::kLimit);
  }
  EXPECT_EQ(connect_to(path_).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(listen_on(path_));
}

TEST_F(UnixSocket, DoesNotTakeThePlaceOfAFile) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  ASSERT_TRUE(open_file(path_, O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(listen_on(path_));
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(UnixSocket, RefusesPathsThatDoNotFit) {
  EXPECT_EQ(listen_on(std::string(200, 'x')).error().code(), ErrorCode::kUsage);
  EXPECT_EQ(connect_to("").error().code(), ErrorCode::kUsage);
}

TEST(HostName, IsHeldByOneAtATime) {
  const std::string name = fmt::format("gp_test_{}", ::getpid());
  {
    const auto held = hold_host_name(name);
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_EQ(hold_host_name(name).error().code(), ErrorCode::kLimit);
  }
  EXPECT_TRUE(hold_host_name(name));
}

}  // namespace
}  // namespace gp::os
